"""Who of a lot draws how much in which slot: the cheapest for all together, shared fairly where it does not reach."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from offpeak.planning.exchange import Exchange
from offpeak.planning.fair import fair_shares
from offpeak.planning.flow import NOTHING, Branch, Flow, flow_of, tiers_of
from offpeak.planning.lot import Lot
from offpeak.planning.runs import Runs
from offpeak.planning.trade import Trade
from offpeak.planning.turns import Turns

Rows = list[list[float]]
Kind = TypeVar("Kind", bound=Exchange)


@dataclass(frozen=True, slots=True)
class _Source:
    """What one car wants before a level is due (stage 0), or in all (stage 1): several may belong to one car."""

    car: int
    room: list[float]
    stage: int
    kwh: float


def portions(lot: Lot, kept: Mapping[int, Sequence[float]]) -> Rows:
    """Return the kWh that each car draws in each slot, beside those whose energies are kept as they are.

    Exact where all have the same prices: the most that can be delivered beside what is kept, at the least cost. What
    is due at once comes first, then what milestones ask for, then the needs, then what is paid for drawing.
    """
    free = [car for car in lot.planned if car not in kept]
    if not free:
        return [list(kept[car]) if car in kept else [0.0] * lot.count for car in range(len(lot.keys))]
    rooms = [lot.rooms(car) if car not in kept else [0.0] * lot.count for car in range(len(lot.keys))]
    caps = [lot.energy_caps(node) for node in range(len(lot.nodes))]
    for car, row in kept.items():
        _take(caps, lot.cars[car].path, row)
    pinned = _at_once(lot, free, rooms, caps)
    for car in free:
        _take(caps, lot.cars[car].path, pinned[car])
        rooms[car] = [max(0.0, room - energy) for room, energy in zip(rooms[car], pinned[car], strict=True)]
    sources = _sources(lot, free, rooms, pinned)
    drawn = [list(kept[car]) if car in kept else row for car, row in enumerate(pinned)]
    for source, row in zip(sources, _flow(lot, sources, caps).drawn(), strict=True):
        for slot, energy in enumerate(row):
            drawn[source.car][slot] += energy
    if max(lot.kinds, default=0) > 0:
        _exchange(Trade, lot, drawn, kept).trade(lot.prices)
    return drawn


def gather(lot: Lot, drawn: Rows, kept: Collection[int], on_now: Collection[int]) -> None:
    """Have cars draw the same in fewer runs, or for a little more where that is worth a start."""
    runs = _exchange(Runs, lot, drawn, kept)
    runs.go_on(on_now)
    runs.drop_runs(lot.prices, [each.calm.start_eur for each in lot.situations])
    hours = [(end - start) / 3600 for start, end in lot.slots[: lot.count]]
    _exchange(Turns, lot, drawn, kept).lift([[car.floor_w / 1000 * length for length in hours] for car in lot.cars])


def _exchange(kind: type[Kind], lot: Lot, drawn: Rows, kept: Collection[int]) -> Kind:
    fixed = {car for car in lot.planned if lot.problems[car].milestones or lot.at_once_kwh(car) > 0 or car in kept}
    rooms = [lot.rooms(car) if car not in kept else drawn[car] for car in range(len(lot.keys))]
    caps = [lot.energy_caps(node) for node in range(len(lot.nodes))]
    return kind(drawn, rooms, caps, [car.path for car in lot.cars], fixed=fixed, kinds=lot.kinds)


def _take(caps: Rows, path: Sequence[int], row: Sequence[float]) -> None:
    for node in path:
        caps[node] = [max(0.0, cap - energy) for cap, energy in zip(caps[node], row, strict=True)]


def _at_once(lot: Lot, free: Sequence[int], rooms: Rows, caps: Rows) -> Rows:
    """Return what is drawn before any price is looked at: everybody's minimum, in order of time."""
    minimums = [0.0] * len(rooms)
    for car in free:
        minimums[car] = lot.at_once_kwh(car)
    if not any(minimums):
        return [[0.0] * lot.count for _ in rooms]
    tiers = [(0.0, slot, caps[0][slot]) for slot in range(lot.count)]
    branches = _branches(lot, range(len(rooms)), caps)
    flow = flow_of(rooms, caps[0], branches=branches)
    flow.pour(fair_shares(rooms, minimums, caps[0], tiers, branches=branches), tiers)
    return flow.drawn()


