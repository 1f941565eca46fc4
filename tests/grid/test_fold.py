"""From conditions to prices that steer, and to caps."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from offpeak.grid.fold import grid_holds, session_caps, steer_told, steered
from offpeak.grid.model import Conditions, Signal, SignalKind, conditions
from offpeak.planning.situation import PowerCap, PricedSlot
from tests.grid.builders import a_signal, at

CAP, ADDER, CARBON, CONGESTION = SignalKind
FIXED = (PricedSlot(at(12), at(24), 0.3),)
"""A fixed tariff is one slot."""


def asked(*signals: Signal) -> Conditions:
    return conditions(signals, "DE-LU", (), at(12), at(24))


def hours(slots: tuple[PricedSlot, ...]) -> list[tuple[float, float, float]]:
    hour = timedelta(hours=1)
    return [((s.start_at - at(0)) / hour, (s.end_at - at(0)) / hour, round(s.steer_eur_per_kwh, 6)) for s in slots]


def test_an_adder_steers_in_its_time_and_leaves_the_price_alone() -> None:
    slots = steered(FIXED, asked(a_signal("a", ADDER, "0.1")), Decimal(0))
    assert hours(slots) == [(12, 17, 0), (17, 19, 0.1), (19, 24, 0)]
    assert {each.eur_per_kwh for each in slots} == {0.3}


def test_carbon_counts_by_its_weight_and_the_untold_time_by_the_mean_of_the_told() -> None:
    told = asked(a_signal("a", CARBON, 600, 200, hours=(17, 18), end=20))
    slots = steered(FIXED, told, Decimal("0.1"))
    mean = (600 + 2 * 200) / 3 * 0.1 / 1000
    assert hours(slots) == [(12, 17, round(mean, 6)), (17, 18, 0.06), (18, 20, 0.02), (20, 24, round(mean, 6))]
    assert steered(FIXED, told, Decimal(0)) == FIXED, "no weight, no effect"


def test_adder_and_carbon_add_up() -> None:
    told = asked(a_signal("a", ADDER, "0.05"), a_signal("b", CARBON, 500))
    assert hours(steered(FIXED, told, Decimal("0.2")))[1] == (17, 19, 0.15)


def test_where_no_price_is_known_nothing_steers() -> None:
    assert steered((), asked(a_signal("a", ADDER, 1)), Decimal(1)) == ()


QUARTER_SLOTS = tuple(PricedSlot(at(12 + n / 4), at(12.25 + n / 4), n / 100, is_forecast=n > 20) for n in range(48))


@given(st.lists(st.tuples(st.integers(43_200, 86_400), st.integers(1, 20_000)), max_size=5))
def test_steering_changes_no_price_and_loses_no_second(spans: list[tuple[int, int]]) -> None:
    signals = [
        a_signal(f"s{n}", ADDER, n + 1, hours=(first / 3600,), end=(first + length) / 3600)
        for n, (first, length) in enumerate(spans)
    ]
    slots = steered(QUARTER_SLOTS, asked(*signals), Decimal(0))
    assert all(one.end_at == other.start_at for one, other in pairwise(slots))
    assert (slots[0].start_at, slots[-1].end_at) == (at(12), at(24))
    for each in slots:
        [was] = [slot for slot in QUARTER_SLOTS if slot.start_at <= each.start_at and each.end_at <= slot.end_at]
        assert (each.eur_per_kwh, each.is_forecast) == (was.eur_per_kwh, was.is_forecast)
        for instant in (each.start_at, each.start_at + (each.end_at - each.start_at) * 0.99):
            assert each.steer_eur_per_kwh == float(sum(value for s in signals if (value := s.value_at(instant))))


def test_a_session_is_capped_where_it_could_draw_more() -> None:
    told = asked(a_signal("a", CAP, 20_000), a_signal("b", CONGESTION, "0.5", hours=(18,), end=20))
    assert session_caps(told, 11_000) == (PowerCap(at(18), at(19), 5500), PowerCap(at(19), at(20), 5500))
    assert [(each.signal_ids, each.is_congestion) for each in grid_holds(told, 11_000)] == [(("b",), True)] * 2
    assert [each.signal_ids for each in grid_holds(told, 100_000)] == [("a",), ("a",), ("b",)]


def test_what_steers_is_told_with_the_most_that_it_does() -> None:
    told = asked(a_signal("a", ADDER, "-0.3"), a_signal("b", CARBON, 500, hours=(20,), end=21))
    assert steer_told(told, Decimal("0.1")) is not None
    steer = steer_told(told, Decimal(0))
    assert steer is not None
    assert (steer.most_eur_per_kwh, steer.signal_ids) == (Decimal("-0.3"), ("a",))
    assert steer_told(asked(a_signal()), Decimal(1)) is None
