"""The simulator's sessions, to look at: how one stands, and what happened to it."""

from __future__ import annotations

from dataclasses import dataclass

from local.car import Doing, Stretch, limit_at
from local.cpo.charge_point_operator import ChargePointOperator, Push
from local.cpo.profile_receiver import ProfileCall
from local.cpo.session import ChargingSession


@dataclass(frozen=True, slots=True)
class SessionState:
    """A session at the simulator's present."""

    session_id: str
    status: str
    """EXPECTED, ACTIVE or COMPLETED."""
    doing: Doing | None
    kwh: float
    power_w: float
    limit_w: float
    """What the charger says is in force; infinite where nothing limits."""
    soc: float
    need_kwh: float
    """Energy at the meter until the car has what it wants."""


@dataclass(frozen=True, slots=True)
class SessionLog:
    """What happened to a session so far: profile calls, pushes, and what the car drew, without gap."""

    profile_calls: tuple[ProfileCall, ...]
    pushes: tuple[Push, ...]
    drawn: tuple[Stretch, ...]


def state_of(session: ChargingSession) -> SessionState:
    return SessionState(
        session_id=session.visit.session_id,
        status="COMPLETED" if session.has_ended else "ACTIVE" if session.has_begun else "EXPECTED",
        doing=session.doing if session.is_active else None,
        kwh=session.meter_kwh,
        power_w=session.power_w,
        limit_w=limit_at(session.limits, session.moved_to),
        soc=session.car.soc,
        need_kwh=session.car.need_kwh,
    )


def log_of(cpo: ChargePointOperator, session: ChargingSession) -> SessionLog:
    name = session.visit.session_id
    return SessionLog(
        profile_calls=tuple(each for each in cpo.profiles.calls if each.session_id.casefold() == name.casefold()),
        pushes=tuple(each for each in cpo.pushes if each.session_id == name),
        drawn=tuple(session.drawn),
    )
