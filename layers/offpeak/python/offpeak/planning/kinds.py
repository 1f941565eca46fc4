"""Choose where a session is no plain one: it gives energy back, it is charged nearly full, or its charger is coarse.

Each kind has its best choice, and what is left of a running plan is a choice of the same kind, to be kept while the
best saves no more than the threshold (docs/planning.md, 5).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import ceil

from offpeak.planning.choice import Choice
from offpeak.planning.floor import at_least
from offpeak.planning.layout import Run, lay_out, seconds_in
from offpeak.planning.plan import Plan
from offpeak.planning.problem import Problem, as_idle, seconds_after
from offpeak.planning.situation import Calm
from offpeak.planning.starts import count_starts
from offpeak.planning.storage import store
from offpeak.planning.taper import tapered

EXACT = 1e-6
"""kWh, or a share of a second."""


def is_plain(problem: Problem) -> bool:
    """Say whether a session draws full power or nothing, changes at any second and gives nothing back."""
    return problem.battery is None and problem.curve is None and problem.least is None


def choose_kind(problem: Problem, running: Plan | None, calm: Calm) -> Choice:
    """Return the best choice for a session that is not plain, or what is left of the running plan if that will do."""
    before = _left_of(problem, running) if running else None
    is_on = before is not None and bool(before.runs) and before.runs[0][0] == 0
    if problem.is_idle and before is not None and before.runs:
        problem = as_idle(problem, before.kwh)
    if problem.battery is not None:
        best = _with_storage(problem, is_on=is_on)
    elif problem.curve is not None:
        best = _tapered(problem, calm, is_on=is_on)
    else:
        best = _in_whole_slots(problem)
    if before is None or not before.runs or not _will_do(problem, before, best, calm, is_on=is_on):
        return best
    if problem.is_idle:
        return before
    total = _counted(problem, before, calm, is_on=is_on)
    missing = max(0.0, best.kwh - before.kwh) * max(problem.prices)
    saving = total + missing - _counted(problem, best, calm, is_on=is_on)
    return before if saving <= max(calm.threshold_eur, calm.threshold_share * abs(total)) else best


def _with_storage(problem: Problem, *, is_on: bool) -> Choice:
    """Charge and discharge at the least cost; parts of slots run at full power, rounded for the battery's good."""
    battery = problem.battery
    assert battery is not None
    into = battery.charging_efficiency
    net = store(
        problem.prices,
        problem.room,
        problem.gives,
        battery,
        min(battery.high, battery.energy + problem.target_kwh * into),
        levels=[(slots, battery.energy + kwh * into) for slots, kwh in problem.milestones],
    )
    lengths = [end - start for start, end in pairwise(problem.edges_s)]
    takes_s = [
        min(length, ceil(each * 3600 / kw - EXACT)) if each > EXACT and kw > 0 else 0
        for each, kw, length in zip(net, problem.draw_kw, lengths, strict=True)
    ]
    gives_s = [
        min(length, int(-each * 3.6e6 / problem.give_w + EXACT)) if each < -EXACT else 0
        for each, length in zip(net, lengths, strict=True)
    ]
    runs = sorted([*lay_out(problem, takes_s, is_on=is_on), *lay_out(problem, gives_s, is_on=False)])
    power_w = [-problem.give_w if given else granted for given, granted in zip(gives_s, problem.granted_w, strict=True)]
    drawn = [
        (kw * taken - problem.give_w / 1000 * given) / 3600
        for kw, taken, given in zip(problem.draw_kw, takes_s, gives_s, strict=True)
    ]
    return Choice(runs, drawn, power_w, _gained(problem, drawn))


def _tapered(problem: Problem, calm: Calm, *, is_on: bool) -> Choice:
    """Charge a car nearly full. Where caps take power, time counts for less: on the safe side, as a car that takes
    little anyway is not slowed down by them."""
    curve = problem.curve
    assert curve is not None
    lengths = _full_seconds(problem, [end - start for start, end in pairwise(problem.edges_s)])
    levels = [(slots, ceil(min(sum(lengths), curve.seconds_for(kwh)))) for slots, kwh in problem.milestones if slots]
    full_s = tapered(
        problem.prices,
        lengths,
        ceil(min(sum(lengths), curve.seconds_for(min(problem.target_kwh, curve.reach)))),
        curve.drawn_after,
        start_cost=calm.start_eur,
        is_on=is_on,
        at_once=problem.at_once,
        levels=levels,
    )
    seconds = [
        min(end - start, ceil(each * curve.power_kw / kw - EXACT)) if each else 0
        for each, kw, (start, end) in zip(full_s, problem.draw_kw, pairwise(problem.edges_s), strict=True)
    ]
    return _on_curve(problem, lay_out(problem, seconds, is_on=is_on))


