"""What a session has delivered and what the car is doing, read off what partners really send."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offpeak.partners.model import ParkingTimeMeaning
from offpeak.sessions.charging_state import REASONS, infer_charging_state
from offpeak.sessions.energy import EnergySource, delivered, mean_power_w, state_of_charge
from offpeak.sessions.model import ChargingPeriod, ChargingState, Confidence, Session, SessionStatus
from tests.sessions.builders import a_session, at, period

EITHER = ParkingTimeMeaning.SUSPENDED_EV_OR_EVSE


@pytest.mark.parametrize(
    ("session", "kwh", "source"),
    [
        (a_session(kwh=5), 5, EnergySource.KWH),
        (a_session(period(0, ENERGY=2), period(5, ENERGY=1), kwh=5), 5, EnergySource.KWH),
        (a_session(period(0, ENERGY=2), period(5, ENERGY=1)), 3, EnergySource.ENERGY),
        (a_session(period(0, ENERGY_IMPORT=4, ENERGY_EXPORT=1)), 3, EnergySource.IMPORT_EXPORT),
        (a_session(period(0, ENERGY_IMPORT=1, ENERGY_EXPORT=4)), 0, EnergySource.IMPORT_EXPORT),
        (a_session(), 0, EnergySource.KWH),
    ],
)
def test_delivered_energy_follows_the_stated_precedence(session: Session, kwh: int, source: EnergySource) -> None:
    assert (delivered(session).kwh, delivered(session).source) == (kwh, source)


def test_a_sender_of_running_totals_is_noticed() -> None:
    readings = [period(5 * n, ENERGY=0.9 * (n + 1)) for n in range(5)]
    found = delivered(a_session(*readings))
    assert found.was_cumulative
    assert found.kwh == Decimal("4.5")


def test_a_pause_or_an_even_pace_shows_that_amounts_are_meant() -> None:
    assert not delivered(a_session(*(period(5 * n, ENERGY=0.9) for n in range(6)))).was_cumulative


@pytest.mark.parametrize(("kwh", "hours"), [(11_000, 1), (7_000, 10)], ids=["power", "battery"])
def test_kwh_that_no_car_could_have_taken_are_read_as_wh(kwh: int, hours: int) -> None:
    """S3"""
    found = delivered(a_session(kwh=kwh, last_updated=at(60 * hours)))
    assert found.was_wh
    assert found.kwh == Decimal(kwh) / 1000


def test_the_newest_state_of_charge_counts() -> None:
    session = a_session(period(0, STATE_OF_CHARGE=40), period(5, STATE_OF_CHARGE=42), period(10, ENERGY=1))
    assert state_of_charge(session) == Decimal("0.42")
    assert state_of_charge(a_session()) is None


@pytest.mark.parametrize(
    ("newest", "power_w"),
    [
        (period(5, POWER=7.4), 7400),
        (period(5, MIN_POWER=6, MAX_POWER=8), 7000),
        (period(5, MAX_POWER=8), 8000),
        (period(5, ENERGY=0.5), 6000),
        (period(5, ENERGY=500), 6000),
        (period(5, TIME=1), None),
    ],
)
def test_mean_power_comes_from_the_best_dimension_there_is(newest: ChargingPeriod, power_w: int | None) -> None:
    session = a_session(period(0, ENERGY=0.1), newest)
    assert mean_power_w(session, 1) == power_w


CHARGED = period(0, ENERGY=2, POWER=7)
IDLE = period(5, POWER=0)
PARKED = period(5, PARKING_TIME=0.1, POWER=0)


@pytest.mark.parametrize(
    ("session", "parking", "limit_w", "state", "reason", "confidence"),
    [
        (
            a_session(CHARGED, status=SessionStatus.COMPLETED),
            None,
            None,
            ChargingState.FINISHED,
            "session_over",
            Confidence.HIGH,
        ),
        (
            a_session(status=SessionStatus.PENDING),
            None,
            None,
            ChargingState.CONNECTED,
            "session_pending",
            Confidence.MEDIUM,
        ),
        (
            a_session(status=SessionStatus.RESERVATION),
            None,
            None,
            ChargingState.UNKNOWN,
            "reserved",
            Confidence.HIGH,
        ),
        (a_session(CHARGED), None, None, ChargingState.CHARGING, "power_measured", Confidence.HIGH),
        (a_session(period(0, POWER=-4)), None, None, ChargingState.CHARGING, "power_measured", Confidence.HIGH),
        (a_session(period(0, ENERGY=0.5)), None, None, ChargingState.CHARGING, "energy_rose", Confidence.MEDIUM),
        (a_session(CHARGED, PARKED), None, None, ChargingState.SUSPENDED_EV, "parking_time", Confidence.HIGH),
        (
            a_session(CHARGED, PARKED),
            EITHER,
            0,
            ChargingState.SUSPENDED_EVSE,
            "held_back_by_profile",
            Confidence.MEDIUM,
        ),
        (
            a_session(CHARGED, PARKED),
            EITHER,
            11_000,
            ChargingState.SUSPENDED_EV,
            "parking_time_either_side",
            Confidence.LOW,
        ),
        (
            a_session(CHARGED, IDLE),
            None,
            0,
            ChargingState.SUSPENDED_EVSE,
            "held_back_by_profile",
            Confidence.MEDIUM,
        ),
        (
            a_session(CHARGED, IDLE),
            None,
            11_000,
            ChargingState.SUSPENDED_EV,
            "power_stopped",
            Confidence.MEDIUM,
        ),
        (a_session(CHARGED, IDLE), None, None, ChargingState.SUSPENDED_EV, "power_stopped", Confidence.LOW),
        (a_session(period(0, POWER=0)), None, None, ChargingState.CONNECTED, "no_power_yet", Confidence.MEDIUM),
        (
            a_session(CHARGED, period(5, POWER=0, STATE_OF_CHARGE=100)),
            None,
            0,
            ChargingState.SUSPENDED_EV,
            "battery_full",
            Confidence.HIGH,
        ),
        (a_session(), None, None, ChargingState.CONNECTED, "nothing_said", Confidence.LOW),
        (a_session(kwh=3), None, None, ChargingState.UNKNOWN, "kwh_only", Confidence.LOW),
        (a_session(period(0, PARKING_TIME=0.2)), None, None, ChargingState.SUSPENDED_EV, "parking_time", "HIGH"),
    ],
)
def test_the_charging_state_is_inferred_with_reason_and_confidence(
    session: Session,
    parking: ParkingTimeMeaning | None,
    limit_w: int | None,
    state: ChargingState,
    reason: str,
    confidence: Confidence,
) -> None:
    """S4"""
    inferred = infer_charging_state(session, parking or ParkingTimeMeaning.SUSPENDED_EV, limit_w)
    assert (inferred.state, inferred.reason, inferred.confidence) == (state, reason, confidence)


VOLUMES = st.dictionaries(
    st.sampled_from(["POWER", "MIN_POWER", "MAX_POWER", "ENERGY", "PARKING_TIME", "STATE_OF_CHARGE", "CURRENT"]),
    st.sampled_from(["0", "0.001", "7.4", "99", "100000"]),
)


@given(
    st.lists(VOLUMES, max_size=5),
    st.sampled_from(SessionStatus),
    st.sampled_from([0, 3, 10**6]),
    st.sampled_from(ParkingTimeMeaning),
    st.sampled_from([None, 0, 11_000]),
)
def test_every_session_has_a_state_with_a_reason_that_is_explained(
    volumes: list[dict[str, str]],
    status: SessionStatus,
    kwh: int,
    parking: ParkingTimeMeaning,
    limit_w: int | None,
) -> None:
    periods = [period(5 * place, **each) for place, each in enumerate(volumes)]
    inferred = infer_charging_state(a_session(*periods, status=status, kwh=kwh), parking, limit_w)
    assert inferred.reason in REASONS
    assert delivered(a_session(*periods, kwh=kwh)).kwh >= 0
