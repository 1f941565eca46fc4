from __future__ import annotations

import itertools
import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.car import UNLIMITED_W, Car, Doing, LimitStep, Visit, advance, limit_at

EVENING = datetime(2026, 1, 30, 18, tzinfo=UTC)


def hours(count: float) -> datetime:
    return EVENING + timedelta(hours=count)


def limited(*steps: tuple[float, float]) -> tuple[LimitStep, ...]:
    return tuple(LimitStep(hours(after_h), power_w) for after_h, power_w in steps)


@st.composite
def cars(draw: st.DrawFn) -> Car:
    return Car(
        battery_kwh=draw(st.floats(5, 120)),
        soc=draw(st.floats(0, 1)),
        target_soc=draw(st.floats(0, 1)),
        max_current_a=draw(st.sampled_from([6.0, 10.0, 16.0, 32.0])),
        phases=draw(st.sampled_from([1, 2, 3])),
        efficiency=draw(st.floats(0.7, 1)),
        taper_from_soc=draw(st.floats(0.5, 0.95)),
    )


@st.composite
def limits(draw: st.DrawFn) -> tuple[LimitStep, ...]:
    starts = draw(st.lists(st.integers(-3600, 12 * 3600), max_size=6, unique=True))
    powers = st.one_of(st.just(0.0), st.just(UNLIMITED_W), st.floats(0, 25_000))
    return tuple(LimitStep(EVENING + timedelta(seconds=start), draw(powers)) for start in sorted(starts))


@pytest.mark.parametrize(
    ("sentence", "car", "limit_w", "kwh_in_an_hour", "doing"),
    [
        ("nothing limits: 16 A on three phases", Car(60, 0.2), UNLIMITED_W, 11.04, Doing.CHARGING),
        ("one phase at 32 A", Car(60, 0.2, phases=1, max_current_a=32), UNLIMITED_W, 7.36, Doing.CHARGING),
        ("a limit below what the car takes", Car(60, 0.2), 6900, 6.9, Doing.CHARGING),
        ("a limit above what the car takes", Car(60, 0.2), 22_000, 11.04, Doing.CHARGING),
        ("just the least current, 6 A a phase", Car(60, 0.2), 4140, 4.14, Doing.CHARGING),
        ("below 6 A a phase the car pauses", Car(60, 0.2), 4139.9, 0, Doing.HELD_BACK),
        ("one phase needs less for its 6 A", Car(60, 0.2, phases=1), 1380, 1.38, Doing.CHARGING),
        ("zero pauses", Car(60, 0.2), 0, 0, Doing.HELD_BACK),
        ("a car that has its target asks for nothing", Car(60, 0.8, target_soc=0.8), UNLIMITED_W, 0, Doing.DONE),
    ],
)
def test_a_car_draws_what_limit_and_charger_allow(
    sentence: str, car: Car, limit_w: float, kwh_in_an_hour: float, doing: Doing
) -> None:
    _, stretches = advance(car, limited((0, limit_w)), EVENING, hours(1))
    assert [each.doing for each in stretches] == [doing], sentence
    assert stretches[0].energy_kwh == pytest.approx(kwh_in_an_hour), sentence


def test_a_car_stops_at_its_target_and_says_when() -> None:
    after, stretches = advance(Car(60, 0.3, target_soc=0.8), (), EVENING, hours(6))
    assert [each.doing for each in stretches] == [Doing.CHARGING, Doing.DONE]
    assert stretches[0].end_at - EVENING == pytest.approx(timedelta(hours=30 / 0.9 / 11.04), abs=timedelta(seconds=1))
    assert after.soc == pytest.approx(0.8)
    assert after.need_kwh == pytest.approx(0)


def test_above_the_knee_a_battery_takes_less_and_less() -> None:
    car = Car(60, 0.84, target_soc=1.0, taper_from_soc=0.85)
    powers = []
    for quarter in range(10):
        car, stretches = advance(car, (), hours(quarter / 4), hours((quarter + 1) / 4))
        powers.append(stretches[0].mean_power_w)
    assert powers == sorted(powers, reverse=True)
    assert powers[0] > 10_000 > 6_000 > powers[-1]
    assert car.acceptance_w(1.0) == pytest.approx(car.min_power_w)


def test_limits_hold_from_step_to_step() -> None:
    steps = limited((1, 0.0), (2, 6900.0), (3, UNLIMITED_W))
    _, stretches = advance(Car(100, 0.1), steps, EVENING, hours(4))
    assert [round(each.energy_kwh, 3) for each in stretches] == [11.04, 0, 6.9, 11.04]
    assert [limit_at(steps, hours(at)) for at in (0.5, 1, 2.5, 9)] == [UNLIMITED_W, 0.0, 6900.0, UNLIMITED_W]


@given(car=cars(), steps=limits(), stay_h=st.floats(0.01, 14))
def test_no_energy_is_made_and_no_limit_is_broken(car: Car, steps: tuple[LimitStep, ...], stay_h: float) -> None:
    after, stretches = advance(car, steps, EVENING, hours(stay_h))

    assert stretches[0].start_at == EVENING
    assert stretches[-1].end_at == hours(stay_h)
    assert all(one.end_at == other.start_at for one, other in itertools.pairwise(stretches))

    drawn_kwh = sum(each.energy_kwh for each in stretches)
    assert drawn_kwh * car.efficiency == pytest.approx((after.soc - car.soc) * car.battery_kwh, abs=1e-6)
    assert car.soc <= after.soc <= max(car.target_soc, car.soc) <= 1

    for each in stretches:
        most_w = min(each.limit_w, car.max_power_w)
        assert 0 <= each.last_power_w <= each.first_power_w + 1e-6 <= most_w + 2e-6
        assert each.mean_power_w <= each.first_power_w * (1 + 1e-6) + 1e-3
        assert each.energy_kwh == 0 or each.doing is Doing.CHARGING
        if each.doing is Doing.CHARGING:
            assert each.last_power_w >= car.min_power_w - 1e-3


@given(car=cars(), steps=limits(), stay_h=st.floats(0.1, 12), share=st.floats(0.01, 0.99))
def test_two_short_steps_are_one_long_step(car: Car, steps: tuple[LimitStep, ...], stay_h: float, share: float) -> None:
    halfway, first = advance(car, steps, EVENING, hours(stay_h * share))
    in_two, second = advance(halfway, steps, hours(stay_h * share), hours(stay_h))
    in_one, whole = advance(car, steps, EVENING, hours(stay_h))
    assert in_two.soc == pytest.approx(in_one.soc, abs=1e-6)
    assert math.fsum(each.energy_kwh for each in (*first, *second)) == pytest.approx(
        math.fsum(each.energy_kwh for each in whole), abs=1e-4
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"soc": 1.2},
        {"soc": 0.5, "target_soc": -0.1},
        {"soc": 0.5, "efficiency": 0},
        {"soc": 0.5, "phases": 4},
        {"soc": 0.5, "max_current_a": 5},
        {"soc": 0.5, "taper_from_soc": 1.0},
    ],
)
def test_a_car_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Car(battery_kwh=60, **wrong)  # type: ignore[arg-type]


def test_a_visit_ends_after_it_began() -> None:
    with pytest.raises(ValueError, match="leaves after it arrives"):
        Visit("S1", "E1", Car(60, 0.2), EVENING, EVENING)
