"""A charge point operator to play with: a real HTTP server in a thread, steered by plain calls.

with CpoSimulator(start_at=evening) as cpo:
    cpo.register(offpeak_versions_url, token_a)
    cpo.plug_in(Visit("S1", "E1", Car(battery_kwh=60, soc=0.3), arrives_at=evening))
    cpo.advance(evening + timedelta(hours=1))
    cpo.state("S1").power_w
"""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from datetime import datetime
from types import TracebackType
from typing import Self, TypeVar

from starlette.applications import Starlette
from starlette.types import ASGIApp

from local.car import Visit
from local.cpo.charge_point_operator import Advanced, ChargePointOperator, Push, Settings
from local.cpo.control import Control
from local.cpo.interfaces import Interfaces
from local.cpo.load import Load, load_of
from local.cpo.misbehaviour import CredentialsTrouble, Misbehaviour
from local.cpo.oauth import TOKEN_PATH, OAuthDoor, OAuthSettings
from local.cpo.object_list import ListCall, ListTrouble
from local.cpo.overview import SessionLog, SessionState, log_of, state_of
from local.cpo.pairing import PAIRING_PATH, PairingDesk, PairingTrouble
from local.cpo.peer import Answered
from local.cpo.places import Place, Tariff
from local.cpo.profile_receiver import ProfileCall
from local.cpo.session import ChargingSession
from local.cpo.wire import Json
from local.loopback_server import LoopbackServer

Answer = TypeVar("Answer")


