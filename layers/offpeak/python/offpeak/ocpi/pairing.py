"""CPOs' pairing interfaces on the wire: what a code stands for, and that a charger is nobody's any more.

They are no module of OCPI, but borrow its objects: an EVSE with its connectors (`ocpi2.2`), or a charging station with
its EVSEs (`ocpp2.0.1`). Bodies are bare; one that a peer has put into OCPI's envelope is taken too.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from pydantic import BaseModel, Field

from offpeak.errors import InvalidMessage
from offpeak.ocpi.fields import NoneAsEmpty, Text, Written, read_object
from offpeak.ocpi.locations import EvseObject
from offpeak.ocpi.wire_json import JsonValue

EVSES, STATIONS = "ocpi2.2", "ocpp2.0.1"
MOST_EVSES = 90
"""EVSEs of one station: they are claimed in one transaction, which holds a hundred writes."""
MOST_CONNECTORS = 20
LONGEST_UID = 255


class StationObject(BaseModel):
    uid: Written = None
    evses: Annotated[list[EvseObject], NoneAsEmpty, Field(max_length=MOST_EVSES)] = []


class EvseAnswer(BaseModel):
    evse: EvseObject


class StationAnswer(BaseModel):
    charging_station: StationObject


class CodeObject(BaseModel):
    code: Annotated[Text, Field(min_length=1)]


class EvsePaired(CodeObject, EvseAnswer):
    """What a CPO sends that pairs by a code of ours."""


class StationPaired(CodeObject, StationAnswer):
    """The same of a charging station."""


def pair_address(base: str, *, stations: bool) -> str:
    """Return where a code is asked about."""
    return f"{base.rstrip('/')}/{STATIONS if stations else EVSES}/pair"


def unpair_address(base: str, uid: str, *, stations: bool) -> str:
    """Return where it is told that an EVSE, or a station, is nobody's any more."""
    kind = f"{STATIONS}/chargingstations" if stations else f"{EVSES}/evse"
    return f"{base.rstrip('/')}/{kind}/{quote(uid, safe='')}/unpair"


def read_evse(body: JsonValue) -> EvseObject:
    """Read what stands for a code of one EVSE. Raises InvalidMessage."""
    evse = read_object(EvseAnswer, _bare(body, "evse")).evse
    _check_evse(evse, "evse")
    return evse


def read_station(body: JsonValue) -> StationObject:
    """Read what stands for a code of a charging station: it has a name, and EVSEs with names. Raises InvalidMessage."""
    station = read_object(StationAnswer, _bare(body, "charging_station")).charging_station
    _check_uid(station.uid, "charging_station.uid")
    if not station.evses:
        raise InvalidMessage("charging_station.evses", "must hold at least one EVSE")
    for place, evse in enumerate(station.evses):
        _check_evse(evse, f"charging_station.evses.{place}")
    uids = [str(evse.uid).casefold() for evse in station.evses]
    if len(set(uids)) < len(uids):
        raise InvalidMessage("charging_station.evses", "holds an EVSE twice")
    return station


def read_code(body: JsonValue) -> str:
    """Read the code in a CPO's call on our own interface. Raises InvalidMessage."""
    return read_object(CodeObject, body).code


def _bare(body: JsonValue, member: str) -> JsonValue:
    if isinstance(body, dict) and member not in body and isinstance(body.get("data"), dict):
        return body["data"]
    return body


def _check_evse(evse: EvseObject, where: str) -> None:
    _check_uid(evse.uid, f"{where}.uid")
    if len(evse.connectors) > MOST_CONNECTORS:
        raise InvalidMessage(f"{where}.connectors", f"holds more than {MOST_CONNECTORS}")


def _check_uid(uid: str | None, where: str) -> None:
    if not uid or len(uid.encode()) > LONGEST_UID:
        raise InvalidMessage(where, f"must have 1 to {LONGEST_UID} bytes")
