"""The reason of a plan in words: sentences that are made of the plan and its facts alone (see facts.py, wording.py).

So a plan that was stored can be told in another language, whenever somebody reads it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from offpeak.instants import format_instant, parse_instant
from offpeak.planning.facts import Background, Doing, Span, WhyNow, facts_of, length_of, spans_of
from offpeak.planning.plan import Fact, Plan, Reason, ReasonCode
from offpeak.planning.wording import ENGLISH, Clock, Wording

FEW_VISITS = 8
"""Of fewer visits it is said that they are few."""


def explain(plan: Plan, background: Background) -> Reason:
    """Return why a plan is as it is: sentences in local time, and the facts they are made of.

    Of the plan's own reason only the code is read.
    """
    return _with_text(plan, facts_of(plan, background), background.time_zone)


def say(plan: Plan, *, time_zone: str, wording: Wording = ENGLISH) -> str:
    """Return a plan's reason in words, by the plan and its facts alone."""
    clock = Clock(_instant(plan.reason.facts["told_at"]), ZoneInfo(time_zone), wording)
    said = _sentences(plan, plan.reason.facts, clock)
    return " ".join(wording.sentences[key].format_map(values) for key, values in said)


@dataclass(frozen=True, slots=True)
class GridHold:
    """From `start_at` to `end_at` signals of the grid leave a session `power_w`, less than it could draw."""

    start_at: datetime
    end_at: datetime
    power_w: Decimal
    signal_ids: tuple[str, ...]
    is_congestion: bool = False


@dataclass(frozen=True, slots=True)
class GridSteer:
    """Signals of the grid by which some time counts for up to `most_eur_per_kwh` more (or, below zero, less) than its
    price."""

    most_eur_per_kwh: Decimal
    signal_ids: tuple[str, ...]


def with_grid(
    plan: Plan,
    holds: Sequence[GridHold],
    steer: GridSteer | None,
    *,
    now: datetime,
    until: datetime,
    time_zone: str,
) -> Reason:
    """Return the reason of a plan with what signals of the grid have to do with it between `now` and `until`."""
    held = [each for each in holds if each.start_at < until and each.end_at > now]
    if not held and steer is None:
        return plan.reason
    facts = dict(plan.reason.facts)
    ids = [signal_id for each in held for signal_id in each.signal_ids]
    if held:
        facts["held_to_w"] = min(each.power_w for each in held)
        facts["held_from"] = format_instant(held[0].start_at)
        if held[-1].end_at < until:
            facts["held_until"] = format_instant(held[-1].end_at)
        facts["held_by"] = "CONGESTION" if any(each.is_congestion for each in held) else "CAP"
        facts["held_steps"] = len(held)
    if steer is not None:
        facts["steered_by_eur_per_kwh"] = steer.most_eur_per_kwh
        ids += steer.signal_ids
    facts["signals"] = " ".join(dict.fromkeys(ids))
    return _with_text(plan, facts, time_zone)


def _with_text(plan: Plan, facts: Mapping[str, Fact], time_zone: str) -> Reason:
    reason = Reason(plan.reason.code, "", facts)
    return replace(reason, text=say(replace(plan, reason=reason), time_zone=time_zone))


Values = dict[str, object]

SAY_IT_THEMSELVES = {ReasonCode.BOOST, ReasonCode.AT_ONCE, ReasonCode.SHORT_OF_TIME}
"""What is charged whatever the price is all that they charge."""


