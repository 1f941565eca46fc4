"""Ten thousand made-up problems of each kind: what the planner's answer costs beside what an oracle says is the least.

The problems and the oracles are those of tests/planning, which looks at hundreds of each. The oracles are linear and
mixed-integer programs (HiGHS), and programs that look at every state there is. What cannot be met is among them: then
the most that can be delivered is held against the oracle's too.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from math import inf
from random import Random

from offpeak.planning.cheapest import cheapest
from offpeak.planning.floor import at_least
from offpeak.planning.flow import share
from offpeak.planning.starts import fewer_starts
from offpeak.planning.storage import store
from offpeak.planning.taper import tapered
from tests.bench.report import Progress, Row
from tests.planning import instances, instances_group
from tests.planning.oracles import (
    cost_tapered,
    group_optimum,
    least_cost,
    least_cost_by_steps,
    least_cost_of_storage,
    least_cost_tapered,
    least_cost_with_floor,
    least_cost_with_starts,
    most_energy,
    starts_in,
)
from tests.planning.turns import Turned, by_planner, by_program, tight

NAME = "exactness"
INSTANCES = 10_000
SAME = 1e-6
"""Relative to the larger of 1 and the oracle's."""
MANY_STARTS = 9
TURNS = 200
"""Groups of two to four cars: a mixed-integer program takes a second for some."""

Pairs = Iterator[tuple[float, float]]
"""What the planner's answer comes to, and the oracle's: a cost, or what is delivered."""


def energy_by_deadline(seed: int) -> Pairs:
    """Milestones, a minimum at once and negative prices, also where the room is less than the need."""
    random = Random(seed)
    slots = random.randint(1, 40)
    prices = [random.choice((-0.05, 0.0, 0.1, 0.1, random.uniform(-0.2, 0.6))) for _ in range(slots)]
    room = [random.choice((2.76, 2.76, 0.0, random.uniform(0.0, 3.0))) for _ in range(slots)]
    levels = sorted(
        (random.randint(0, slots), random.uniform(0.0, 1.2 * sum(room))) for _ in range(random.randint(0, 3))
    )
    at_once = random.choice((0.0, random.uniform(0.0, sum(room))))
    need = max(random.uniform(0.0, 1.2 * sum(room)), at_once, *(level for _, level in levels))
    most = need + random.choice((0.0, random.uniform(0.0, 20.0)))
    drawn = cheapest(prices, room, need, at_once=at_once, milestones=levels, most=most)
    floor = cheapest(prices, room, 0.0, at_once=at_once)
    due = [(count, most_energy(room, count, level)) for count, level in (*levels, (slots, need))]
    for count, level in due:
        yield min(level, sum(drawn[:count])), level
    yield _priced(prices, drawn), least_cost(prices, room, [(n, each - 1e-9) for n, each in due], most, floor)


def battery(seed: int) -> Pairs:
    problem = instances.storage(Random(seed))
    net = store(**problem)
    given = sum(max(0.0, -energy) for energy in net)
    yield _priced(problem["prices"], net) + problem["battery"].wear * given, least_cost_of_storage(**problem)


def few_starts(seed: int) -> Pairs:
    problem = instances.starts(Random(seed))
    yield _with_starts(problem), least_cost_with_starts(**problem)


def minimum_run(seed: int) -> Pairs:
    problem = instances.minimum_runs(Random(seed))
    ours, least = _with_starts(problem), least_cost_by_steps(**problem)
    yield (0.0, 0.0) if ours == least == inf else (ours, least)


def least_power(seed: int) -> Pairs:
    """A least power in every slot that is used, slots cut short at both ends."""
    problem = instances.floor(Random(seed))
    yield _priced(problem["prices"], at_least(**problem)), least_cost_with_floor(**problem)


def least_power_under_caps(seed: int) -> Pairs:
    """Slots of unlike power, levels between; prices below zero in half of them. Where minimums make it more than the
    battery takes, which no way of the oracle's does, what is drawn is compared alone."""
    random = Random(seed)
    problem = instances.paid_floor(random) if seed % 2 else instances.uneven_floor(random)
    is_paid = min(problem["prices"]) < 0
    need = min(problem["need"], sum(problem["room"]))
    fits = max(problem.get("most", 0.0), need) if is_paid else inf
    drawn = at_least(**problem)
    yield min(need, sum(drawn)), need
    if sum(drawn) <= fits + SAME:
        yield _priced(problem["prices"], drawn), least_cost_with_floor(**{**problem, "most": fits})