class CpoSimulator:
    """A CPO on a loopback port (0: a free one), in simulated time from `start_at` on. Every method may be called from
    any thread; each runs on the server's event loop, between requests."""

    def __init__(
        self,
        *,
        start_at: datetime,
        settings: Settings = Settings(),  # noqa: B008  (frozen)
        port: int = 0,
    ) -> None:
        self._settings = settings
        self._start_at = start_at
        self._server = LoopbackServer(self._build, port)
        self.url = self._server.url

    def _build(self, url: str) -> ASGIApp:
        self._cpo = ChargePointOperator(self._settings, url, self._start_at)
        return Starlette(
            routes=[*Interfaces(self._cpo).routes(), *self._cpo.oauth.routes(), *Control(self._cpo).routes()]
        )

    def start(self) -> Self:
        self._server.start()
        return self

    def stop(self) -> None:
        """Stop serving; what is in flight is given up."""
        self._server.run(self._cpo.close())
        self._server.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self, work: Coroutine[object, object, Answer]) -> Answer:
        return self._server.run(work)

    # -- registration

    @property
    def versions_url(self) -> str:
        return self._cpo.offpeak.versions_url

    @property
    def token(self) -> str | None:
        """The token with which Offpeak calls us (token B); None while not registered."""
        return self._cpo.offpeak.token

    @property
    def offpeak_token(self) -> str | None:
        """The token with which we call Offpeak (token C); None while not registered."""
        known = self._cpo.offpeak.registration
        return known.token if known else None

    def register(self, offpeak_versions_url: str, token_a: str) -> None:
        """Register with Offpeak by the token it gave us. Raises RegistrationFailed."""
        self._run(self._cpo.offpeak.register(offpeak_versions_url, token_a))

    @property
    def version(self) -> str | None:
        """The OCPI version in which we are registered; None while not registered."""
        known = self._cpo.offpeak.registration
        return known.version if known else None

    def invite(self) -> str:
        """Make a token A for Offpeak to register with."""

        async def invite() -> str:
            return self._cpo.offpeak.invite()

        return self._run(invite())

    def learn(self, *versions: str) -> None:
        """Speak these OCPI versions from now on."""
        self._cpo.offpeak.versions = versions

    def renew_credentials(self) -> None:
        """Exchange both tokens for new ones. Raises RegistrationFailed, or CallFailed while not registered."""
        self._run(self._cpo.offpeak.renew_credentials())

    def unregister(self) -> None:
        """Withdraw our credentials and forget all tokens. Raises CallFailed."""
        self._run(self._cpo.offpeak.unregister())

    # -- OAuth2

    @property
    def token_url(self) -> str:
        return self.url + TOKEN_PATH

    @property
    def oauth(self) -> OAuthDoor:
        """The token endpoint: its calls, its misbehaviour, and the tokens that it gave out."""
        return self._cpo.oauth

    def demand_oauth(self, settings: OAuthSettings | None) -> None:
        """Let Offpeak in by access tokens alone from now on; None: by its OCPI token again."""

        async def demand() -> None:
            self._cpo.oauth.settings = settings

        self._run(demand())

    def show_access(self, access_token: str | None, api_key: str = "") -> None:
        """Call Offpeak's functional modules with an access token and ApiKey; None: with the OCPI token again."""

        async def show() -> None:
            self._cpo.offpeak.access = None if access_token is None else (access_token, api_key)

        self._run(show())

    # -- cars and time

    @property
    def now(self) -> datetime:
        return self._cpo.now

    def plug_in(self, *visits: Visit) -> None:
        """Expect cars; their sessions begin when time comes to it. Raises ValueError."""

        async def plug_in() -> None:
            for visit in visits:
                self._cpo.plug_in(visit)

        self._run(plug_in())

    def tell_location(self, place: Place) -> None:
        """Tell Offpeak of a Location with its EVSE. Raises CallFailed."""
        self._run(self._cpo.tell_location(place))

    def tell_tariff(self, tariff: Tariff) -> None:
        """Tell Offpeak what charging costs. Raises CallFailed."""
        self._run(self._cpo.tell_tariff(tariff))

    @property
    def preferences(self) -> tuple[tuple[str, object], ...]:
        """The charging preferences that Offpeak told, each with the session's id."""
        return tuple(self._cpo.preferences)

    def remember(self, *objects: Mapping[str, Json], module: str = "sessions") -> None:
        """List these objects of an OCPI module too: what happened before the simulation began. Nothing is pushed."""

        async def remember() -> None:
            self._cpo.lists[module].archive += objects

        self._run(remember())

    def unplug(self, session_id: str) -> None:
        """Take a car away now; the next `advance` tells Offpeak. Raises ValueError."""

        async def unplug() -> None:
            self._cpo.unplug(session_id)

        self._run(unplug())

    def advance(self, to: datetime) -> Advanced:
        """Move simulated time on to `to`; return when every push that fell due was answered. Raises ValueError."""
        return self._run(self._cpo.advance(to))

    def settle(self) -> None:
        """Wait until the results of all answered profile calls were taken, late ones excepted."""
        self._run(self._cpo.profiles.settle())

    # -- pairing

    @property
    def pairing_url(self) -> str:
        """Where our pairing interface begins: what Offpeak's operator sets as `pairing.url`."""
        return self.url + PAIRING_PATH

    @property
    def pairing(self) -> PairingDesk:
        """The codes that we gave out, the calls about pairing, and what is paired and was un-paired."""
        return self._cpo.pairing

    def issue_code(
        self, code: str, *evse_uids: str, station_uid: str | None = None, is_used_once: bool = False
    ) -> None:
        """Give a driver a code that stands for an EVSE, or for the EVSEs of a station. Raises ValueError."""

        async def issue() -> None:
            self._cpo.pairing.issue(code, evse_uids, station_uid, is_used_once=is_used_once)

        self._run(issue())

    def trouble_pairing(self, trouble: PairingTrouble, on: str = "pair") -> None:
        """Treat calls to `pair` or to `unpair` so from now on."""

        async def order() -> None:
            self._cpo.pairing.order(trouble, on)

        self._run(order())

    def begin_pairing(self, code: str, *evse_uids: str, station_uid: str | None = None) -> Answered:
        """Pair an EVSE, or a station, by a code that Offpeak gave to a driver. Raises CallFailed."""
        return self._run(self._cpo.begin_pairing(code, evse_uids, station_uid))

    def end_pairing(self, uid: str, *, is_station: bool = False) -> Answered:
        """Un-pair an EVSE, or a station, and tell Offpeak. Raises CallFailed."""
        return self._run(self._cpo.end_pairing(uid, is_station=is_station))

    # -- misbehaviour

    def misbehave(self, misbehaviour: Misbehaviour, session_id: str | None = None) -> None:
        """Misbehave from now on: in one session, or in all that have no order of their own."""

        async def misbehave() -> None:
            self._cpo.orders.give(misbehaviour, session_id)

        self._run(misbehave())

    def trouble_credentials(self, *trouble: CredentialsTrouble) -> None:
        """Let each of Offpeak's next calls on our credentials go wrong so."""
        self._cpo.orders.give_for_credentials(*trouble)

    def override(self, session_id: str, current_a: float) -> None:
        """Let the charger apply `current_a` per phase now, whatever it was told, and push its ActiveChargingProfile.
        Raises CallFailed, KeyError."""
        self._run(self._cpo.override(self._session(session_id), current_a))

    def trouble_list(self, trouble: ListTrouble, module: str = "sessions") -> None:
        """Serve the list of an OCPI module so from now on."""

        async def order() -> None:
            self._cpo.lists[module].order(trouble)

        self._run(order())

    # -- what happened

    def state(self, session_id: str) -> SessionState:
        """Return a session as it is now. Raises KeyError."""

        async def state() -> SessionState:
            return state_of(self._session(session_id))

        return self._run(state())

    def log(self, session_id: str) -> SessionLog:
        """Return what happened to a session so far. Raises KeyError."""

        async def log() -> SessionLog:
            return log_of(self._cpo, self._session(session_id))

        return self._run(log())

    def load(self, start_at: datetime, end_at: datetime) -> list[Load]:
        """Return what all chargers together held their cars to, and what these drew, from `start_at` to `end_at`."""

        async def load() -> list[Load]:
            return load_of(list(self._cpo.sessions.values()), start_at, end_at)

        return self._run(load())

    @property
    def pushes(self) -> tuple[Push, ...]:
        """All pushes so far, those lost on purpose included, in the order in which they were answered."""
        return tuple(self._cpo.pushes)

    @property
    def profile_calls(self) -> tuple[ProfileCall, ...]:
        """All calls on the charging profiles receiver so far."""
        return tuple(self._cpo.profiles.calls)

    @property
    def list_calls(self) -> tuple[ListCall, ...]:
        """All calls on the list of sessions so far."""
        return self.calls_on_list("sessions")

    def calls_on_list(self, module: str) -> tuple[ListCall, ...]:
        """Return all calls on the list of an OCPI module so far."""
        return tuple(self._cpo.lists[module].calls)

    @property
    def complaints(self) -> tuple[str, ...]:
        """What Offpeak did against the specification, as far as it shows from here."""
        return tuple(self._cpo.offpeak.complaints)

    def _session(self, session_id: str) -> ChargingSession:
        session = self._cpo.session(session_id)
        if session is None:
            raise KeyError(session_id)
        return session