def _sentences(plan: Plan, facts: Mapping[str, Fact], clock: Clock) -> Iterator[tuple[str, Values]]:
    """Yield what is said, as keys of a wording's sentences with the values that fill them."""
    charging, giving = spans_of(plan), spans_of(plan, gives=True)
    yield (
        _key(plan, facts, charging),
        {
            "when": clock.spans(charging),
            "back": clock.spans(giving),
            "by": clock.time(plan.departure_at),
            "length": clock.length(length_of(charging)),
            "saving": f"{max(plan.saving_eur, Decimal(0)):.2f}",
            "fits": f"{plan.need_kwh - plan.shortfall_kwh:.1f}",
            "need": f"{plan.need_kwh:.1f}",
        },
    )
    if "visits" in facts and (plan.blocks or plan.reason.code is ReasonCode.HABITS):
        yield _of_habits(facts, clock)
    if facts.get("why_now") == WhyNow.CHEAPER_LATER:
        prices = {name: f"{facts[f'{name}_eur_per_kwh']:.2f}" for name in ("price_now", "price_then")}
        if prices["price_now"] != prices["price_then"]:
            yield "PRICE_NOW", {**prices}
    if facts.get("why_now") == WhyNow.CAPPED:
        yield "CAPPED_NOW", {}
    if "at_once_until" in facts and plan.reason.code not in SAY_IT_THEMSELVES:
        yield "BOOSTED" if facts["boosted"] else "MINIMUM", {"until": clock.time(_instant(facts["at_once_until"]))}
    if "early_at" in facts:
        yield (
            "EARLY" if facts["early_fits_kwh"] == facts["early_kwh"] else "EARLY/SHORT",
            {
                "early": clock.time(_instant(facts["early_at"])),
                "kwh": facts["early_kwh"],
                "fits": facts["early_fits_kwh"],
            },
        )
    if facts.get("kept") and plan.blocks:
        yield "KEPT", {"made": clock.time(plan.made_at)}
    if "forecast_from" in facts and plan.blocks and plan.reason.code is not ReasonCode.NO_PRICES:
        yield "FORECAST", {"forecast_from": clock.time(_instant(facts["forecast_from"]))}
    yield from _of_grid(facts, clock)


def _key(plan: Plan, facts: Mapping[str, Fact], charging: Sequence[Span]) -> str:
    """Return which sentence a plan's code has."""
    code = plan.reason.code
    variant = ""
    match code:
        case ReasonCode.SHORT_OF_TIME:
            whole = len(charging) == 1 and charging[0][1] >= plan.departure_at
            variant = "" if whole and facts["doing"] == Doing.CHARGING else "PAUSES"
        case ReasonCode.AT_ONCE:
            variant = "MINIMUM" if str(facts.get("at_once_until", "")) >= str(facts["ends_at"]) else ""
        case ReasonCode.SHARED_LIMIT:
            variant = "SHORT" if plan.shortfall_kwh else ""
        case ReasonCode.NEED_MET:
            variant = "PAID" if charging else ""
        case ReasonCode.HABITS:
            variant = "" if charging else "NOT_HERE"
        case ReasonCode.GIVES_BACK:
            variant = "" if charging else "ONLY"
        case ReasonCode.NEED_UNKNOWN | ReasonCode.PAST_DEPARTURE | ReasonCode.TOO_LITTLE_POWER:
            variant = "" if plan.rest_power_w is None else "SHARED"
    return f"{code.value}/{variant}" if variant else code.value


def _of_habits(facts: Mapping[str, Fact], clock: Clock) -> tuple[str, Values]:
    visits = int(facts["visits"])
    variant = "/OTHERS" if visits == 0 else "/FEW" if visits < FEW_VISITS else ""
    return f"LEARNT{variant}", {
        "visits": facts["visits"],
        "alike": facts["visits_alike"],
        "early": clock.time(_instant(facts["early_departure_at"])),
        "usual": clock.time(_instant(facts["usual_departure_at"])),
        "usual_need": facts["usual_need_kwh"],
        "high_need": facts["high_need_kwh"],
    }


def _of_grid(facts: Mapping[str, Fact], clock: Clock) -> Iterator[tuple[str, Values]]:
    if "held_to_w" in facts:
        until = facts.get("held_until")
        steps = "/STEPS" if int(facts["held_steps"]) > 1 else ""
        yield (
            f"HELD{steps}{'' if until else '/ON'}",
            {
                "power": f"{Decimal(facts['held_to_w']) / 1000:.1f}",
                "start": clock.time(_instant(facts["held_from"])),
                "end": clock.time(_instant(until)) if until else "",
            },
        )
        yield f"HELD_BY/{facts['held_by']}", {}
    if "steered_by_eur_per_kwh" in facts:
        steer = Decimal(facts["steered_by_eur_per_kwh"])
        yield f"STEERED/{'DEARER' if steer > 0 else 'CHEAPER'}", {"steer": f"{abs(steer):.2f}"}


def _instant(fact: Fact) -> datetime:
    return parse_instant(str(fact))
