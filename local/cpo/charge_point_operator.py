"""The charge point operator itself: its sessions, and what it pushes when.

All of it lives on one event loop, so nothing here needs a lock against itself except `advance`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from urllib.parse import quote

from local.car import LimitStep, Visit
from local.cpo.charging_profile import active_profile
from local.cpo.messages import Message, Style, message_of, session_object
from local.cpo.misbehaviour import Orders
from local.cpo.oauth import OAuthDoor
from local.cpo.object_list import ObjectList
from local.cpo.offpeak_connection import OffpeakConnection
from local.cpo.outbox import Outbox
from local.cpo.pairing import EVSES, STATIONS, PairingDesk, evse_object, offpeak_pairing
from local.cpo.peer import Answered, CallFailed
from local.cpo.places import Place, Tariff, location_object, tariff_object
from local.cpo.profile_receiver import ProfileReceiver
from local.cpo.session import ChargingSession
from local.cpo.wire import Json

LISTED_MODULES = ("sessions", "locations", "tariffs", "hubclientinfo")


@dataclass(frozen=True, slots=True)
class Settings:
    """What kind of CPO this is. `pool` is how many pushes it has in flight at most."""

    style: Style = Style()
    name: str = "Simulated CPO"
    report_every: timedelta = timedelta(minutes=5)
    profile_timeout_s: int = 30
    announces_active_profile: bool = False
    """Push the ActiveChargingProfile whenever one was set or cleared."""
    raw_token: bool = False
    """Send tokens as they are instead of in Base64."""
    versions: tuple[str, ...] = ("2.2.1",)
    """The OCPI versions that it speaks."""
    is_hub: bool = False
    """Tell who is connected to it, too."""
    preferences_answer: str | None = None
    """What it says to charging preferences; None: its EVSEs take none."""
    pool: int = 8
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Push:
    """A session message that was sent, or lost on purpose. `at` is the simulated time that it tells of."""

    session_id: str
    method: str
    at: datetime
    body: dict[str, Json]
    sent_at: datetime | None
    """Real time; None: never sent."""
    took_s: float = 0.0
    http_status: int | None = None
    ocpi_status: int | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Advanced:
    """What an advance sent: how many pushes, and those that were not taken (lost ones are not in here)."""

    now: datetime
    pushed: int
    refused: tuple[Push, ...]


class ChargePointOperator:
    """A CPO at `base_url`, in simulated time from `now` on."""

    def __init__(self, settings: Settings, base_url: str, now: datetime) -> None:
        self.settings = settings
        self.now = now.astimezone(UTC)
        self.orders = Orders()
        self.oauth = OAuthDoor()
        self.pairing = PairingDesk()
        self.profiles = ProfileReceiver(self)
        self.lists = {module: ObjectList(needs_date_from=module == "sessions") for module in LISTED_MODULES}
        """What Offpeak may ask for in pages, by the module."""
        self.offpeak = OffpeakConnection(
            base_url,
            settings.style.party,
            settings.name,
            raw_token=settings.raw_token,
            most_at_once=settings.pool + 8,
            versions=settings.versions,
        )
        self.sessions: dict[str, ChargingSession] = {}
        self.pushes: list[Push] = []
        self.preferences: list[tuple[str, object]] = []
        """The charging preferences that Offpeak told, each with the session's id."""
        self._outboxes: dict[str, Outbox] = {}
        self._advancing = asyncio.Lock()
        self._pool = asyncio.Semaphore(settings.pool)

    def session(self, session_id: str) -> ChargingSession | None:
        """Return a session by its id, whose case does not count."""
        return self.sessions.get(session_id.casefold())

    def plug_in(self, visit: Visit) -> None:
        """Expect a car. Raises ValueError when it comes in the past or the session's id is taken."""
        if visit.arrives_at < self.now:
            raise ValueError(f"arrives_at: {visit.arrives_at} is past; it is {self.now}")
        if self.session(visit.session_id) is not None:
            raise ValueError(f"session_id: {visit.session_id} is taken")
        name = visit.session_id.casefold()
        self.sessions[name] = ChargingSession(visit, self.settings.report_every)
        self._outboxes[name] = Outbox(Random(f"{self.settings.seed}/{name}"))

    def unplug(self, session_id: str) -> None:
        """Take the car away now; the next `advance` tells. Raises ValueError when no car is there."""
        session = self.session(session_id)
        if session is None:
            raise ValueError(f"session_id: there is no session {session_id}")
        session.unplug(self.now)

    def listed(self) -> Iterator[tuple[datetime, dict[str, Json]]]:
        """Yield the sessions that have begun, oldest first, each with the time of its last update."""
        begun = sorted(
            (each for each in self.sessions.values() if each.has_begun), key=lambda each: each.visit.arrives_at
        )
        for session in begun:
            yield session.reports[-1].at, session_object(session.reports, self.settings.style)

    async def advance(self, to: datetime) -> Advanced:
        """Move simulated time on to `to`, push what falls due and wait until it was answered.

        Messages of one session go out one after the other, those of different sessions side by side. A profile that
        arrives meanwhile is in force from `to` on. Raises ValueError when `to` is past.
        """
        async with self._advancing:
            if to < self.now:
                raise ValueError(f"to: {to} is past; it is {self.now}")
            self.now = to.astimezone(UTC)
            for name, session in self.sessions.items():
                wrong = self.orders.for_push(name)
                session.obeys = not wrong.ignores_limit
                for report in session.advance(self.now):
                    self._outboxes[name].add(message_of(report, self.settings.style), wrong)
            pushes = await asyncio.gather(
                *(self._send_all(outbox.take(self.now)) for outbox in self._outboxes.values()),
            )
            await self.profiles.post_late_results()
            sent = [push for session_pushes in pushes for push in session_pushes]
            self._note_lost()
            return Advanced(self.now, len(sent), tuple(push for push in sent if push.problem))

    async def _send_all(self, messages: list[Message]) -> list[Push]:
        sent = []
        for message in messages:
            async with self._pool:
                sent.append(await self._send(message))
        self.pushes += sent
        return sent

    async def _send(self, message: Message) -> Push:
        session_id, party = message.report.session_id, self.settings.style.party
        sent_at = datetime.now(UTC)
        try:
            url = self.offpeak.registered().url("sessions", "RECEIVER")
            path = "/".join(quote(part, safe="") for part in (party.country_code, party.party_id, session_id))
            answer = await self.offpeak.call(message.method, f"{url}/{path}", message.body)
        except CallFailed as error:
            return Push(session_id, message.method, message.report.at, message.body, sent_at, problem=str(error))
        return Push(
            session_id=session_id,
            method=message.method,
            at=message.report.at,
            body=message.body,
            sent_at=sent_at,
            took_s=answer.took_s,
            http_status=answer.http_status,
            ocpi_status=answer.ocpi_status,
            problem=None if answer.is_fine else answer.message or f"HTTP {answer.http_status}",
        )

    def _note_lost(self) -> None:
        for outbox in self._outboxes.values():
            for message in outbox.lost:
                report = message.report
                self.pushes.append(
                    Push(report.session_id, message.method, report.at, message.body, None, problem="lost on purpose")
                )
            outbox.lost.clear()

    async def tell_location(self, place: Place) -> Answered:
        """PUT a Location with its EVSE, as it is from now on. Raises CallFailed."""
        said = location_object(place, self.settings.style.party, self.now)
        self.lists["locations"].put(said)
        return await self._tell("locations", place.location_id, said)

    async def tell_tariff(self, tariff: Tariff) -> Answered:
        """PUT a tariff, as it is from now on. Raises CallFailed."""
        known = self.offpeak.registered()
        said = tariff_object(tariff, self.settings.style.party, known.version or "2.2.1", self.now)
        self.lists["tariffs"].put(said)
        return await self._tell("tariffs", tariff.tariff_id, said)

    async def _tell(self, module: str, object_id: str, said: dict[str, Json]) -> Answered:
        party = self.settings.style.party
        path = "/".join(quote(part, safe="") for part in (party.country_code, party.party_id, object_id))
        url = self.offpeak.registered().url(module, "RECEIVER")
        answer = await self.offpeak.call("PUT", f"{url}/{path}", said)
        if not answer.is_fine:
            raise CallFailed(f"PUT {module}: HTTP {answer.http_status}: {answer.message}")
        return answer

    async def override(self, session: ChargingSession, current_a: float) -> None:
        """Let the charger apply a limit of its own from now on, and tell Offpeak. Raises CallFailed."""
        power_w = current_a * session.car.phases * session.car.voltage_v
        session.hold_to((LimitStep(self.now, power_w),), self.now)
        session.unit = "A"
        await self.push_active_profile(session)

    async def push_active_profile(self, session: ChargingSession) -> Answered:
        """Tell Offpeak what is in force at a charger. Raises CallFailed."""
        url = self.offpeak.registered().url("chargingprofiles", "SENDER")
        return await self.offpeak.call(
            "PUT",
            f"{url}/{quote(session.visit.session_id, safe='')}",
            active_profile(session.limits, session.car, session.unit, self.now),
        )

    async def begin_pairing(self, code: str, evse_uids: Sequence[str], station_uid: str | None = None) -> Answered:
        """Pair EVSEs, or a station, by a code that Offpeak gave to a driver. Raises CallFailed."""
        evses = [evse_object(uid) for uid in evse_uids]
        said: dict[str, Json] = {"code": code}
        said |= {"charging_station": {"uid": station_uid, "evses": evses}} if station_uid else {"evse": evses[0]}
        answer = await self._tell_pairing(f"{STATIONS if station_uid else EVSES}/pair", said)
        if answer.is_fine:
            self.pairing.took(evse_uids, station_uid)
        return answer

    async def end_pairing(self, uid: str, *, is_station: bool = False) -> Answered:
        """Un-pair an EVSE, or a station, and tell Offpeak. Raises CallFailed."""
        self.pairing.gave_up(self.pairing.evses_of(uid) if is_station else (uid,))
        path = f"{STATIONS}/chargingstations/{{}}/unpair" if is_station else f"{EVSES}/evse/{{}}/unpair"
        return await self._tell_pairing(path, {}, uid)

    async def _tell_pairing(self, path: str, said: dict[str, Json], *uids: str) -> Answered:
        return await self.offpeak.call(
            "POST", offpeak_pairing(self.offpeak.registered().versions_url, path, *uids), said
        )

    async def close(self) -> None:
        """Give up what is still in flight and close all connections."""
        await self.profiles.close()
        await self.offpeak.close()
