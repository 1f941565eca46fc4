"""The simulator's handles, for curl: plug cars in, let time pass, misbehave, look."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from enum import Enum
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from local.car import Car, Visit
from local.cpo.charge_point_operator import ChargePointOperator
from local.cpo.handshake import RegistrationFailed
from local.cpo.misbehaviour import Misbehaviour
from local.cpo.object_list import ListTrouble
from local.cpo.overview import log_of, state_of
from local.cpo.pairing import PairingTrouble
from local.cpo.peer import CallFailed
from local.cpo.places import Place, Tariff
from local.cpo.session import ChargingSession
from local.cpo.wire import Json, read_instant, read_json, write_instant

HANDLES = {
    "GET /_control": "this list",
    "GET /_control/state": "the time, the registration with the token for calls on Offpeak, and every session",
    "GET /_control/sessions/{session_id}": "one session with its profile calls, pushes and what the car drew",
    "POST /_control/register": '{"offpeak_versions_url": URL, "token": TOKEN A}',
    "POST /_control/invite": "a token A and our versions URL, for Offpeak to register here",
    "POST /_control/plug-in": '{} or any of {"session_id", "evse_uid", "battery_kwh", "soc", "target_soc", '
    '"max_current_a", "phases", "leaves_at"}',
    "POST /_control/unplug": '{"session_id"}',
    "POST /_control/advance": '{"minutes": 5} or {"to": "2026-01-31T18:05:00Z"}',
    "POST /_control/override": '{"session_id", "current_a"}: the charger applies a limit of its own and says so',
    "POST /_control/tell-location": "any of "
    + ", ".join(field.name for field in fields(Place))
    + "; evse_uid at least",
    "POST /_control/tell-tariff": "any of "
    + ", ".join(field.name for field in fields(Tariff))
    + "; tariff_id and eur_per_kwh at least",
    "POST /_control/trouble-list": "any of "
    + ", ".join(field.name for field in fields(ListTrouble))
    + "; with module for another list than that of sessions, nothing else to serve it without fault again",
    "POST /_control/issue-code": '{"code", "evse_uids": ["EVSE-1"]}, with station_uid for a charging station; '
    "is_used_once where it is unknown after it was asked about",
    "POST /_control/begin-pairing": '{"code", "evse_uids"}, with station_uid for a charging station: by a code of '
    "Offpeak's",
    "POST /_control/end-pairing": '{"uid"}, with is_station for a charging station',
    "POST /_control/trouble-pairing": "any of "
    + ", ".join(field.name for field in fields(PairingTrouble))
    + '; {"on": "unpair"} for calls that un-pair, nothing else to serve all without fault again',
    "POST /_control/misbehave": "any of "
    + ", ".join(field.name for field in fields(Misbehaviour))
    + "; with session_id for one session, {} to behave again",
}

Instant = Annotated[datetime, BeforeValidator(lambda text: read_instant(str(text)))]


class Order(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RegisterOrder(Order):
    offpeak_versions_url: str
    token: str


class PlugInOrder(Order):
    session_id: str | None = None
    evse_uid: str = "EVSE-1"
    battery_kwh: Annotated[float, Field(gt=0)] = 60.0
    soc: Annotated[float, Field(ge=0, le=1)] = 0.3
    target_soc: Annotated[float, Field(ge=0, le=1)] = 0.8
    max_current_a: Annotated[float, Field(ge=6)] = 16.0
    phases: Annotated[int, Field(ge=1, le=3)] = 3
    leaves_at: Instant | None = None


class SessionOrder(Order):
    session_id: str


class OverrideOrder(SessionOrder):
    current_a: Annotated[float, Field(ge=0)]


class CodeOrder(Order):
    code: Annotated[str, Field(min_length=1)]
    evse_uids: Annotated[list[str], Field(min_length=1)] = ["EVSE-1"]
    station_uid: str | None = None
    is_used_once: bool = False


class EndPairingOrder(Order):
    uid: str
    is_station: bool = False


class AdvanceOrder(Order):
    minutes: Annotated[float, Field(ge=0)] = 0.0
    to: Instant | None = None


class Control:
    """Routes under /_control."""

    def __init__(self, cpo: ChargePointOperator) -> None:
        self._cpo = cpo

    def routes(self) -> list[BaseRoute]:
        asked = {"": self.handles, "/state": self.state, "/sessions/{session_id:path}": self.session}
        ordered = {
            "/register": self.register,
            "/invite": self.invite,
            "/plug-in": self.plug_in,
            "/unplug": self.unplug,
            "/advance": self.advance,
            "/override": self.override,
            "/tell-location": self.tell_location,
            "/tell-tariff": self.tell_tariff,
            "/issue-code": self.issue_code,
            "/begin-pairing": self.begin_pairing,
            "/end-pairing": self.end_pairing,
            "/trouble-pairing": self.trouble_pairing,
            "/misbehave": self.misbehave,
            "/trouble-list": self.trouble_list,
        }
        return [
            *(Route(f"/_control{path}", _guarded(handle), methods=["GET"]) for path, handle in asked.items()),
            *(Route(f"/_control{path}", _guarded(handle), methods=["POST"]) for path, handle in ordered.items()),
        ]

    async def handles(self, _: Request) -> Json:
        return HANDLES

    async def state(self, _: Request) -> Json:
        cpo = self._cpo
        known = cpo.offpeak.registration
        return {
            "now": write_instant(cpo.now),
            "versions_url": cpo.offpeak.versions_url,
            "is_registered": known is not None,
            "offpeak_token": known.token if known else None,
            "sessions": [plain(asdict(state_of(session))) for session in cpo.sessions.values()],
            "pushes": len(cpo.pushes),
            "profile_calls": len(cpo.profiles.calls),
            "pairing": {
                "codes": list(cpo.pairing.codes),
                "paired": sorted(cpo.pairing.paired),
                "unpaired": sorted(cpo.pairing.unpaired),
                "calls": plain([asdict(call) for call in cpo.pairing.calls]),
            },
            "complaints": list(cpo.offpeak.complaints),
        }

    async def session(self, request: Request) -> Json:
        session = self._found(request.path_params["session_id"])
        return {"state": plain(asdict(state_of(session))), "log": plain(asdict(log_of(self._cpo, session)))}

    async def register(self, request: Request) -> Json:
        order = RegisterOrder.model_validate(await _ordered(request))
        await self._cpo.offpeak.register(order.offpeak_versions_url, order.token)
        return {"is_registered": True}

    async def invite(self, _: Request) -> Json:
        return {"versions_url": self._cpo.offpeak.versions_url, "token_a": self._cpo.offpeak.invite()}

    async def plug_in(self, request: Request) -> Json:
        order = PlugInOrder.model_validate(await _ordered(request))
        session_id = order.session_id or f"SIM-{len(self._cpo.sessions) + 1:05d}"
        car = Car(
            battery_kwh=order.battery_kwh,
            soc=order.soc,
            target_soc=order.target_soc,
            max_current_a=order.max_current_a,
            phases=order.phases,
        )
        self._cpo.plug_in(Visit(session_id, order.evse_uid, car, self._cpo.now, order.leaves_at))
        return {"session_id": session_id, **await self._moved_on(self._cpo.now)}

    async def unplug(self, request: Request) -> Json:
        order = SessionOrder.model_validate(await _ordered(request))
        self._cpo.unplug(order.session_id)
        return await self._moved_on(self._cpo.now)

    async def advance(self, request: Request) -> Json:
        order = AdvanceOrder.model_validate(await _ordered(request))
        return await self._moved_on(order.to or self._cpo.now + timedelta(minutes=order.minutes))

    async def _moved_on(self, to: datetime) -> dict[str, Json]:
        advanced = await self._cpo.advance(to)
        refused: list[Json] = [f"{push.session_id}: {push.problem}" for push in advanced.refused]
        return {"now": write_instant(advanced.now), "pushed": advanced.pushed, "refused": refused}

    async def override(self, request: Request) -> Json:
        order = OverrideOrder.model_validate(await _ordered(request))
        await self._cpo.override(self._found(order.session_id), order.current_a)
        return {"overridden": True}

    async def tell_location(self, request: Request) -> Json:
        place = TypeAdapter(Place).validate_python(await _ordered(request))
        await self._cpo.tell_location(place)
        return {"location_id": place.location_id}

    async def tell_tariff(self, request: Request) -> Json:
        tariff = TypeAdapter(Tariff).validate_python(await _ordered(request))
        await self._cpo.tell_tariff(tariff)
        return {"tariff_id": tariff.tariff_id}

    async def issue_code(self, request: Request) -> Json:
        order = CodeOrder.model_validate(await _ordered(request))
        self._cpo.pairing.issue(order.code, order.evse_uids, order.station_uid, is_used_once=order.is_used_once)
        return {"codes": list(self._cpo.pairing.codes)}

    async def begin_pairing(self, request: Request) -> Json:
        order = CodeOrder.model_validate(await _ordered(request))
        return plain(asdict(await self._cpo.begin_pairing(order.code, order.evse_uids, order.station_uid)))

    async def end_pairing(self, request: Request) -> Json:
        order = EndPairingOrder.model_validate(await _ordered(request))
        return plain(asdict(await self._cpo.end_pairing(order.uid, is_station=order.is_station)))

    async def trouble_pairing(self, request: Request) -> Json:
        order = await _ordered(request)
        on = str(order.pop("on", "pair"))
        unknown = order.keys() - {field.name for field in fields(PairingTrouble)}
        if unknown:
            raise ValueError(f"{', '.join(sorted(unknown))}: see GET /_control for what there is")
        trouble = TypeAdapter(PairingTrouble).validate_python(order)
        self._cpo.pairing.order(trouble, on)
        return plain(asdict(trouble))

    async def misbehave(self, request: Request) -> Json:
        order = await _ordered(request)
        session_id = order.pop("session_id", None)
        unknown = order.keys() - {field.name for field in fields(Misbehaviour)}
        if unknown or not isinstance(session_id, str | None):
            raise ValueError(f"{', '.join(sorted(unknown)) or 'session_id'}: see GET /_control for what there is")
        wrong = TypeAdapter(Misbehaviour).validate_python(order)
        self._cpo.orders.give(wrong, session_id)
        return plain(asdict(wrong))

    async def trouble_list(self, request: Request) -> Json:
        order = await _ordered(request)
        module = order.pop("module", "sessions")
        unknown = order.keys() - {field.name for field in fields(ListTrouble)}
        if unknown or module not in self._cpo.lists:
            raise ValueError(f"{', '.join(sorted(unknown)) or 'module'}: see GET /_control for what there is")
        trouble = TypeAdapter(ListTrouble).validate_python(order)
        self._cpo.lists[str(module)].order(trouble)
        return plain(asdict(trouble))

    def _found(self, session_id: str) -> ChargingSession:
        session = self._cpo.session(session_id)
        if session is None:
            raise ValueError(f"session_id: there is no session {session_id}")
        return session


def plain(value: object) -> Json:
    """Turn the simulator's values into JSON; infinity, which JSON lacks, becomes null."""
    if isinstance(value, dict):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, datetime):
        return write_instant(value)
    if isinstance(value, float):
        return round(value, 4) if math.isfinite(value) else None
    if isinstance(value, Enum):
        return str(value.value)
    if value is None or isinstance(value, bool | int | str):
        return value
    return str(value)


async def _ordered(request: Request) -> dict[str, object]:
    body = read_json(await request.body() or b"{}")
    if not isinstance(body, dict):
        raise ValueError("the body must be a JSON object")
    return body


def _guarded(handle: Callable[[Request], Awaitable[Json]]) -> Callable[[Request], Awaitable[Response]]:
    """Answer 400 with the reason where an order cannot be carried out, and 502 where Offpeak was in the way."""

    async def endpoint(request: Request) -> Response:
        try:
            return JSONResponse(await handle(request))
        except ValidationError as error:
            problems = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
            return JSONResponse({"error": "; ".join(problems)}, status_code=400)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        except (CallFailed, RegistrationFailed) as error:
            return JSONResponse({"error": str(error)}, status_code=502)

    return endpoint