def nearly_full(seed: int) -> Pairs:
    problem = instances.taper(Random(seed))
    way = tapered(**problem)
    rest = {name: problem[name] for name in ("drawn_after", "start_cost", "is_on")}
    yield cost_tapered(problem["prices"], problem["lengths_s"], way, **rest), least_cost_tapered(**problem)


def shared_caps(seed: int) -> Pairs:
    """Sessions under a tree of caps, in any order: the most is delivered, at the least cost."""
    group = instances_group.small(Random(seed))
    energy, cost = group_optimum(group)
    drawn = share(group.prices, group.rooms, group.needs, group.caps, branches=group.branches)
    yield sum(map(sum, drawn)), energy
    yield sum(_priced(group.prices, row) for row in drawn), cost


KINDS: dict[str, Callable[[int], Pairs]] = {
    "cheapest energy by a deadline, milestones": energy_by_deadline,
    "a battery that takes and gives": battery,
    "few starts": few_starts,
    "minimum run": minimum_run,
    "least power in whole slots": least_power,
    "least power under caps, with levels and prices below zero": least_power_under_caps,
    "a car that is charged nearly full": nearly_full,
    "sessions under a tree of caps": shared_caps,
}


def measure(progress: Progress, count: int = INSTANCES) -> list[Row]:
    rows = []
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for name, kind in KINDS.items():
            progress(f"{name}: {count} instances by the planner and by an oracle")
            gaps = list(pool.map(gap_of, [kind] * count, range(count), chunksize=50))
            rows.append(row_of(name, gaps))
        progress(f"taking turns: {TURNS} groups by the planner and by a mixed-integer program")
        rows += turns_rows(list(pool.map(turns_of, range(TURNS), chunksize=5)))
    return rows


def turns_of(seed: int) -> tuple[Turned, Turned]:
    """Return what a few cars under a tight cap come to by the planner, and by a mixed-integer program."""
    group = tight(seed)
    return by_planner(group), by_program(group)


def turns_rows(pairs: Sequence[tuple[Turned, Turned]]) -> list[Row]:
    """Return cost and starts of taking turns, where all that is needed fits and where a shortfall is shared."""
    rows = []
    for fits_all, name in ((True, "all fits"), (False, "not all fits")):
        chosen = [pair for pair in pairs if pair[0].fits_all is fits_all]
        if not chosen:
            continue
        ours, theirs = ([pair[side] for pair in chosen] for side in (0, 1))
        what = f"taking turns where {name}, {len(chosen)} groups"
        our_eur, their_eur = (sum(each.eur for each in way) for way in (ours, theirs))
        our_starts, their_starts = (sum(each.starts for each in way) for way in (ours, theirs))
        gap = f"{our_eur / their_eur - 1:+.2%}"
        rows.append(Row(NAME, f"{what}: cost", f"{our_eur:.2f} EUR", f"MILP {their_eur:.2f} EUR", gap))
        more = f"{our_starts / their_starts - 1:+.0%}"
        rows.append(Row(NAME, f"{what}: starts", str(our_starts), f"MILP {their_starts}", more))
    return rows


def gap_of(kind: Callable[[int], Pairs], seed: int) -> float:
    """Return how far the planner is from the oracle at most, in one problem."""
    return max(abs(ours - theirs) / max(1.0, abs(theirs)) for ours, theirs in kind(seed))


def row_of(name: str, gaps: list[float]) -> Row:
    worst = max(gaps)
    apart = [seed for seed, gap in enumerate(gaps) if not gap <= SAME]
    what = f"{name}, {len(gaps):,} instances" + (f", apart with seeds {apart[:5]}" if apart else "")
    return Row(NAME, f"{what}: worst gap", f"{worst:.0e}", "oracle", "", f"≤ {SAME:.0e}", not apart)


def _with_starts(problem: instances.Problem) -> float:
    drawn = fewer_starts(**problem, starts=MANY_STARTS)
    if drawn is None:
        return inf
    starts = starts_in(problem["units"], drawn, is_on=problem["is_on"])
    return _priced(problem["prices"], drawn) + float(problem["start_cost"]) * starts


def _priced(prices: list[float], drawn: list[float] | list[int]) -> float:
    return sum(price * energy for price, energy in zip(prices, drawn, strict=True))
