"""Decide when one session charges: pure, exact, the same answer for the same situation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

from offpeak.planning.calm import is_unchanged, mended, running_runs, stays
from offpeak.planning.cheapest import cheapest
from offpeak.planning.layout import Run, energy_in, lay_out
from offpeak.planning.plan import Block, Plan, ReasonCode
from offpeak.planning.problem import Problem, pose
from offpeak.planning.reasons import Outcome, explain
from offpeak.planning.situation import Situation


def decide(situation: Situation) -> Plan:
    """Return the cheapest plan that meets the need by departure, or as much of it as can be had.

    No situation is infeasible: what does not fit is named as `shortfall_kwh`, and the car charges all the time. A car
    is never stranded: it is not limited after its departure, nor once an assumed need is met (it may want more), nor
    when the charger's maximum is less than a car can charge at. A running plan moves only for the reasons of
    `situation.calm`.
    """
    problem = pose(situation)
    if situation.departure_at <= problem.start_at:
        return _unlimited(situation, problem, ReasonCode.PAST_DEPARTURE)
    if problem.granted_w <= 0 or problem.granted_w < situation.min_power_w:
        return _unlimited(situation, problem, ReasonCode.TOO_LITTLE_POWER)
    if problem.need_kwh <= situation.calm.energy_kwh and not situation.need_is_known:
        return _unlimited(situation, problem, ReasonCode.NEED_UNKNOWN)
    drawn, runs, is_kept = _choose(situation, problem)
    return _plan(situation, problem, drawn, runs, is_kept)


def _choose(situation: Situation, problem: Problem) -> tuple[list[float], list[Run], bool]:
    """Return the energy per slot, the runs that draw it, and whether they are those of the running plan."""
    best = cheapest(
        problem.prices,
        problem.room,
        problem.need_kwh,
        milestones=problem.milestones,
        at_once=problem.at_once_kwh,
        most=problem.most_kwh,
    )
    running = running_runs(problem, situation.running) if situation.running else []
    is_on = bool(running) and running[0][0] == 0
    if running:
        kept = mended(problem, running)
        if stays(_cost(problem, kept), _cost(problem, best), situation.calm):
            if is_unchanged(kept, energy_in(problem, running), situation.calm):
                return kept, running, True
            return kept, lay_out(problem, kept, is_on=is_on), False
    return best, lay_out(problem, best, is_on=is_on), False


def _plan(situation: Situation, problem: Problem, drawn: Sequence[float], runs: Sequence[Run], is_kept: bool) -> Plan:
    need = problem.need_kwh
    total = sum(drawn)
    shortfall = max(0.0, need - total)
    at_once = cheapest([0.0] * len(drawn), problem.room, min(need, total))
    cost, cost_at_once = _cost(problem, drawn), _cost(problem, at_once)
    is_short = shortfall > max(1e-6, situation.calm.energy_kwh)
    ready_at = None if is_short or not runs else _instant(problem, _ready_s(problem, runs))
    power_w = _decimal(problem.granted_w, "0.1")
    blocks = tuple(Block(_instant(problem, start), _instant(problem, end), power_w) for start, end in runs)
    unlimited_from = situation.departure_at
    if blocks and not situation.need_is_known and not is_short:
        unlimited_from = blocks[-1].end_at
    saving = _decimal(cost_at_once - cost, "0.0001")
    if not problem.is_priced:
        code = ReasonCode.NO_PRICES
    elif is_short:
        code = ReasonCode.SHORT_OF_TIME
    elif need <= situation.calm.energy_kwh:
        code = ReasonCode.NEED_MET
    elif len(runs) == 1 and runs[0][0] == 0:
        code = ReasonCode.AT_ONCE
    else:
        code = ReasonCode.CHEAPEST
    return Plan(
        made_at=situation.running.made_at if is_kept and situation.running else situation.now,
        departure_at=situation.departure_at,
        need_kwh=_decimal(need, "0.001"),
        max_power_w=power_w,
        blocks=blocks,
        unlimited_from=unlimited_from,
        ready_at=ready_at,
        cost_eur=_decimal(cost, "0.0001"),
        cost_at_once_eur=_decimal(cost_at_once, "0.0001"),
        saving_eur=saving,
        shortfall_kwh=_decimal(shortfall if is_short else 0.0, "0.001"),
        uses_forecast=problem.forecast_from_s is not None,
        reason=explain(
            Outcome(
                code=code,
                now=problem.start_at,
                departure_at=situation.departure_at,
                need_kwh=_decimal(need, "0.001"),
                blocks=blocks,
                saving_eur=saving,
                shortfall_kwh=_decimal(shortfall if is_short else 0.0, "0.001"),
                forecast_from=None if problem.forecast_from_s is None else _instant(problem, problem.forecast_from_s),
                is_kept=is_kept,
                time_zone=situation.time_zone,
            )
        ),
    )


def _unlimited(situation: Situation, problem: Problem, code: ReasonCode) -> Plan:
    need = _decimal(problem.need_kwh, "0.001")
    zero = Decimal(0)
    return Plan(
        made_at=situation.now,
        departure_at=situation.departure_at,
        need_kwh=need,
        max_power_w=_decimal(problem.granted_w, "0.1"),
        blocks=(),
        unlimited_from=problem.start_at,
        ready_at=None,
        cost_eur=zero,
        cost_at_once_eur=zero,
        saving_eur=zero,
        shortfall_kwh=zero,
        uses_forecast=False,
        reason=explain(
            Outcome(
                code=code,
                now=problem.start_at,
                departure_at=situation.departure_at,
                need_kwh=need,
                blocks=(),
                saving_eur=zero,
                shortfall_kwh=zero,
                forecast_from=None,
                is_kept=False,
                time_zone=situation.time_zone,
            )
        ),
    )


def _ready_s(problem: Problem, runs: Sequence[Run]) -> int:
    """Return the second at which the runs have drawn the need, or the end of the last one."""
    left_s = problem.need_kwh * 3600 / problem.draw_kw
    for start, end in runs:
        if left_s <= end - start + 1:
            return min(end, start + int(left_s + 0.999999))
        left_s -= end - start
    return runs[-1][1]


def _cost(problem: Problem, drawn: Sequence[float]) -> float:
    return sum(price * energy for price, energy in zip(problem.prices, drawn, strict=True))


def _instant(problem: Problem, seconds: int) -> datetime:
    return problem.start_at + timedelta(seconds=seconds)


def _decimal(value: float, step: str) -> Decimal:
    return Decimal(value).quantize(Decimal(step), rounding=ROUND_HALF_EVEN)
