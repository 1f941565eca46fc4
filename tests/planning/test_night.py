"""A whole night, planned anew every five minutes: ready on time, with few profiles."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest

from offpeak.planning.decide import decide
from offpeak.planning.plan import Plan
from offpeak.planning.profile import ChargingProfile, encode, limit_at, same_effect
from tests.planning.builders import a_situation, after

STEP = timedelta(seconds=30)
UPDATE = timedelta(minutes=5)


@dataclass
class Night:
    delivered_kwh: float = 0.0
    profiles: int = 0
    starts: int = 0


def play(*, need_kwh: float, draws_w: float, need_is_known: bool, told: float = 1.0) -> Night:
    """A car that draws `draws_w` whenever it may, and wants no more than `need_kwh`; it tells `told` times what it
    still needs, as one does whose battery is not of the size that is assumed."""
    night = Night()
    plan: Plan | None = None
    sent: ChargingProfile | None = None
    shown_w: float | None = None
    is_on = False
    now = after(0)
    while now < after(12):
        plan = decide(
            a_situation(
                now=now,
                need_kwh=told * (need_kwh - night.delivered_kwh),
                need_is_known=need_is_known,
                running=plan,
                draw_w=shown_w,
            )
        )
        profile = encode(plan, unit="W", phases=3, voltage_v=230, now=now)
        if sent is None or not same_effect(sent, profile, now):
            sent = profile
            night.profiles += 1
        steps_on = 0
        for n in range(UPDATE // STEP):
            may_draw = limit_at(sent, now + n * STEP) != 0 and night.delivered_kwh < need_kwh
            night.starts += may_draw and not is_on
            is_on = may_draw
            steps_on += is_on
            night.delivered_kwh += is_on * draws_w / 1000 * STEP / timedelta(hours=1)
        if steps_on == UPDATE // STEP:
            shown_w = draws_w
        now += UPDATE
    return night


@pytest.mark.parametrize("need_is_known", [True, False])
@pytest.mark.parametrize("draws_w", [10_000.0, 9_700.0, 7_400.0])
@pytest.mark.parametrize("need_kwh", [3.0, 20.0, 33.3])
def test_the_car_is_ready_after_few_profiles_and_fewer_starts(
    need_kwh: float, draws_w: float, need_is_known: bool
) -> None:
    night = play(need_kwh=need_kwh, draws_w=draws_w, need_is_known=need_is_known)
    assert night.delivered_kwh >= 0.99 * need_kwh
    assert night.profiles <= 3
    assert night.starts <= 2


@pytest.mark.parametrize("told", [0.75, 0.9, 1.1, 1.3])
@pytest.mark.parametrize("need_kwh", [12.0, 33.3])
def test_a_battery_of_another_size_than_assumed_costs_few_profiles_more(need_kwh: float, told: float) -> None:
    night = play(need_kwh=need_kwh, draws_w=10_000.0, need_is_known=True, told=told)
    assert night.delivered_kwh >= 0.98 * need_kwh
    assert night.profiles <= 8


def test_a_car_far_slower_than_its_charger_gets_all_the_time_from_when_it_shows() -> None:
    """It shows in the first cheap hour, five hours before departure."""
    night = play(need_kwh=20.0, draws_w=3_700.0, need_is_known=True)
    assert night.delivered_kwh == pytest.approx(5 * 3.7, abs=0.1)
    assert night.starts == 1
