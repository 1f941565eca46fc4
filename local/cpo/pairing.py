"""The CPO's pairing interface: the codes that it gave to drivers, what each stands for, and what is paired now.

Written from the interface's description alone. It can be told to misbehave as such interfaces do.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local.cpo.wire import Json, read_json

EVSES, STATIONS = "ocpi2.2", "ocpp2.0.1"
PAIRING_PATH = "/pairing"


@dataclass(frozen=True, slots=True)
class PairingTrouble:
    """What goes wrong with calls on the pairing interface. The defaults are one that does everything right."""

    slow_s: float = 0.0
    """Real seconds before the answer; the call takes effect even if nobody waits for it any more."""
    silent: bool = False
    """Accept the connection and never answer; the call has no effect."""
    http_status: int | None = None
    """Answer with this HTTP status instead; the call has no effect."""
    loses_answer: bool = False
    """The call takes effect, and the connection breaks."""
    says: str | None = None
    """Answer HTTP 200 with this text instead; the call has no effect."""
    names: tuple[str, ...] = ()
    """Answer with these EVSEs, one after the other from call to call, whatever the code stands for."""
    calls: int | None = None
    """So many calls are treated so, then all is well again; None: all of them."""


@dataclass(frozen=True, slots=True)
class Code:
    """What a code stands for: EVSEs of a station, or one EVSE where `station_uid` is None."""

    evse_uids: tuple[str, ...]
    station_uid: str | None = None
    is_used_once: bool = False
    """It is unknown once it was asked about."""


@dataclass(frozen=True, slots=True)
class PairingCall:
    """A call on the pairing interface; `about` is the code, or the uid. `http_status` None: no answer."""

    kind: str
    about: str
    received_at: datetime
    http_status: int | None


@dataclass(slots=True)
class PairingDesk:
    """Codes compare exactly, uids without their case."""

    codes: dict[str, Code] = field(default_factory=dict)
    calls: list[PairingCall] = field(default_factory=list)
    paired: set[str] = field(default_factory=set)
    unpaired: set[str] = field(default_factory=set)
    """EVSEs that were paired and are no more: their charging profiles are declined."""
    _stations: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _troubles: dict[str, tuple[PairingTrouble, int]] = field(default_factory=dict)

    def issue(
        self, code: str, evse_uids: Sequence[str], station_uid: str | None = None, *, is_used_once: bool = False
    ) -> None:
        """Give a code to a driver. Raises ValueError for what a code cannot stand for."""
        if not evse_uids or (station_uid is None and len(evse_uids) > 1):
            raise ValueError("evse_uids: one EVSE, or those of a station_uid")
        self.codes[code] = Code(tuple(evse_uids), station_uid, is_used_once)

    def order(self, trouble: PairingTrouble, kind: str) -> None:
        """Treat calls to `pair` or to `unpair` so from now on."""
        if kind not in ("pair", "unpair"):
            raise ValueError("on: must be pair or unpair")
        self._troubles[kind] = (trouble, 0)

    def declines(self, evse_uid: str) -> bool:
        """Say whether charging profiles for an EVSE are declined: it was un-paired."""
        return evse_uid.casefold() in self.unpaired

    def took(self, evse_uids: Sequence[str], station_uid: str | None) -> None:
        """Take EVSEs as paired with Offpeak."""
        uids = {each.casefold() for each in evse_uids}
        self.paired |= uids
        self.unpaired -= uids
        if station_uid is not None:
            self._stations[station_uid.casefold()] = tuple(evse_uids)

    def gave_up(self, evse_uids: Sequence[str]) -> bool:
        """Take EVSEs as un-paired; say whether any was paired."""
        uids = {each.casefold() for each in evse_uids}
        was_paired = bool(uids & self.paired)
        self.paired -= uids
        self.unpaired |= uids
        return was_paired

    def evses_of(self, station_uid: str) -> tuple[str, ...]:
        return self._stations.get(station_uid.casefold(), ())

    async def pair(self, request: Request) -> Response | None:
        """Answer what a code stands for; None breaks the connection off."""
        said = read_json(await request.body())
        asked = said.get("code") if isinstance(said, dict) else None
        if not isinstance(asked, str):
            return self._answered("pair", str(asked), 400, {"error": "code: must be text"})
        return await self._treated("pair", asked, request)

    async def unpair(self, request: Request) -> Response | None:
        """Take an EVSE or a station as un-paired; None breaks the connection off."""
        return await self._treated("unpair", request.path_params["uid"], request)

    async def _treated(self, kind: str, about: str, request: Request) -> Response | None:
        trouble, place = self._trouble(kind)
        if trouble.silent:
            self._note(kind, about, None)
            while (await request.receive())["type"] != "http.disconnect":
                pass
            return None
        await asyncio.sleep(trouble.slow_s)
        if trouble.http_status is not None:
            return self._answered(kind, about, trouble.http_status, {"error": "as ordered"})
        if trouble.says is not None:
            self._note(kind, about, 200)
            return Response(trouble.says, media_type="application/json")
        is_station = STATIONS in request.url.path
        names = (trouble.names[place % len(trouble.names)],) if trouble.names else ()
        status, body = self._paired(about, names, is_station) if kind == "pair" else self._gave_up(about, is_station)
        if trouble.loses_answer:
            self._note(kind, about, None)
            return None
        return self._answered(kind, about, status, body)

    def _paired(self, code: str, names: tuple[str, ...], is_station: bool) -> tuple[int, Json]:
        known = self.codes.get(code)
        if known is None or (known.station_uid is not None) != is_station:
            return 404, {"error": "no such code"}
        if known.is_used_once:
            del self.codes[code]
        uids = names or known.evse_uids
        self.took(uids, known.station_uid)
        evses = [evse_object(uid) for uid in uids]
        if known.station_uid is not None:
            return 200, {"charging_station": {"uid": known.station_uid, "evses": evses}}
        return 200, {"evse": evses[0]}

    def _gave_up(self, uid: str, is_station: bool) -> tuple[int, Json]:
        was_paired = self.gave_up(self.evses_of(uid) if is_station else (uid,))
        return (200, {}) if was_paired else (404, {"error": "not paired"})

    def _trouble(self, kind: str) -> tuple[PairingTrouble, int]:
        trouble, calls = self._troubles.get(kind, (PairingTrouble(), 0))
        self._troubles[kind] = (trouble, calls + 1)
        return (trouble, calls) if trouble.calls is None or calls < trouble.calls else (PairingTrouble(), 0)

    def _answered(self, kind: str, about: str, http_status: int, body: Json) -> Response:
        self._note(kind, about, http_status)
        return JSONResponse(json.loads(json.dumps(body)), status_code=http_status)

    def _note(self, kind: str, about: str, http_status: int | None) -> None:
        self.calls.append(PairingCall(kind, about, datetime.now(UTC), http_status))


def evse_object(evse_uid: str) -> dict[str, Json]:
    """Return an EVSE as the pairing interface tells it."""
    connector: dict[str, Json] = {
        "id": "1",
        "standard": "IEC_62196_T2",
        "format": "SOCKET",
        "power_type": "AC_3_PHASE",
        "max_voltage": 230,
        "max_amperage": 16,
    }
    return {
        "uid": evse_uid,
        "evse_id": f"DE*SIM*E{evse_uid}"[:48],
        "capabilities": ["CHARGING_PROFILE_CAPABLE"],
        "connectors": [connector],
    }


def offpeak_pairing(versions_url: str, path: str, *uids: str) -> str:
    """Return where Offpeak takes our calls about pairing: below its address, as its guide says."""
    base = versions_url.removesuffix("/ocpi/versions")
    return f"{base}/{path.format(*(quote(uid, safe='') for uid in uids))}"
