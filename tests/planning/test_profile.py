"""Plans as OCPI charging profiles (CONFORMANCE P7, P8)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offpeak.planning.decide import decide
from offpeak.planning.plan import Block, Plan, Reason, ReasonCode
from offpeak.planning.profile import (
    ChargingProfile,
    ProfilePeriod,
    encode,
    in_unit,
    limit_at,
    limit_step_w,
    same_effect,
)
from tests.planning.builders import NOW, a_situation, after


def a_plan(*blocks: tuple[float, float], unlimited_from: float = 12, power_w: str = "11040") -> Plan:
    return Plan(
        made_at=NOW,
        departure_at=after(12),
        need_kwh=Decimal(20),
        max_power_w=Decimal(power_w),
        unlimited_from=after(unlimited_from),
        reason=Reason(ReasonCode.CHEAPEST, ""),
        blocks=tuple(Block(after(start), after(end), Decimal(power_w)) for start, end in blocks),
    )


def periods(profile: ChargingProfile) -> list[tuple[int, str]]:
    return [(each.start_period_s, str(each.limit)) for each in profile.periods]


def in_watts(plan: Plan, now: datetime = NOW) -> ChargingProfile:
    return encode(plan, unit="W", phases=3, voltage_v=230, now=now)


def test_a_profile_is_absolute_begins_at_0_and_ends_with_full_power_from_departure_on() -> None:
    """P7"""
    profile = in_watts(a_plan((1, 2), (3, 3.5)))
    assert profile.start_at == NOW
    assert profile.duration_s is None
    assert periods(profile) == [
        (0, "0.0"),
        (3600, "11040.0"),
        (7200, "0.0"),
        (10800, "11040.0"),
        (12600, "0.0"),
        (43200, "11040.0"),
    ]


def test_after_departure_it_has_what_the_plan_leaves_to_it() -> None:
    assert periods(in_watts(replace(a_plan((1, 2)), rest_power_w=Decimal(2300))))[-1] == (43200, "2300.0")


def test_blocks_have_powers_of_their_own() -> None:
    low, high = a_plan((1, 2), power_w="4140"), a_plan((2, 3))
    plan = replace(high, blocks=low.blocks + high.blocks)
    assert periods(in_watts(plan))[:4] == [(0, "0.0"), (3600, "4140.0"), (7200, "11040.0"), (10800, "0.0")]


def test_a_plan_without_a_limit_is_one_period_of_full_power() -> None:
    assert periods(in_watts(a_plan(unlimited_from=0))) == [(0, "11040.0")]


def test_equal_neighbours_are_one_period() -> None:
    assert periods(in_watts(a_plan((0, 1), (1, 2), unlimited_from=2))) == [(0, "11040.0")]


def test_a_profile_of_later_leaves_out_what_has_passed() -> None:
    plan = a_plan((1, 2), (3, 4))
    assert periods(in_watts(plan, after(1.5)))[:2] == [(0, "11040.0"), (1800, "0.0")]
    assert periods(in_watts(plan, after(2.5)))[:2] == [(0, "0.0"), (1800, "11040.0")]
    assert periods(in_watts(plan, after(13))) == [(0, "11040.0")]


def test_a_profile_starts_at_a_whole_second() -> None:
    profile = in_watts(a_plan((1, 2)), NOW + timedelta(milliseconds=789))
    assert profile.start_at == NOW
    assert periods(profile)[1] == (3600, "11040.0")


@pytest.mark.parametrize(
    ("power_w", "unit", "phases", "limit"),
    [
        ("11040", "W", 3, "11040.0"),
        ("11040.16", "W", None, "11040.1"),
        ("11040", "A", 3, "16.0"),
        ("11000", "A", 3, "15.9"),
        ("3680", "A", 1, "16.0"),
        ("7360", "A", 2, "16.0"),
        ("11040", "A", None, "16.0"),
    ],
)
def test_limits_are_rounded_down_to_a_tenth_per_phase_in_amperes_and_in_all_in_watts(
    power_w: str, unit: str, phases: int | None, limit: str
) -> None:
    """P8"""
    assert str(in_unit(Decimal(power_w), unit, phases, 230)) == limit


MAINS = st.tuples(st.sampled_from(["A", "W"]), st.sampled_from([None, 1, 2, 3]), st.integers(200, 250))


@given(MAINS, st.floats(1_000, 50_000), st.floats(0.2, 30.0), st.integers(0, 4 * 3600))
def test_no_limit_is_broken_and_no_energy_lost_when_a_plan_becomes_a_profile(
    mains: tuple[str, int | None, int], max_power_w: float, need_kwh: float, waited_s: int
) -> None:
    unit, phases, voltage_v = mains
    situation = a_situation(
        max_power_w=max_power_w,
        need_kwh=need_kwh,
        need_is_known=True,
        limit_step_w=limit_step_w(unit, phases, voltage_v),
    )
    plan = decide(situation)
    profile = encode(plan, unit=unit, phases=phases, voltage_v=voltage_v, now=NOW)
    watts = Decimal((phases or 3) * voltage_v if unit == "A" else 1)
    assert profile.periods[0].start_period_s == 0
    assert all(a.start_period_s < b.start_period_s and a.limit != b.limit for a, b in pairwise(profile.periods))
    assert all(each.limit == round(each.limit, 1) for each in profile.periods)
    assert all(float(each.limit * watts) <= max_power_w + 1e-6 for each in profile.periods)
    ends_s = [*(each.start_period_s for each in profile.periods[1:]), 12 * 3600]
    drawn_kwh = sum(
        float(each.limit * watts) / 1000 * max(0, end_s - each.start_period_s) / 3600
        for each, end_s in zip(profile.periods, ends_s, strict=True)
    )
    if drawn_kwh < need_kwh - 1e-6:
        assert float(plan.shortfall_kwh) == pytest.approx(need_kwh - drawn_kwh, abs=1e-3)
    later = NOW + timedelta(seconds=waited_s)
    again = encode(plan, unit=unit, phases=phases, voltage_v=voltage_v, now=later)
    assert same_effect(profile, again, later, limit=Decimal(0), for_s=0)


@given(MAINS, st.integers(60, 400))
def test_a_power_that_the_unit_can_tell_is_granted_in_full(mains: tuple[str, int | None, int], tenths: int) -> None:
    unit, phases, voltage_v = mains
    step_w = limit_step_w(unit, phases, voltage_v)
    plan = decide(a_situation(max_power_w=tenths * step_w, limit_step_w=step_w, need_kwh=0.0))
    profile = encode(plan, unit=unit, phases=phases, voltage_v=voltage_v, now=NOW)
    assert [each.limit for each in profile.periods] == [Decimal(tenths) / 10]


def a_profile(
    *steps: tuple[float, float], starts: float = 0, hours: float | None = None, unit: str = "W"
) -> ChargingProfile:
    return ChargingProfile(
        after(starts),
        None if hours is None else int(hours * 3600),
        unit,
        tuple(ProfilePeriod(int(at * 3600), Decimal(str(limit))) for at, limit in steps),
    )


NIGHT_ONLY = a_profile((0, 0), (6, 11040), (8, 0), (12, 11040))

SAME: list[tuple[str, ChargingProfile, float, bool]] = [
    ("the_same", NIGHT_ONLY, 0, True),
    ("what_is_past_does_not_count", a_profile((0, 11040), (1, 0), (6, 11040), (8, 0), (12, 11040)), 1, True),
    ("what_is_not_past_counts", a_profile((0, 11040), (1, 0), (6, 11040), (8, 0), (12, 11040)), 0.5, False),
    ("half_a_minute_does_not_count", a_profile((0, 0), (6, 11040), (8 + 0.5 / 60, 0), (12, 11040)), 0, True),
    ("more_than_half_a_minute_counts", a_profile((0, 0), (6, 11040), (8 + 1 / 60, 0), (12, 11040)), 0, False),
    ("a_tenth_does_not_count", a_profile((0, 0), (6, 11039.9), (8, 0), (12, 11040)), 0, True),
    ("two_tenths_count", a_profile((0, 0), (6, 11039.8), (8, 0), (12, 11040)), 0, False),
    ("the_end_counts", a_profile((0, 0), (6, 11040), (8, 0)), 0, False),
    ("no_limit_is_not_a_limit", a_profile((0, 0), (6, 11040), (8, 0), (12, 11040), hours=13), 0, False),
    ("another_unit_is_another_profile", a_profile((0, 0), (6, 16), (8, 0), (12, 16), unit="A"), 0, False),
    ("one_that_starts_later_counts_until_then", a_profile((0, 0), (3, 11040), (5, 0), (9, 11040), starts=3), 0, False),
    ("and_not_from_then_on", a_profile((0, 0), (3, 11040), (5, 0), (9, 11040), starts=3), 3, True),
    ("a_profile_without_a_period_sets_no_limit", a_profile(), 0, False),
]


@pytest.mark.parametrize(("other", "hours", "same"), [each[1:] for each in SAME], ids=[each[0] for each in SAME])
def test_the_same_effect(other: ChargingProfile, hours: float, same: bool) -> None:
    """P10"""
    assert same_effect(NIGHT_ONLY, other, after(hours)) is same
    assert same_effect(other, NIGHT_ONLY, after(hours)) is same


STEPS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 3)), max_size=6).map(
    lambda steps: tuple(ProfilePeriod(at, Decimal(limit)) for at, limit in sorted(dict(steps).items()))
)
PROFILES = st.builds(
    ChargingProfile,
    st.integers(0, 10).map(lambda s: NOW + timedelta(seconds=s)),
    st.one_of(st.none(), st.integers(0, 40)),
    st.just("A"),
    STEPS,
)


@given(PROFILES, PROFILES, st.integers(0, 20), st.integers(0, 10))
def test_the_same_effect_is_what_looking_at_every_second_says(
    a: ChargingProfile, b: ChargingProfile, from_s: int, for_s: int
) -> None:
    longest = apart = 0
    for s in range(from_s, 200):
        la, lb = (limit_at(each, NOW + timedelta(seconds=s)) for each in (a, b))
        differ = (la is None) != (lb is None) or (la is not None and lb is not None and abs(la - lb) > 1)
        apart = apart + 1 if differ else 0
        longest = max(longest, apart)
    now = NOW + timedelta(seconds=from_s)
    assert same_effect(a, b, now, limit=Decimal(1), for_s=for_s) is (longest <= for_s)


def test_the_step_of_a_limit_is_a_tenth_of_an_ampere_on_every_phase_or_a_tenth_of_a_watt() -> None:
    assert limit_step_w("A", 3, 230) == pytest.approx(69.0)
    assert limit_step_w("A", None, 230) == pytest.approx(69.0)
    assert limit_step_w("A", 1, 230) == pytest.approx(23.0)
    assert limit_step_w("W", 3, 230) == 0.1
