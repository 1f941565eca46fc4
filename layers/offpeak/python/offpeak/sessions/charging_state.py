"""What the car is doing, read off a session that never says it outright.

OCPI has no charging state: it has a status, and periods with POWER, ENERGY and PARKING_TIME. Every inference names its
reason and how far to trust it.
"""

from __future__ import annotations

from decimal import Decimal

from offpeak.partners.model import ParkingTimeMeaning
from offpeak.sessions.energy import delivered, mean_power_w, state_of_charge
from offpeak.sessions.model import ChargingState, Confidence, InferredState, Session, SessionStatus

IDLE_W = 100
"""What a plugged-in car may draw for its electronics without charging."""
FULL = Decimal("0.99")

REASONS = {
    "session_over": "The partner says that the session is over.",
    "reserved": "The charger is reserved; no car is known to be there.",
    "session_pending": "The session has not started to charge.",
    "power_measured": "The newest charging period has power.",
    "energy_rose": "The newest charging period has energy.",
    "battery_full": "No power flows and the battery is full.",
    "held_back_by_profile": "No power flows and our charging profile allows none.",
    "parking_time": "The partner reports parking time: the car does not ask for power.",
    "parking_time_either_side": "The partner reports parking time, which may mean the car or the station.",
    "no_power_yet": "The car is connected and has not drawn power yet.",
    "power_stopped": "The car drew power before and draws none now.",
    "kwh_only": "Energy was delivered, but no charging period says what happens now.",
    "nothing_said": "The session says nothing about power or energy.",
}
"""What each reason means, in words for a person."""


def infer_charging_state(
    session: Session,
    parking_time: ParkingTimeMeaning = ParkingTimeMeaning.SUSPENDED_EV,
    limit_w: int | None = None,
) -> InferredState:
    """Return the charging state with its reason and confidence.

    `limit_w` is what the charger's profile allows now, in watts, None where that is not known: a car that draws
    nothing under a limit of 0 is held back by the station's side, not by itself.
    """
    if session.status in (SessionStatus.COMPLETED, SessionStatus.INVALID):
        return InferredState(ChargingState.FINISHED, "session_over", Confidence.HIGH)
    if session.status is SessionStatus.RESERVATION:
        return InferredState(ChargingState.UNKNOWN, "reserved", Confidence.HIGH)
    power_w, was_measured = _newest_power(session)
    if power_w is None:
        return _without_power(session)
    if power_w > IDLE_W or power_w < -IDLE_W:
        if was_measured:
            return InferredState(ChargingState.CHARGING, "power_measured", Confidence.HIGH, power_w)
        return InferredState(ChargingState.CHARGING, "energy_rose", Confidence.MEDIUM, power_w)
    return _while_idle(session, parking_time, limit_w, power_w)


def _newest_power(session: Session) -> tuple[int | None, bool]:
    """The mean power of the newest period that tells it, and whether power itself was sent."""
    for place in reversed(range(len(session.periods))):
        said = session.periods[place].dimensions
        if not said.keys() & {"POWER", "MIN_POWER", "MAX_POWER", "ENERGY", "PARKING_TIME"}:
            continue
        power_w = mean_power_w(session, place)
        if power_w is not None:
            return int(power_w), "ENERGY" not in said or bool(said.keys() & {"POWER", "MIN_POWER", "MAX_POWER"})
        if "PARKING_TIME" in said:
            return 0, True
    return None, False


def _without_power(session: Session) -> InferredState:
    if session.status is SessionStatus.PENDING:
        return InferredState(ChargingState.CONNECTED, "session_pending", Confidence.MEDIUM)
    if delivered(session).kwh > 0:
        return InferredState(ChargingState.UNKNOWN, "kwh_only", Confidence.LOW)
    return InferredState(ChargingState.CONNECTED, "nothing_said", Confidence.LOW)


def _while_idle(session: Session, parking_time: ParkingTimeMeaning, limit_w: int | None, power_w: int) -> InferredState:
    has_parking_time = session.periods[-1].dimensions.get("PARKING_TIME", Decimal(0)) > 0
    if (state_of_charge(session) or Decimal(0)) >= FULL:
        return InferredState(ChargingState.SUSPENDED_EV, "battery_full", Confidence.HIGH, power_w)
    if has_parking_time and parking_time is ParkingTimeMeaning.SUSPENDED_EV:
        return InferredState(ChargingState.SUSPENDED_EV, "parking_time", Confidence.HIGH, power_w)
    if limit_w is not None and limit_w <= IDLE_W:
        return InferredState(ChargingState.SUSPENDED_EVSE, "held_back_by_profile", Confidence.MEDIUM, power_w)
    if has_parking_time:
        return InferredState(ChargingState.SUSPENDED_EV, "parking_time_either_side", Confidence.LOW, power_w)
    if delivered(session).kwh == 0:
        return InferredState(ChargingState.CONNECTED, "no_power_yet", Confidence.MEDIUM, power_w)
    confidence = Confidence.LOW if limit_w is None else Confidence.MEDIUM
    return InferredState(ChargingState.SUSPENDED_EV, "power_stopped", confidence, power_w)
