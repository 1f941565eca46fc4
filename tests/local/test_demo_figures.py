"""Figures from records: what was drawn, what it cost, what it would have cost, who was ready, how long it took."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from local.demo.figures import (
    Drawn,
    Figures,
    Granted,
    at_once_of,
    cost_eur,
    drawn_of,
    figures_of,
    granted_of,
    latency,
    load,
    session_figures,
    states,
    together,
)
from local.demo.records import PartnerRecord, SessionRecord
from offpeak.partners.model import Flags, ParkingTimeMeaning, Partner, Party, PlanningDefaults
from offpeak.prices.model import QUARTER, PriceCurve, PriceSlot
from offpeak.profiles.model import RequestKind, RequestState, Step
from offpeak.sessions.model import ChargingState, Confidence, InferredState, KnownSession, Session, SessionStatus
from tests.profiles.builders import REAL, a_profile, a_request
from tests.sessions.builders import PLUG_IN, a_session, at, period

PARTNER = Partner("p1", "Partner", (Party("NL", "EXA"),), planning=PlanningDefaults(need_kwh=Decimal(20)))
DEPARTURE_MIN = 13 * 60
"""Plug-in is at 18:00 in Berlin, the planner's default departure at 7:00."""


def prices(*ct_per_kwh: float) -> PriceCurve:
    """Quarter-hours from plug-in on."""
    slots = tuple(
        PriceSlot(PLUG_IN + n * QUARTER, PLUG_IN + (n + 1) * QUARTER, Decimal(str(ct)) / 100)
        for n, ct in enumerate(ct_per_kwh)
    )
    return PriceCurve("DE-LU", slots, "somebody")


def a_record(session: Session, *, soc: str | None = None) -> SessionRecord:
    known = KnownSession(
        session=session,
        state=InferredState(ChargingState.FINISHED, "completed", Confidence.HIGH),
        delivered_kwh=session.kwh,
        state_of_charge=None if soc is None else Decimal(soc),
        plan_wanted=1,
        plan_done=1,
        received_at=REAL,
    )
    return SessionRecord(known, None, ())


def ended(session: Session, minutes: float) -> Session:
    return replace(session, status=SessionStatus.COMPLETED, end_at=at(minutes), last_updated=at(minutes))


def drawn(minutes: float, until: float, kwh: float) -> Drawn:
    return Drawn(at(minutes), at(until), kwh)


def is_ready(session: Session, partner: Partner = PARTNER) -> bool:
    return session_figures(a_record(session), partner, prices(10)).is_ready


def test_what_was_drawn_comes_from_the_charging_periods() -> None:
    session = ended(a_session(period(0, POWER=6), period(30, POWER=0), period(60, POWER=12), kwh=9), 90)
    assert drawn_of(session, 9) == (drawn(0, 30, 3), drawn(60, 90, 6))


def test_the_meter_says_how_much_where_a_lost_message_left_a_hole() -> None:
    session = ended(a_session(period(0, ENERGY=1), period(30, ENERGY=1), kwh=4), 60)
    assert drawn_of(session, 4) == (drawn(0, 30, 2), drawn(30, 60, 2))


def test_a_session_that_drew_nothing_has_drawn_nothing() -> None:
    session = ended(a_session(period(0, POWER=0)), 60)
    assert drawn_of(session, 0) == ()
    assert at_once_of((), PLUG_IN) is None


def test_at_once_is_the_same_energy_at_the_most_that_the_car_has_shown() -> None:
    parts = (drawn(60, 90, 3), drawn(90, 91, 1), drawn(91, 121, 2))
    at_once = at_once_of(parts, PLUG_IN)
    assert at_once == Drawn(PLUG_IN, at(60), 6), "the minute at 60 kW is too short to tell"


def test_energy_pays_the_price_of_each_quarter_hour_it_is_drawn_in() -> None:
    assert cost_eur([drawn(10, 20, 1)], prices(10, 30)) == pytest.approx(0.20)
    assert cost_eur([drawn(0, 30, 2), drawn(15, 30, 1)], prices(10, -30)) == pytest.approx(0.1 - 0.3 - 0.3)


def test_a_session_s_saving_is_what_charging_at_once_would_have_cost_more() -> None:
    session = ended(a_session(period(0, POWER=0), period(15, POWER=8), kwh=2), 30)
    figures = session_figures(a_record(session), PARTNER, prices(30, 10))
    assert figures.cost_eur == pytest.approx(0.20)
    assert figures.cost_at_once_eur == pytest.approx(0.60)
    assert figures.saving_eur == pytest.approx(0.40)


@pytest.mark.parametrize(("kwh", "ready"), [(20, True), (19.81, True), (19.7, False)])
def test_a_car_that_tells_nothing_is_ready_with_99_per_cent_of_the_partner_s_default(kwh: float, ready: bool) -> None:
    assert is_ready(ended(a_session(period(0, POWER=kwh), period(60, POWER=0), kwh=kwh), 800)) is ready


def test_energy_after_departure_is_too_late() -> None:
    late = a_session(period(0, POWER=0), period(DEPARTURE_MIN - 30, POWER=20), kwh=20)
    assert is_ready(ended(late, DEPARTURE_MIN + 30)) is False
    assert is_ready(ended(late, DEPARTURE_MIN)) is True


