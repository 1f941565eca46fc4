"""Decide when one session charges: pure, the same answer for the same situation."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from offpeak.planning.background import background_of, is_boosted
from offpeak.planning.cheapest import cheapest
from offpeak.planning.choice import Choice, money_for, ready_s
from offpeak.planning.choose import choose
from offpeak.planning.layout import stretches
from offpeak.planning.plan import Block, Plan, Reason, ReasonCode
from offpeak.planning.problem import Problem, caps_in_seconds, granted_w, least_cap_w, pose
from offpeak.planning.reasons import explain
from offpeak.planning.situation import Situation
from offpeak.planning.weigh import choose_likely

SMALLEST_SHORTFALL_KWH = 0.0005


def decide(situation: Situation) -> Plan:
    """Return the cheapest plan that meets the need by departure, or as much of it as can be had.

    No situation is infeasible: what does not fit is named as `shortfall_kwh`, and the car charges all the time. No car
    is stranded: it is not limited after its departure, nor once an assumed need is met (it may want more), nor
    where the charger's maximum is less than a car can charge at. A running plan moves for the reasons of
    `situation.calm` only.
    """
    outlook = situation.outlook if may_weigh(situation) else None
    if outlook is not None:
        situation = replace(
            situation, departure_at=outlook.until(situation.now), need_kwh=outlook.need_kwh(0.5), need_is_known=False
        )
    problem = pose(situation)
    code = why_no_limit(situation, problem)
    if code is None and outlook is not None and _is_free(situation):
        code = ReasonCode.NEED_UNKNOWN
    if code is not None:
        return told(_without_limit(situation, problem, code), situation, problem, is_kept=False)
    if outlook is not None:
        choice = choose_likely(problem, outlook, situation.running, situation.calm)
    else:
        choice = choose(problem, situation.running, situation.calm)
    return told(_with_blocks(situation, problem, choice), situation, problem, is_kept=choice.is_kept)


def may_weigh(situation: Situation) -> bool:
    """Say whether a session is planned by its whole outlook: what somebody said of it comes first."""
    said = situation.need_is_known or situation.boosts or situation.boost_until is not None or situation.milestones
    return situation.outlook is not None and not said and situation.slot_s is None


def _is_free(situation: Situation) -> bool:
    """Say whether the running plan is through: what it left to chance is not held back again."""
    return situation.running is not None and situation.running.unlimited_from <= situation.now


def why_no_limit(situation: Situation, problem: Problem) -> ReasonCode | None:
    """Return why a session is not held to a plan of its own, None where it is."""
    if situation.departure_at <= problem.start_at:
        return ReasonCode.PAST_DEPARTURE
    if problem.max_power_w <= 0 or problem.max_power_w < situation.min_power_w:
        return ReasonCode.TOO_LITTLE_POWER
    running = situation.running
    takes_no_more = situation.is_idle and running is not None and running.unlimited_from <= situation.now
    if not situation.need_is_known and (takes_no_more or problem.need_kwh <= situation.calm.energy_kwh):
        return ReasonCode.NEED_UNKNOWN
    return None


def _without_limit(situation: Situation, problem: Problem, code: ReasonCode) -> Plan:
    return Plan(
        made_at=situation.now,
        departure_at=situation.departure_at,
        need_kwh=_decimal(problem.need_kwh, "0.001"),
        max_power_w=_decimal(problem.max_power_w, "0.1"),
        unlimited_from=problem.start_at,
        reason=Reason(code, ""),
        ready_at=problem.start_at if code is ReasonCode.NEED_UNKNOWN else None,
        caps=caps_from(situation, problem, 0),
    )


def _with_blocks(situation: Situation, problem: Problem, choice: Choice) -> Plan:
    runs, need = choice.runs, problem.need_kwh
    wanted = min(need, problem.curve.reach) if problem.curve else need
    shortfall = 0.0 if problem.is_idle and situation.running else max(0.0, wanted - choice.kwh)
    is_short = shortfall >= SMALLEST_SHORTFALL_KWH
    cost = money_for(problem, choice.drawn)
    cost_at_once = money_for(problem, _at_once(problem, choice))
    ends_with_need = bool(runs) and not situation.need_is_known
    free_from_s = runs[-1][1] if ends_with_need else problem.edges_s[-1]
    return Plan(
        made_at=situation.running.made_at if choice.is_kept and situation.running else situation.now,
        departure_at=situation.departure_at,
        need_kwh=_decimal(need, "0.001"),
        max_power_w=_decimal(problem.max_power_w, "0.1"),
        unlimited_from=_instant(problem, free_from_s) if ends_with_need else situation.departure_at,
        reason=Reason(_code_of(situation, problem, choice, is_short=is_short), ""),
        blocks=tuple(
            Block(_instant(problem, start), _instant(problem, end), _decimal(power_w, "0.1"))
            for start, end, power_w in stretches(problem.edges_s, runs, choice.power_w)
        ),
        ready_at=None if is_short else _instant(problem, ready_s(problem, choice)),
        cost_eur=_decimal(cost, "0.0001"),
        cost_at_once_eur=_decimal(cost_at_once, "0.0001"),
        saving_eur=_decimal(cost_at_once, "0.0001") - _decimal(cost, "0.0001"),
        shortfall_kwh=_decimal(shortfall if is_short else 0.0, "0.001"),
        uses_forecast=problem.forecast_from_s is not None,
        caps=caps_from(situation, problem, free_from_s),
    )


def caps_from(situation: Situation, problem: Problem, begin_s: int) -> tuple[Block, ...]:
    """Return what may be drawn from a second on, wherever caps make that less than the maximum."""
    caps = [each for each in caps_in_seconds(problem.start_at, situation.caps) if each[1] > begin_s]
    edges = sorted({max(begin_s, at_s) for start, end, _ in caps for at_s in (start, end)})
    blocks = []
    for start, end in pairwise(edges):
        power_w = granted_w(situation, least_cap_w(caps, start, end))
        if power_w < problem.max_power_w:
            blocks.append(Block(_instant(problem, start), _instant(problem, end), _decimal(power_w, "0.1")))
    return tuple(blocks)


def _code_of(situation: Situation, problem: Problem, choice: Choice, *, is_short: bool) -> ReasonCode:
    runs = choice.runs
    if situation.outlook is not None and problem.is_priced and may_weigh(situation) and any(problem.room):
        return ReasonCode.HABITS
    if is_short:
        return ReasonCode.SHORT_OF_TIME
    if any(each < 0 for each in choice.drawn):
        return ReasonCode.GIVES_BACK
    if problem.need_kwh <= situation.calm.energy_kwh:
        return ReasonCode.NEED_MET
    if not problem.is_priced:
        return ReasonCode.NO_PRICES
    if runs and runs[0][0] == 0 and is_boosted(situation) and problem.at_once_s >= runs[-1][1]:
        return ReasonCode.BOOST
    if len(runs) == 1 and runs[0][0] == 0:
        return ReasonCode.AT_ONCE
    return ReasonCode.CHEAPEST


def told(plan: Plan, situation: Situation, problem: Problem, *, is_kept: bool) -> Plan:
    """Return the plan with its reason in words and facts."""
    return replace(plan, reason=explain(plan, background_of(plan, situation, problem, is_kept=is_kept)))


def _at_once(problem: Problem, choice: Choice) -> list[float]:
    """Return what charging at once would draw in each slot, to the same end."""
    wanted = min(problem.target_kwh, choice.kwh) if problem.battery is None else problem.target_kwh
    if problem.curve is None:
        return cheapest(problem.prices, problem.room, 0.0, at_once=wanted)
    charged, drawn = 0.0, []
    for (start, end), kw in zip(pairwise(problem.edges_s), problem.draw_kw, strict=True):
        before, charged = charged, charged + (end - start) * kw / problem.curve.power_kw
        drawn.append(min(wanted, problem.curve.drawn_after(charged)) - min(wanted, problem.curve.drawn_after(before)))
    return drawn


def _instant(problem: Problem, seconds: int) -> datetime:
    return problem.start_at + timedelta(seconds=seconds)


def _decimal(value: float, step: str) -> Decimal:
    return Decimal(value).quantize(Decimal(step))