def _sources(lot: Lot, free: Sequence[int], rooms: Rows, pinned: Rows) -> list[_Source]:
    sources = []
    for car in free:
        problem, row, had = lot.problems[car], rooms[car], pinned[car]
        wanted = 0.0
        for count, level in problem.milestones:
            until = lot.slots_until(problem.edges_s[count])
            more = lot.counted(car, level) - sum(had[:until]) - wanted
            if more > NOTHING:
                sources.append(_Source(car, [*row[:until], *([0.0] * (lot.count - until))], 0, more))
                wanted += more
        sources.append(_Source(car, row, 1, max(0.0, lot.counted(car, problem.target_kwh) - sum(had) - wanted)))
    return sources


def _flow(lot: Lot, sources: Sequence[_Source], caps: Rows) -> Flow:
    rooms = [source.room for source in sources]
    branches = _with_own_branches(lot, sources, _branches(lot, [source.car for source in sources], caps))
    tiers = tiers_of(_prices(lot), caps[0])
    first = _running(lot, sources)
    given: list[list[float]] = []
    flow = flow_of(rooms, caps[0], branches=branches, first=first)
    for stage in (0, 1):
        wanted = [source.kwh if source.stage == stage else 0.0 for source in sources]
        flow.pour(wanted, tiers)
        if any(flow.left()):
            served = given[0] if given else None
            wanted = fair_shares(rooms, wanted, caps[0], tiers, branches=branches, served=served)
            flow = flow_of(rooms, caps[0], branches=branches, first=first)
            for each in (*given, wanted):
                flow.pour(each, tiers)
        given.append(wanted)
    paid = [tier for tier in tiers if tier[0] < 0]
    if paid:
        more = [lot.problems[source.car].most_kwh - lot.problems[source.car].target_kwh for source in sources]
        flow.pour(
            [lot.counted(source.car, kwh) * source.stage for kwh, source in zip(more, sources, strict=True)], paid
        )
    return flow


def _branches(lot: Lot, car_of: Sequence[int], caps: Rows) -> list[Branch]:
    members: list[list[int]] = [[] for _ in lot.nodes]
    for place, car in enumerate(car_of):
        members[lot.place_of[car]].append(place)
    return [Branch(caps[node], members[node], lot.parent[node] - 1) for node in range(1, len(lot.nodes))]


def _with_own_branches(lot: Lot, sources: Sequence[_Source], branches: list[Branch]) -> list[Branch]:
    """Return the branches, with one more for each car that has several sources: they share its room."""
    own: dict[int, list[int]] = {}
    for place, source in enumerate(sources):
        own.setdefault(source.car, []).append(place)
    for car, places in own.items():
        if len(places) > 1:
            parent = lot.place_of[car] - 1
            if parent >= 0:
                others = [each for each in branches[parent].members if each not in places]
                branches[parent] = replace(branches[parent], members=others)
            branches.append(Branch(sources[places[-1]].room, places, parent))
    return branches


def _prices(lot: Lot) -> list[float]:
    """Return the price of each slot: the mean of what a kWh that is drawn counts for the cars that are there."""
    prices = []
    for slot, (_, end) in enumerate(lot.slots[: lot.count]):
        here = [lot.counted(car, lot.prices[car][slot]) for car in lot.planned if end <= lot.leaves_s[car]]
        same = max(here, default=0.0)
        prices.append(same if min(here, default=0.0) == same else sum(here) / len(here))
    return prices


def _running(lot: Lot, sources: Sequence[_Source]) -> list[int] | None:
    """Return for each slot the sources, as bits, whose car charges in it by its running plan."""
    if not any(lot.situations[source.car].running for source in sources):
        return None
    bits = [0] * lot.count
    for place, source in enumerate(sources):
        running = lot.situations[source.car].running
        for block in running.blocks if running else ():
            first = bisect_right(lot.edges_s, lot.second(block.start_at)) - 1
            last = bisect_left(lot.edges_s, lot.second(block.end_at))
            for slot in range(max(0, first), min(lot.count, last)):
                bits[slot] |= 1 << place
    return bits
