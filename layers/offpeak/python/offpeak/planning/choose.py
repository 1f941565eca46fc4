"""Choose when one session charges: the cheapest runs with few starts, unless what is running is nearly as good."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from math import ceil, inf

from offpeak.planning.cheapest import cheapest
from offpeak.planning.choice import Choice, at_full_power
from offpeak.planning.kinds import choose_kind, is_plain
from offpeak.planning.layout import Run, energy_in, lay_out, seconds_for, slots_in
from offpeak.planning.plan import Plan
from offpeak.planning.problem import Problem, as_idle, seconds_after
from offpeak.planning.situation import Calm
from offpeak.planning.starts import Level, TooManyStates, count_starts, fewer_starts

MJ_PER_KW = 1_000_000
MJ_PER_KWH = 3_600_000_000
"""Energy counts in whole millijoules where sums have to be exact."""
PARTS_OF_A_SLOT = 8
"""In so many steps a slot's energy counts where there are too many sums: at most one in eight is lost of a slot, and
the search ends."""
EXACT_STEPS, ROUNDED_STEPS = 50_000, 200_000
"""So many states are looked at before a search is given up: where energies are exact six times what any of 500 recorded
sessions took, where they are rounded twice what a hundred unlike slots take. Together some tenths of a second."""


def choose(problem: Problem, running: Plan | None, calm: Calm) -> Choice:
    """Return the best runs, or the running plan's while the best save no more than the threshold (docs/planning.md, 5).

    The running plan is mended as little as the need asks for: what is too much goes from its dearest slots, what is
    missing comes from the room beside its runs, then from anywhere. Within its slack it is not touched. Where mending
    leaves a run that is too short, and a fresh plan has none, it is given up.
    """
    if not is_plain(problem):
        return choose_kind(problem, running, calm)
    before = left_of(problem, running) if running else []
    is_on = bool(before) and before[0][0] == 0
    if not before:
        return _best(problem, calm, is_on=is_on)
    held = energy_in(problem, before)
    if problem.is_idle:
        problem = as_idle(problem, sum(held))
    mended = _solve(problem, preferred=(held, _beside(problem, held)))
    slack = _slack(problem, before, held, calm, is_on=is_on)
    is_kept = sum(abs(new - old) for new, old in zip(mended, held, strict=True)) <= slack and _is_in_time(
        problem, held, calm.energy_kwh
    )
    runs = before if is_kept else lay_out(problem, seconds_for(problem, mended), is_on=is_on)
    kept = at_full_power(problem, runs, mended, is_kept=is_kept)
    if not is_kept and _has_short_run(runs, calm, is_on=is_on):
        best = _best(problem, calm, is_on=is_on)
        return kept if _has_short_run(best.runs, calm, is_on=is_on) else best
    total = _with_starts(problem, kept, calm, is_on=is_on)
    enough = max(calm.threshold_eur, calm.threshold_share * abs(total))
    if total - _energy_eur(problem, _solve(problem)) <= enough:
        return kept  # Not even free starts would save enough: the best plan need not be looked for.
    best = _best(problem, calm, is_on=is_on)
    return kept if total - _with_starts(problem, best, calm, is_on=is_on) <= enough else best


def _slack(problem: Problem, runs: Sequence[Run], held: Sequence[float], calm: Calm, *, is_on: bool) -> float:
    """Return how wrong, in kWh, what is left of a running plan may be before it is mended.

    The need that a car tells drifts while it charges, because nobody knows its battery exactly. That may wait: what is
    left shrinks, and the slack with it, so that a plan is mended a few times and not at every update. It may only wait
    for what could still be drawn after the last run.
    """
    if not is_on:
        return calm.energy_kwh
    later_kwh = sum(energy_in(problem, [(runs[-1][1], problem.edges_s[-1])]))
    return max(calm.energy_kwh, min(calm.drift_share * sum(held), later_kwh))


def _is_in_time(problem: Problem, held: Sequence[float], slack_kwh: float) -> bool:
    """Say whether what is due at once, and by each milestone, is in it as far as it can be."""
    due = [(problem.at_once, inf), *problem.milestones]
    return all(sum(held[:slots]) >= min(kwh, sum(problem.room[:slots])) - slack_kwh for slots, kwh in due if slots)


def _best(problem: Problem, calm: Calm, *, is_on: bool) -> Choice:
    """Return the cheapest runs where a start costs `calm.start_eur` too, each of `calm.minimum_run_s` if it can be."""
    drawn = _solve(problem)
    runs = lay_out(problem, seconds_for(problem, drawn), is_on=is_on)
    starts = count_starts(runs, is_on=is_on)
    if not _has_short_run(runs, calm, is_on=is_on) and (calm.start_eur <= 0 or starts <= (0 if is_on else 1)):
        return at_full_power(problem, runs, drawn)
    return _with_few_starts(problem, calm, starts, is_on=is_on) or at_full_power(problem, runs, drawn)


def _has_short_run(runs: Sequence[Run], calm: Calm, *, is_on: bool) -> bool:
    """Say whether a run is shorter than it should be; one that goes on has been long enough."""
    return any(end - start < calm.minimum_run_s for start, end in (runs[1:] if is_on else runs))


def _with_few_starts(problem: Problem, calm: Calm, starts: int, *, is_on: bool) -> Choice | None:
    """Return the best runs after what is charged at once; None where starts are to count nothing.

    So it is where nothing is drawn but what is charged at once. Where there are too many ways to add up the energies of
    unlike slots, they count in steps of a part of the largest one, if the need fits so, and else not at all.
    """
    lengths = [end - start for start, end in pairwise(problem.edges_s)]
    units = [round(kw * MJ_PER_KW) * length for kw, length in zip(problem.draw_kw, lengths, strict=True)]
    rounded = _rounded(problem, units)
    ways = [(units, EXACT_STEPS), (rounded, ROUNDED_STEPS)]
    for counted, most_steps in ways if _fits(problem, units, rounded) else ways[:1]:
        with suppress(TooManyStates):
            drawn = _few_starts(problem, calm, counted, starts, most_steps, is_on=is_on)
            if drawn is None:
                return None
            energy = [
                part * whole / held if part else 0 for part, whole, held in zip(drawn, units, counted, strict=True)
            ]
            _cut_from_the_end(energy, sum(energy) - sum(drawn))
            runs = lay_out(problem, seconds_for(problem, [each / MJ_PER_KWH for each in energy]), is_on=is_on)
            return at_full_power(problem, runs, energy_in(problem, runs))
    return None


def _rounded(problem: Problem, units: Sequence[int]) -> list[int]:
    """Return what slots hold in steps of a part of the largest one, but for what is due at once and the smallest."""
    step = max(1, max(units, default=0) // PARTS_OF_A_SLOT)
    return [each if t < problem.at_once or each < step else each - each % step for t, each in enumerate(units)]


def _fits(problem: Problem, units: Sequence[int], rounded: Sequence[int]) -> bool:
    """Say whether what is needed, and when, fits in rounded slots as far as it fits in the whole ones."""
    levels = [*problem.milestones, (len(units), problem.target_kwh)]
    return all(sum(rounded[:slots]) >= min(sum(units[:slots]), kwh * MJ_PER_KWH) for slots, kwh in levels)


def _few_starts(
    problem: Problem, calm: Calm, units: Sequence[int], starts: int, most_steps: int, *, is_on: bool
) -> list[int] | None:
    """Return what to draw of slots that hold `units`; None where nothing is to be drawn but what is charged at once.

    Raises TooManyStates.
    """
    fixed = problem.at_once
    drawn, rest = list(units[:fixed]), units[fixed:]
    need, most = (
        min(sum(units), ceil(kwh * MJ_PER_KWH)) - sum(drawn) for kwh in (problem.target_kwh, problem.most_kwh)
    )
    if need <= 0:
        return None
    levels: list[Level] = []
    for slots, kwh in problem.milestones:
        level = min(sum(units[:slots]), ceil(kwh * MJ_PER_KWH)) - sum(drawn)
        if fixed < slots < len(units) and level > (levels[-1].units if levels else 0):
            same = bool(levels) and levels[-1].slots == slots - fixed
            levels[-1 if same else len(levels) :] = [Level(slots - fixed, level)]
    lengths = [end - start for start, end in pairwise(problem.edges_s[fixed:])]
    # A need that takes less time than the shortest run is met in one run of all of it, if it can be.
    whole_s = int(need / max(held / length for held, length in zip(rest, lengths, strict=True)))
    ways = (
        fewer_starts(
            [price / MJ_PER_KWH for price in problem.prices[fixed:]],
            rest,
            lengths,
            need,
            calm.start_eur,
            starts,
            is_on=is_on or sum(drawn) > 0,
            levels=levels,
            most=most,
            minimum_run_s=minimum_run_s,
            most_steps=most_steps,
        )
        for minimum_run_s in (calm.minimum_run_s, min(calm.minimum_run_s, whole_s), 0)
    )
    return drawn + next(each for each in ways if each is not None)


def _cut_from_the_end(energy: list[float], surplus: float) -> None:
    """Take what was not meant to be drawn from the last slots."""
    for t in range(len(energy) - 1, -1, -1):
        if surplus <= 0:
            return
        cut = min(energy[t], surplus)
        energy[t] -= cut
        surplus -= cut


def _solve(problem: Problem, preferred: Sequence[Sequence[float]] = ()) -> list[float]:
    return cheapest(
        problem.prices,
        problem.room,
        problem.target_kwh,
        at_once=sum(problem.room[: problem.at_once]),
        milestones=problem.milestones,
        most=problem.most_kwh,
        preferred=preferred,
    )


def left_of(problem: Problem, running: Plan) -> list[Run]:
    """Return what is left of a plan's blocks from now until departure, where a car may charge at all."""
    left: list[Run] = []
    for block in running.blocks:
        first = max(0, seconds_after(problem.start_at, block.start_at))
        last = min(problem.edges_s[-1], seconds_after(problem.start_at, block.end_at))
        for t in slots_in(problem.edges_s, first, last):
            if problem.room[t] <= 0:
                continue
            begin, until = max(problem.edges_s[t], first), min(problem.edges_s[t + 1], last)
            if left and left[-1][1] == begin:
                begin = left.pop()[0]
            left.append((begin, until))
    return left


def _beside(problem: Problem, held: Sequence[float]) -> list[float]:
    """Return the room of the slots that hold energy or touch one that does."""
    around = (0.0, *held, 0.0)
    return [room if any(around[t : t + 3]) else 0.0 for t, room in enumerate(problem.room)]


def _with_starts(problem: Problem, choice: Choice, calm: Calm, *, is_on: bool) -> float:
    return _energy_eur(problem, choice.drawn) + calm.start_eur * count_starts(choice.runs, is_on=is_on)


def _energy_eur(problem: Problem, drawn: Sequence[float]) -> float:
    return sum(price * energy for price, energy in zip(problem.prices, drawn, strict=True))
