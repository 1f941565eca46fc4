"""From a session's JSON to its charging profile: parse, merge, infer, decide, encode. No store, no wire, no queue.

The same calls, in the same order, as behind functions/ocpi_sessions.py and functions/plan_sessions.py.
"""

from __future__ import annotations

from datetime import datetime

from offpeak.ocpi.wire_json import read_json
from offpeak.partners.model import ParkingTimeMeaning, PlanningDefaults, RateUnit
from offpeak.planning.decide import decide
from offpeak.planning.profile import ChargingProfile, encode
from offpeak.prices.model import PriceCurve
from offpeak.profiles.situation import situation_of
from offpeak.sessions.charging_state import infer_charging_state
from offpeak.sessions.energy import delivered, state_of_charge
from offpeak.sessions.merge import merge, session_of
from offpeak.sessions.model import KnownSession, MessageKind, SessionKey
from offpeak.sessions.parse import parse_session_message

PLANNING = PlanningDefaults()


def carry(text: str, prices: PriceCurve, now: datetime) -> ChargingProfile:
    """Return the profile of the session that a PUT with `text` as its body begins."""
    message = parse_session_message(
        MessageKind.PUT,
        read_json(text),
        key=SessionKey("bench", "S1"),
        country_code="DE",
        party_id="BEN",
        strict=False,
        now=now,
    )
    session = session_of(merge(None, message))
    assert session is not None
    known = KnownSession(
        session=session,
        state=infer_charging_state(session, ParkingTimeMeaning.SUSPENDED_EV, None),
        delivered_kwh=delivered(session).kwh,
        state_of_charge=state_of_charge(session),
        plan_wanted=1,
        plan_done=0,
        received_at=now,
    )
    plan = decide(situation_of(known, PLANNING, RateUnit.WATT, prices, None, None, now))
    return encode(plan, unit="W", phases=None, voltage_v=PLANNING.voltage_v, now=now)
