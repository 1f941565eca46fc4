"""Whatever is planned, its facts agree with its blocks: any session alone, and any in a group."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from random import Random

import pytest

from offpeak.instants import format_instant, parse_instant
from offpeak.planning.decide import decide
from offpeak.planning.facts import Doing, LimitedBy, NeedFrom, WhyNow
from offpeak.planning.group import decide_group
from offpeak.planning.outlook import Chance, Chances, Outlook
from offpeak.planning.plan import Plan, from_row, to_row
from offpeak.planning.profile import encode, limit_at
from offpeak.planning.reasons import say
from offpeak.planning.situation import Milestone, PowerCap, PricedSlot, Situation, Storage
from tests.planning.builders import after
from tests.planning.instances_group import NOW as EVENING
from tests.planning.instances_group import garage

SECOND = timedelta(seconds=1)


def any_situation(random: Random, running: Plan | None = None, hours: float = 0.0) -> Situation:
    """A session in any state: late, boosted, capped, full, with a battery that gives, with a running plan."""
    slots = tuple(
        PricedSlot(
            after(n),
            after(n + 1),
            random.choice((-0.05, 0.1, 0.2, random.uniform(0.0, 0.5))),
            is_forecast=n > 7,
            steer_eur_per_kwh=random.choice((0.0, 0.0, 0.3)),
        )
        for n in range(random.choice((0, 6, 12)))
    )
    caps = tuple(
        PowerCap(after(begin), after(begin + random.uniform(0.5, 4)), random.choice((0.0, 3000.0, 6000.0)))
        for begin in (random.uniform(-1, 8) for _ in range(random.choice((0, 0, 1, 2))))
    )
    return Situation(
        now=after(hours),
        slots=slots,
        need_kwh=random.choice((0.0, 5.0, random.uniform(0.0, 90.0))),
        departure_at=after(random.choice((-1.0, 3.0, 12.0))),
        max_power_w=random.choice((11_040.0, 11_040.0, 3_000.0)),
        min_power_w=random.choice((0.0, 4_140.0)),
        minimum_now_kwh=random.choice((0.0, 0.0, 6.0)),
        boosts=random.random() < 0.1,
        boost_until=random.choice((None, None, after(1))),
        milestones=random.choice(((), (Milestone(after(2), 4.0),))),
        running=running,
        caps=caps,
        need_is_known=random.random() < 0.5,
        room_kwh=random.choice((None, 30.0)),
        storage=random.choice((None, None, Storage(60.0, random.uniform(0.1, 0.9), 7000.0))),
        outlook=random.choice((None, None, an_outlook(random))),
    )


def an_outlook(random: Random) -> Outlook:
    chances = (Chance(after(random.uniform(-1, 12)), random.uniform(-2.0, 40.0), 1.0) for _ in range(9))
    return Outlook(Chances(chances), miss_eur=random.choice((0.0, 0.5)), visits=random.choice((0, 9)))


def plans_alone() -> Iterator[Plan]:
    for seed in range(250):
        random = Random(seed)
        first = decide(any_situation(random))
        yield first
        yield decide(any_situation(random, running=first, hours=random.uniform(0.0, 2.0)))


def plans_in_groups() -> Iterator[Plan]:
    for seed in range(40):
        situations, tree = garage(Random(seed))
        yield from decide_group(situations, tree, now=EVENING).values()


@pytest.fixture(scope="module")
def plans() -> list[Plan]:
    return [*plans_alone(), *plans_in_groups()]


def test_what_it_does_now_is_what_its_profile_grants_now(plans: list[Plan]) -> None:
    for plan in plans:
        facts = plan.reason.facts
        now = parse_instant(str(facts["told_at"]))
        limit = limit_at(encode(plan, unit="W", phases=3, voltage_v=230, now=now), now)
        assert limit == facts["power_w"], plan
        expected = Doing.CHARGING if limit > 0 else Doing.DISCHARGING if limit < 0 else Doing.PAUSED
        assert facts["doing"] in (expected, Doing.NOT_LIMITED)
        assert (facts["doing"] == Doing.NOT_LIMITED) == (plan.unlimited_from <= now and limit > 0)


def test_nothing_changes_before_it_says_so(plans: list[Plan]) -> None:
    for plan in plans:
        facts = plan.reason.facts
        now = parse_instant(str(facts["told_at"]))
        profile = encode(plan, unit="W", phases=3, voltage_v=230, now=now)
        changes = [now + timedelta(seconds=each.start_period_s) for each in profile.periods[1:]]
        told = facts.get("next_change_at")
        changed = None if told is None else parse_instant(str(told)).replace(microsecond=0)
        assert changed == (changes[0] if changes else None), plan


def test_the_other_facts_are_those_of_the_plan(plans: list[Plan]) -> None:
    for plan in plans:
        facts = plan.reason.facts
        charging = [each for each in plan.blocks if each.power_w > 0]
        assert facts.get("ready_at") == (format_instant(plan.ready_at) if plan.ready_at else None)
        assert facts.get("starts_at") == (format_instant(charging[0].start_at) if charging else None)
        assert facts["charging_s"] == sum((each.end_at - each.start_at) // SECOND for each in charging)
        assert (facts["saving_eur"], facts["shortfall_kwh"]) == (plan.saving_eur, plan.shortfall_kwh)
        assert plan.shortfall_kwh == 0 or facts["limited_by"] != LimitedBy.NOTHING, plan
        assert facts["limited_by"] in set(LimitedBy)
        assert facts["need_from"] in set(NeedFrom)


def test_why_it_waits_or_charges_is_true(plans: list[Plan]) -> None:
    seen = set()
    for plan in plans:
        facts = plan.reason.facts
        seen.add(facts["why_now"])
        match facts["why_now"]:
            case WhyNow.CHEAPER_LATER:
                assert facts["price_now_eur_per_kwh"] >= facts["price_then_eur_per_kwh"]
                assert facts["doing"] == Doing.PAUSED
                assert facts["starts_at"] > facts["told_at"]
            case WhyNow.ASKED_TO | WhyNow.MINIMUM:
                assert facts["at_once_until"] > facts["told_at"]
                assert facts["doing"] == Doing.CHARGING
            case WhyNow.DEAR_NOW:
                assert facts["doing"] == Doing.DISCHARGING
            case WhyNow.NO_TIME_LEFT:
                assert plan.shortfall_kwh > 0
    assert seen == set(WhyNow)


def test_it_is_told_in_whole_sentences_and_again_from_its_row(plans: list[Plan]) -> None:
    codes = set()
    for plan in plans:
        codes.add(plan.reason.code)
        text = plan.reason.text
        assert text[0].isupper()
        assert text.endswith(".")
        assert "{" not in text
        assert "  " not in text
        assert say(from_row(to_row(plan)), time_zone="UTC") == text
    assert len(codes) >= 10


def test_a_fact_is_something_that_a_row_can_hold(plans: list[Plan]) -> None:
    for plan in plans:
        assert all(isinstance(each, str | int | Decimal | bool) for each in plan.reason.facts.values())
