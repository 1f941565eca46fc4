"""Decide when one session charges: pure, the same answer for the same situation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from offpeak.planning.cheapest import cheapest
from offpeak.planning.choose import Choice, choose, cost_of
from offpeak.planning.layout import Run
from offpeak.planning.plan import Block, Plan, Reason, ReasonCode
from offpeak.planning.problem import Problem, pose
from offpeak.planning.reasons import explain
from offpeak.planning.situation import Situation

SMALLEST_SHORTFALL_KWH = 0.0005


def decide(situation: Situation) -> Plan:
    """Return the cheapest plan that meets the need by departure, or as much of it as can be had.

    No situation is infeasible: what does not fit is named as `shortfall_kwh`, and the car charges all the time. No car
    is stranded: it is not limited after its departure, nor once an assumed need is met (it may want more), nor
    where the charger's maximum is less than a car can charge at. A running plan moves for the reasons of
    `situation.calm` only.
    """
    problem = pose(situation)
    code = _why_no_limit(situation, problem)
    if code is not None:
        return _told(_without_limit(situation, problem, code), situation, problem, is_kept=False)
    choice = choose(problem, situation.running, situation.calm)
    return _told(_with_blocks(situation, problem, choice), situation, problem, is_kept=choice.is_kept)


def _why_no_limit(situation: Situation, problem: Problem) -> ReasonCode | None:
    if situation.departure_at <= problem.start_at:
        return ReasonCode.PAST_DEPARTURE
    if problem.granted_w <= 0 or problem.granted_w < situation.min_power_w:
        return ReasonCode.TOO_LITTLE_POWER
    if problem.need_kwh <= situation.calm.energy_kwh and not situation.need_is_known:
        return ReasonCode.NEED_UNKNOWN
    return None


def _without_limit(situation: Situation, problem: Problem, code: ReasonCode) -> Plan:
    return Plan(
        made_at=situation.now,
        departure_at=situation.departure_at,
        need_kwh=_decimal(problem.need_kwh, "0.001"),
        max_power_w=_decimal(problem.granted_w, "0.1"),
        unlimited_from=problem.start_at,
        reason=Reason(code, ""),
        ready_at=problem.start_at if code is ReasonCode.NEED_UNKNOWN else None,
    )


def _with_blocks(situation: Situation, problem: Problem, choice: Choice) -> Plan:
    runs, drawn = choice.runs, choice.drawn
    power_w = _decimal(problem.granted_w, "0.1")
    need, total = problem.need_kwh, sum(drawn)
    shortfall = max(0.0, need - total)
    is_short = shortfall >= SMALLEST_SHORTFALL_KWH
    cost = cost_of(problem, drawn)
    cost_at_once = cost_of(problem, cheapest(problem.prices, problem.room, 0.0, at_once=min(problem.target_kwh, total)))
    ends_with_need = bool(runs) and not situation.need_is_known
    return Plan(
        made_at=situation.running.made_at if choice.is_kept and situation.running else situation.now,
        departure_at=situation.departure_at,
        need_kwh=_decimal(need, "0.001"),
        max_power_w=power_w,
        unlimited_from=_instant(problem, runs[-1][1]) if ends_with_need else situation.departure_at,
        reason=Reason(_code_of(situation, problem, runs, is_short=is_short), ""),
        blocks=tuple(Block(_instant(problem, start), _instant(problem, end), power_w) for start, end in runs),
        ready_at=None if is_short else _instant(problem, _ready_s(problem, runs)),
        cost_eur=_decimal(cost, "0.0001"),
        cost_at_once_eur=_decimal(cost_at_once, "0.0001"),
        saving_eur=_decimal(cost_at_once, "0.0001") - _decimal(cost, "0.0001"),
        shortfall_kwh=_decimal(shortfall if is_short else 0.0, "0.001"),
        uses_forecast=problem.forecast_from_s is not None,
    )


def _code_of(situation: Situation, problem: Problem, runs: Sequence[Run], *, is_short: bool) -> ReasonCode:
    if is_short:
        return ReasonCode.SHORT_OF_TIME
    if problem.need_kwh <= situation.calm.energy_kwh:
        return ReasonCode.NEED_MET
    if not problem.is_priced:
        return ReasonCode.NO_PRICES
    if len(runs) == 1 and runs[0][0] == 0:
        return ReasonCode.AT_ONCE
    return ReasonCode.CHEAPEST


def _told(plan: Plan, situation: Situation, problem: Problem, *, is_kept: bool) -> Plan:
    forecast_from = None if problem.forecast_from_s is None else _instant(problem, problem.forecast_from_s)
    reason = explain(
        plan, now=problem.start_at, forecast_from=forecast_from, is_kept=is_kept, time_zone=situation.time_zone
    )
    return replace(plan, reason=reason)


def _ready_s(problem: Problem, runs: Sequence[Run]) -> int:
    """Return the second at which the runs have drawn the need, or the end of the last one."""
    left_s = problem.need_kwh * 3600 / problem.draw_kw
    for start, end in runs:
        if left_s <= end - start:
            return start + round(left_s)
        left_s -= end - start
    return runs[-1][1] if runs else 0


def _instant(problem: Problem, seconds: int) -> datetime:
    return problem.start_at + timedelta(seconds=seconds)


def _decimal(value: float, step: str) -> Decimal:
    return Decimal(value).quantize(Decimal(step))