def _in_whole_slots(problem: Problem) -> Choice:
    """Charge in whole slots, in each at a power that the car can take."""
    least = problem.least
    assert least is not None
    fixed = problem.at_once
    first = problem.room[:fixed]
    rest = at_least(
        problem.prices[fixed:],
        least[fixed:],
        problem.room[fixed:],
        max(0.0, problem.target_kwh - sum(first)),
        milestones=[(slots - fixed, kwh - sum(first)) for slots, kwh in problem.milestones if slots > fixed],
        most=max(0.0, problem.most_kwh - sum(first)),
    )
    power_w = []
    for energy, room, granted, (start, end) in zip(
        [*first, *rest], problem.room, problem.granted_w, pairwise(problem.edges_s), strict=True
    ):
        asked_w = energy * 3.6e6 / (end - start) / problem.phase_share
        asked_w = ceil(asked_w / problem.step_w - EXACT) * problem.step_w
        power_w.append(granted if energy >= room - EXACT else min(granted, asked_w))
    seconds = [
        end - start if watts > 0 else 0 for watts, (start, end) in zip(power_w, pairwise(problem.edges_s), strict=True)
    ]
    runs = lay_out(problem, seconds, is_on=False)
    drawn = _drawn_at(problem, power_w, seconds)
    return Choice(runs, drawn, power_w, sum(drawn))


def _left_of(problem: Problem, running: Plan) -> Choice:
    """Return what is left of a running plan, at the power that it may still have."""
    runs: list[Run] = []
    power_w = list(problem.granted_w)
    for block in running.blocks:
        first = max(0, seconds_after(problem.start_at, block.start_at))
        last = min(problem.edges_s[-1], seconds_after(problem.start_at, block.end_at))
        watts = float(block.power_w)
        for t, (start, end) in enumerate(pairwise(problem.edges_s)):
            begin, until = max(start, first), min(end, last)
            may_w = -min(-watts, problem.give_w) if watts < 0 else min(watts, problem.granted_w[t])
            if begin >= until or may_w == 0:
                continue
            power_w[t] = may_w
            if runs and runs[-1][1] == begin:
                begin = runs.pop()[0]
            runs.append((begin, until))
    if problem.curve is not None and problem.battery is None:
        return _on_curve(problem, runs, is_kept=True)
    drawn = _drawn_at(problem, power_w, seconds_in(problem.edges_s, runs))
    return Choice(runs, drawn, power_w, _gained(problem, drawn), is_kept=True)


def _will_do(problem: Problem, before: Choice, best: Choice, calm: Calm, *, is_on: bool) -> bool:
    """Say whether a running plan gives what is needed by when it is needed, to within its slack, and harms nothing."""
    slack = max(calm.energy_kwh, calm.drift_share * abs(before.kwh) if is_on else 0.0)
    if abs(best.kwh - before.kwh) > slack:
        return False
    due = [(problem.at_once, sum(problem.room[: problem.at_once])), *problem.milestones]
    if any(
        sum(before.drawn[:slots]) < min(kwh, sum(best.drawn[:slots])) - calm.energy_kwh for slots, kwh in due if slots
    ):
        return False
    if problem.least is not None and any(
        EXACT < abs(each) < low - EXACT for each, low in zip(before.drawn, problem.least, strict=True)
    ):
        return False
    battery = problem.battery
    if battery is None:
        return True
    held, held_best = battery.energy, battery.energy
    for each, better in zip(before.drawn, best.drawn, strict=True):
        held += _inside(problem, each)
        held_best += _inside(problem, better)
        low, high = min(battery.low, held_best), max(battery.high, held_best)
        if not low - calm.energy_kwh <= held <= high + calm.energy_kwh:
            return False
    return True


def _counted(problem: Problem, choice: Choice, calm: Calm, *, is_on: bool) -> float:
    """Return what a choice counts: energy, starts, and the battery's wear."""
    wear = problem.battery.wear if problem.battery else 0.0
    energy_eur = sum(
        price * each + wear * max(0.0, -each) for price, each in zip(problem.prices, choice.drawn, strict=True)
    )
    return energy_eur + calm.start_eur * count_starts(choice.runs, is_on=is_on)


def _on_curve(problem: Problem, runs: list[Run], *, is_kept: bool = False) -> Choice:
    """Return runs with what a car that takes less near full draws in them."""
    curve = problem.curve
    assert curve is not None
    charged, drawn = 0, []
    for each in _full_seconds(problem, seconds_in(problem.edges_s, runs)):
        drawn.append(curve.drawn_after(charged + each) - curve.drawn_after(charged))
        charged += each
    return Choice(runs, drawn, problem.granted_w, sum(drawn), is_kept)


def _full_seconds(problem: Problem, seconds: Sequence[int]) -> list[int]:
    """Return how many seconds at full power each slot's are worth."""
    assert problem.curve is not None
    return [round(each * kw / problem.curve.power_kw) for each, kw in zip(seconds, problem.draw_kw, strict=True)]


def _drawn_at(problem: Problem, power_w: Sequence[float], seconds: Sequence[int]) -> list[float]:
    return [
        (watts / 1000 if watts < 0 else min(watts / 1000 * problem.phase_share, kw)) * each / 3600
        for watts, kw, each in zip(power_w, problem.draw_kw, seconds, strict=True)
    ]


def _inside(problem: Problem, energy: float) -> float:
    """Return what a battery has more of after so many kWh at the meter."""
    battery = problem.battery
    if battery is None:
        return energy
    return energy * battery.charging_efficiency if energy > 0 else energy / battery.discharging_efficiency


def _gained(problem: Problem, drawn: Sequence[float]) -> float:
    into = problem.battery.charging_efficiency if problem.battery else 1.0
    return sum(_inside(problem, each) for each in drawn) / into
