"""What stands behind a plan beside the plan itself: what its reason is made of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import inf

from offpeak.planning.facts import Background, Early, LimitedBy, NeedFrom, spans_of
from offpeak.planning.layout import seconds_in
from offpeak.planning.plan import Plan, ReasonCode
from offpeak.planning.problem import Problem, caps_in_seconds, drawn_kw, least_cap_w, seconds_after
from offpeak.planning.situation import Situation

HOUR = timedelta(hours=1)


def background_of(plan: Plan, situation: Situation, problem: Problem, *, is_kept: bool) -> Background:
    """Return what a plan's reason needs to know; of the plan's own reason only the code is read."""
    charged = [(seconds_after(problem.start_at, a), seconds_after(problem.start_at, b)) for a, b in spans_of(plan)]
    charged_s = seconds_in(problem.edges_s, charged)
    is_known = problem.is_priced and bool(problem.money)
    return Background(
        now=problem.start_at,
        time_zone=situation.time_zone,
        is_kept=is_kept,
        forecast_from=_instant(problem, problem.forecast_from_s),
        price_now=problem.money[0] if is_known else None,
        price_then=_mean(problem.money, charged_s) if is_known else None,
        is_steered_away=is_known and any(charged_s) and problem.prices[0] > (_mean(problem.prices, charged_s) or 0.0),
        is_capped_now=bool(problem.granted_w) and problem.granted_w[0] <= 0 < problem.max_power_w,
        at_once_until=_instant(problem, problem.at_once_s or None) if plan.blocks else None,
        is_boosted=is_boosted(situation),
        limited_by=_limited_by(plan, situation, problem, charged_s),
        need_from=_need_from(situation),
        outlook=None if situation.need_is_known else situation.outlook,
        early=_early(plan, situation, problem, charged_s),
    )


def _early(plan: Plan, situation: Situation, problem: Problem, charged_s: Sequence[int]) -> Early | None:
    """Return what a plan gives by the first milestone: as the curve has it where the car takes less near full."""
    if not situation.milestones or not plan.blocks:
        return None
    first = min(situation.milestones, key=lambda each: each.at)
    slots = sum(1 for edge in problem.edges_s[1:] if edge <= seconds_after(problem.start_at, first.at))
    if problem.curve is not None:
        full_s = sum(s * kw / problem.curve.power_kw for s, kw in zip(charged_s[:slots], problem.draw_kw, strict=False))
        drawn = problem.curve.drawn_after(full_s)
    else:
        drawn = sum(
            _flows_kw(situation, float(each.power_w)) * max(0.0, (min(each.end_at, first.at) - each.start_at) / HOUR)
            for each in plan.blocks
        )
    return Early(first.at, first.kwh, min(first.kwh, max(0.0, drawn)))


def _flows_kw(situation: Situation, power_w: float) -> float:
    return power_w / 1000 if power_w < 0 else drawn_kw(situation, power_w)


def _need_from(situation: Situation) -> NeedFrom:
    if situation.need_is_known:
        return NeedFrom.TOLD
    return NeedFrom.ASSUMED if situation.outlook is None else NeedFrom.LEARNT


def is_boosted(situation: Situation) -> bool:
    """Say whether somebody wants a car charged whatever the price, at this time."""
    return situation.boosts or (situation.boost_until is not None and situation.boost_until > situation.now)


def _limited_by(plan: Plan, situation: Situation, problem: Problem, charged_s: Sequence[int]) -> LimitedBy:
    """Return what kept a plan from delivering more, or from charging at a cheaper time."""
    code = plan.reason.code
    if code is ReasonCode.TOO_LITTLE_POWER:
        return LimitedBy.CHARGER
    if code is ReasonCode.SHARED_LIMIT or (plan.rest_power_w is not None and code is ReasonCode.PAST_DEPARTURE):
        return LimitedBy.SHARED_LIMIT
    if code is ReasonCode.HABITS and plan.shortfall_kwh:
        return LimitedBy.ODDS
    most_kw = drawn_kw(situation, problem.max_power_w)
    capped = [t for t, kw in enumerate(problem.draw_kw) if kw < most_kw]
    if plan.shortfall_kwh:
        whole_kwh = most_kw * problem.edges_s[-1] / 3600
        if not capped or (problem.curve is None and whole_kwh < problem.need_kwh):
            return LimitedBy.TIME
    else:
        dearest = max((price for price, on_s in zip(problem.prices, charged_s, strict=True) if on_s), default=-inf)
        capped = [t for t in capped if problem.prices[t] < dearest]
    if not capped:
        return LimitedBy.NOTHING
    return LimitedBy.CAR_MINIMUM if _are_below_minimum(situation, problem, capped) else LimitedBy.GRID_SIGNAL


def _are_below_minimum(situation: Situation, problem: Problem, capped: Sequence[int]) -> bool:
    """Say whether caps leave something in each of these slots, but less than the car charges at."""
    caps = caps_in_seconds(problem.start_at, situation.caps)
    return all(
        0 < least_cap_w(caps, problem.edges_s[t], problem.edges_s[t + 1]) < situation.min_power_w for t in capped
    )


def _mean(prices: Sequence[float], on_s: Sequence[int]) -> float | None:
    whole_s = sum(on_s)
    return sum(price * each for price, each in zip(prices, on_s, strict=True)) / whole_s if whole_s else None


def _instant(problem: Problem, seconds: int | None) -> datetime | None:
    return None if seconds is None else problem.start_at + timedelta(seconds=seconds)
