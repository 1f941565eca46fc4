"""A garage under one cap: never passed, and what is missing could not have been delivered."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from local.replay.bound import bound_of
from local.replay.diary import Diary
from local.replay.figures import peak_kw
from local.replay.garage import ALL, EACH, GroupFigures, garages, parts_of, play_part, play_parts, whole
from local.replay.managed import Rules
from local.replay.market import Market
from local.replay.run import Scene
from local.replay.stay import Stay
from tests.local.replay_scene import START, a_stay, prices_of, varied_prices

MINUTE = timedelta(minutes=1)
PRICES = varied_prices(days=3)


def some_stays(count: int, seed: int, garage: str = "G") -> list[Stay]:
    random = Random(seed)
    found = []
    for number in range(count):
        lasts_min = random.randint(60, 700)
        kwh = random.uniform(0.1, 0.6) * lasts_min / 60 * 11.04
        stay = a_stay(random.randint(0, 500), lasts_min, kwh, garage=garage)
        found.append(replace(stay, session_id=f"{garage}-{number}"))
    return found


def a_group(stays: list[Stay], cap_share: float = 0.5) -> GroupFigures:
    parts = parts_of(stays, cap_share=cap_share, garage=EACH)
    (group,) = garages(play_parts(parts, stays, PRICES, Rules(), 1))
    return group


@pytest.mark.parametrize("seed", range(3))
def test_a_cap_is_never_passed_and_nothing_is_missing_that_could_be_delivered(seed: int) -> None:
    group = a_group(some_stays(6, seed))
    assert group.figures.sessions == 6
    assert group.figures.peak_kw <= group.cap_kw + 1e-6
    assert group.avoidable_kwh == pytest.approx(0, abs=0.05)
    assert group.lost_kwh == pytest.approx(0, abs=0.05)


def test_a_garage_is_played_in_parts_between_which_nobody_is_there() -> None:
    stays = [a_stay(0, 60, 1), a_stay(30, 60, 1), a_stay(120, 60, 1), a_stay(180, 60, 1)]
    parts = parts_of(stays, cap_share=1.0, garage="")
    assert [[each.arrives_at - START for each in part.stays] for part in parts] == [
        [0 * MINUTE, 30 * MINUTE],
        [120 * MINUTE, 180 * MINUTE],
    ]


def test_garages_are_groups_by_themselves_or_all_one() -> None:
    stays = [*some_stays(2, 1, "A"), *some_stays(3, 2, "B")]
    assert {part.garage for part in parts_of(stays, cap_share=0.5, garage=EACH)} == {"A", "B"}
    assert {part.garage for part in parts_of(stays, cap_share=0.5, garage="B")} == {"B"}
    one = parts_of(stays, cap_share=0.5, garage=ALL)
    assert sum(len(part.stays) for part in one) == 5
    assert parts_of(stays, cap_share=0.5, garage="C") == []


def test_the_cap_is_a_share_of_what_all_draw_if_nobody_holds_them_back() -> None:
    stays = [replace(a_stay(at, 600, 11.04), session_id=str(at)) for at in (0, 30, 120)]
    (part,) = parts_of(stays, cap_share=0.5, garage=ALL)
    assert part.cap_w == pytest.approx(11040)


def test_the_bound_knows_what_fits_under_the_cap_and_where_it_is_cheapest() -> None:
    market = Market(prices_of(*[100] * 4, *[50] * 4))
    both = [replace(a_stay(0, 120, 11.04), session_id=each) for each in "ab"]
    assert bound_of(both, 11040, market).kwh == pytest.approx(22.08)
    assert bound_of(both, 11040, market).cost_eur == pytest.approx(11.04 * 0.1 + 11.04 * 0.05)
    assert bound_of(both, 22080, market).cost_eur == pytest.approx(22.08 * 0.05)
    assert bound_of(both, 5520, market).kwh == pytest.approx(11.04)
    gone = [replace(each, leaves_at=START + 60 * MINUTE) for each in both]
    assert bound_of(gone, 11040, market).kwh == pytest.approx(11.04)


def test_what_is_missing_is_avoidable_only_where_it_could_have_been_delivered() -> None:
    stays = [replace(a_stay(0, 60, 11.04), session_id=each) for each in "ab"]
    group = a_group(stays)
    assert group.figures.missing_kwh == pytest.approx(11.04, abs=0.05)
    assert group.undeliverable_kwh == pytest.approx(11.04)
    assert group.avoidable_kwh == pytest.approx(0, abs=0.05)
    assert whole([group, group]).undeliverable_kwh == pytest.approx(22.08)


def test_who_waits_for_a_cheap_hour_and_shares_it_with_one_who_comes_then_was_not_foreseen() -> None:
    """Dear, then an hour that is cheap, in which a second one comes who has to leave after it."""
    prices = prices_of(*[300] * 8, *[20] * 4, *[200] * 20)
    stays = [a_stay(0, 180, 11.04), replace(a_stay(120, 60, 11.04), session_id="2")]
    (group,) = garages(play_parts(parts_of(stays, cap_share=0.5, garage=EACH), stays, prices, Rules(), 1))
    assert group.cap_kw == pytest.approx(5.52)
    assert group.undeliverable_kwh == pytest.approx(5.52)
    assert group.unforeseen_kwh == pytest.approx(5.52, abs=0.15)
    assert group.lost_kwh == pytest.approx(0, abs=0.05)


def test_who_comes_later_is_planned_with_those_who_are_there() -> None:
    # Dear, then an hour that is cheap: one car alone would take all of it at full power.
    market = Market(prices_of(*[300] * 8, *[20] * 4, *[200] * 20))
    first, second = a_stay(0, 480, 8), replace(a_stay(50, 130, 8), session_id="2")
    (part,) = parts_of([first, second], cap_share=0.5, garage=ALL)
    played = play_part(part, Scene(market, Diary([])), Rules())
    assert peak_kw(each for one in played.played for each in one.drawn) <= 11.04 + 1e-6
    assert [each.missing_kwh for each in played.played] == pytest.approx([0, 0], abs=0.05)