def test_a_car_that_stopped_asking_by_itself_is_ready_with_less() -> None:
    stopped = a_session(period(0, POWER=8), period(60, POWER=0, PARKING_TIME=1), kwh=8)
    held_back = a_session(period(0, POWER=8), period(60, POWER=0, TIME=1), kwh=8)
    assert is_ready(ended(stopped, 800)) is True
    assert is_ready(ended(held_back, 800)) is False


def test_parking_time_excuses_nothing_where_it_may_mean_that_the_station_holds_back() -> None:
    either = replace(PARTNER, flags=Flags(parking_time=ParkingTimeMeaning.SUSPENDED_EV_OR_EVSE))
    stopped = a_session(period(0, POWER=8), period(60, POWER=0, PARKING_TIME=1), kwh=8)
    assert is_ready(ended(stopped, 800), either) is False


@pytest.mark.parametrize(("percent", "ready"), [(80, True), (79, False)])
def test_a_car_that_tells_its_state_of_charge_is_ready_at_the_target(percent: int, ready: bool) -> None:
    told = a_session(period(0, POWER=20, STATE_OF_CHARGE=50), period(60, POWER=0, STATE_OF_CHARGE=percent), kwh=20)
    assert is_ready(ended(told, 800)) is ready


def test_a_state_of_charge_that_was_reached_after_departure_does_not_count() -> None:
    told = a_session(
        period(0, POWER=1, STATE_OF_CHARGE=50), period(DEPARTURE_MIN + 1, POWER=20, STATE_OF_CHARGE=80), kwh=20
    )
    assert is_ready(ended(told, DEPARTURE_MIN + 60)) is False


def test_a_car_that_left_before_its_planned_departure_is_told_apart() -> None:
    session = ended(a_session(period(0, POWER=1), kwh=2), 120)
    record = PartnerRecord(PARTNER, (a_record(session),), prices(10))
    figures = figures_of(record)
    assert figures.sessions[0].departure_at == at(DEPARTURE_MIN)
    assert (figures.ready, figures.left_early) == (0, 1)


def test_what_was_granted_lasts_until_the_charger_took_another_profile() -> None:
    requests = (
        a_request(in_force_at=at(1), profile=a_profile((0, 0), (60, 11040), (120, 0))),
        a_request(in_force_at=at(90), profile=a_profile((0, 11040), (20, 0), minutes=90)),
        a_request(kind=RequestKind.CLEAR, in_force_at=at(200), profile=None),
        a_request(state=RequestState.REJECTED, profile=a_profile((0, 5000), minutes=100)),
    )
    assert granted_of(requests, PARTNER) == (
        Granted(at(1), 0.0),
        Granted(at(60), 11040.0),
        Granted(at(90), 11040.0),
        Granted(at(110), 0.0),
        Granted(at(200), None),
    )


def test_a_limit_in_amperes_counts_on_the_partner_s_phases() -> None:
    one_phase = replace(PARTNER, planning=PlanningDefaults(phases=1))
    request = a_request(in_force_at=at(0), profile=a_profile((0, 16), unit="A"))
    assert granted_of((request,), one_phase) == (Granted(at(0), 3680.0),)


def test_the_load_of_each_step_is_the_mean_power_of_all_that_is_drawn_in_it() -> None:
    parts = [drawn(0, 30, 3), drawn(10, 20, 1)]
    assert load(parts, PLUG_IN, at(45), timedelta(minutes=15)) == pytest.approx([8000, 8000, 0])


def test_latencies_are_nearest_ranks_of_real_times() -> None:
    def took(ms: float) -> dict[Step, datetime]:
        return {Step.RECEIVED: REAL, Step.PLANNED: REAL, Step.SENT: REAL + timedelta(milliseconds=ms)}

    requests = [a_request(steps=took(ms)) for ms in range(1, 101)]
    found = latency(requests, Step.RECEIVED, Step.SENT)
    assert found is not None
    assert (found.count, found.p50_ms, found.p99_ms) == (100, 50, 99)
    assert latency(requests, Step.SENT, Step.CONFIRMED) is None


def test_questions_are_no_profiles() -> None:
    sent = {Step.PLANNED: REAL, Step.SENT: REAL}
    figures = Figures("", (), (a_request(steps=sent), a_request(kind=RequestKind.GET, steps=sent)))
    assert figures.count(Step.SENT) == 1


def test_states_are_counted_in_the_order_of_a_request_s_life() -> None:
    requests = [a_request(state=state) for state in (RequestState.OBSERVED, RequestState.REQUESTED) * 2]
    assert list(states(requests).items()) == [(RequestState.REQUESTED, 2), (RequestState.OBSERVED, 2)]


def test_partners_add_up() -> None:
    session = ended(a_session(period(0, POWER=8), kwh=2), 15)
    one = figures_of(PartnerRecord(PARTNER, (a_record(session),), prices(30, 10)))
    both = together([one, one])
    assert both.kwh == pytest.approx(2 * one.kwh)
    assert both.cost_eur == pytest.approx(2 * one.cost_eur)
    assert len(both.sessions) == 2


def test_no_share_is_saved_of_what_would_have_cost_nothing() -> None:
    session = ended(a_session(period(0, POWER=8), kwh=2), 15)
    assert figures_of(PartnerRecord(PARTNER, (a_record(session),), prices(-1, -5))).saving_share is None
