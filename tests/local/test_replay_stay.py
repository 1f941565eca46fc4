"""A parked car draws what its profile lets it, until it has what it wants."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from local.recorded import LaidSession
from local.replay.stay import ParkedCar, Stretch, recorded_stay
from offpeak.planning.profile import ChargingProfile, ProfilePeriod
from tests.local.replay_scene import START, a_stay

MINUTE = timedelta(minutes=1)


def a_profile(start_at: datetime, *steps: tuple[int, float]) -> ChargingProfile:
    """A profile in W, of steps (minutes after its start, limit)."""
    return ChargingProfile(
        start_at, None, "W", tuple(ProfilePeriod(at_min * 60, Decimal(str(limit))) for at_min, limit in steps)
    )


def test_without_a_profile_the_car_charges_at_once_and_stops_when_it_has_what_it_wants() -> None:
    car = ParkedCar(a_stay(kwh=5.52))
    car.wait_until(START + 600 * MINUTE)
    assert car.drawn == [Stretch(START, START + 30 * MINUTE, 11.04)]
    assert (car.is_done, car.starts) == (True, 1)


def test_a_profile_holds_from_when_it_is_taken() -> None:
    car = ParkedCar(a_stay(kwh=11.04))
    car.wait_until(START + 5 * MINUTE)
    car.take(a_profile(START + 5 * MINUTE, (0, 0), (60, 11040), (75, 0), (90, 5520)))
    car.wait_until(START + 600 * MINUTE)
    assert [(each.start_at - START, each.kw) for each in car.drawn] == [
        (0 * MINUTE, 11.04),
        (65 * MINUTE, 11.04),
        (95 * MINUTE, 5.52),
    ]
    assert sum(each.kwh for each in car.drawn) == pytest.approx(11.04)
    assert car.starts == 3


def test_it_does_not_matter_in_how_many_steps_time_passes() -> None:
    once, often = ParkedCar(a_stay(kwh=9.9)), ParkedCar(a_stay(kwh=9.9))
    for car in (once, often):
        car.take(a_profile(START, (0, 0), (7, 11040), (31, 0), (44, 11040)))
    once.wait_until(START + 300 * MINUTE)
    for minute in range(301):
        often.wait_until(START + minute * MINUTE)
    assert [each.start_at for each in often.drawn] == [each.start_at for each in once.drawn]
    assert often.kwh == pytest.approx(once.kwh) == pytest.approx(9.9)
    assert often.starts == once.starts == 2


def test_less_than_six_amperes_are_a_pause() -> None:
    car = ParkedCar(a_stay())
    car.take(a_profile(START, (0, 4139.9), (10, 4140), (20, 0)))
    car.wait_until(START + 30 * MINUTE)
    assert car.drawn == [Stretch(START + 10 * MINUTE, START + 20 * MINUTE, 4.14)]


def test_a_car_that_goes_on_under_another_profile_has_not_started_again() -> None:
    car = ParkedCar(a_stay())
    car.wait_until(START + 5 * MINUTE)
    car.take(a_profile(START + 5 * MINUTE, (0, 11040)))
    car.wait_until(START + 30 * MINUTE)
    assert (car.starts, len(car.drawn)) == (1, 1)


@pytest.mark.parametrize(("kwh", "stay_h", "power_w"), [("20", 10, 11040), ("20", 1, 22080), ("80", 5, 22080)])
def test_a_recorded_car_has_a_charger_that_could_have_delivered_its_energy(
    kwh: str, stay_h: int, power_w: float
) -> None:
    laid = LaidSession("7", START, START + timedelta(hours=stay_h), Decimal(kwh), timedelta(0), "G", "U")
    stay = recorded_stay(laid, least_w=11000)
    assert (stay.power_w, stay.garage, stay.user) == (power_w, "G", "U")
