"""Decide when many sessions charge under a tree of caps: pure, the same answer for the same situations in any order.

Energies come first (`flow`: the cheapest for all of them together; `fair`: who gets how much where it does not reach),
then power at every second (`rotate`), then what is left over for those that are not limited by a plan of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from math import ceil, inf

from offpeak.planning.captree import CapNode, CapTree
from offpeak.planning.cheapest import cheapest
from offpeak.planning.decide import SMALLEST_SHORTFALL_KWH, caps_from, told, why_no_limit
from offpeak.planning.exchange import Exchange
from offpeak.planning.fair import fair_shares
from offpeak.planning.flow import NOTHING, Branch, Flow, flow_of, tiers_of
from offpeak.planning.plan import Block, Plan, Reason, ReasonCode
from offpeak.planning.problem import Problem, caps_in_seconds, granted_w, least_cap_w, pose, seconds_after
from offpeak.planning.rotate import Car, Stretch, Timeline
from offpeak.planning.situation import Situation

FOR_EVER_S = 10 * 366 * 86400
"""Caps hold until here: longer than any profile is left standing."""

NO_CAP_W = 1e9
"""More than any node feeds."""

MANY_DEPARTURES = 64
"""From so many instants of departure on, cars count as gone up to `COARSE_S` early, so that slots stay few."""

COARSE_S = 300

MOVED_EUR = 0.00005
"""A plan that costs so much more than the car's own optimum was moved by the others."""


def decide_group(situations: Mapping[str, Situation], caps: CapTree, *, now: datetime) -> dict[str, Plan]:
    """Return a plan for each session; what they may draw together never passes a cap of the tree, at any second.

    `situations` are planned at `now`, whatever theirs is. A session that no node names is limited by the root alone.
    The plans cost the least together; what cannot be delivered is shared fairly and said. A session without a plan of
    its own (past its departure, its need unknown, too little power) draws what the others leave, as everybody does
    after his own plan: `rest_power_w` is a share that is safe for ever.
    """
    group = _Group(situations, caps, now)
    if not group.keys:
        return {}
    energies = group.energies()
    timeline = Timeline(group.edges_s, group.caps_w, group.cars)
    group.place(timeline, energies)
    return group.plans(timeline)


@dataclass(frozen=True, slots=True)
class _Source:
    """What one car wants before a level is due, or in all: several may belong to one car."""

    car: int
    room: list[float]
    stage: int
    kwh: float


class _Group:
    """The sessions of one tree on a common grid of slots; what is after the last departure belongs to the grid, too."""

    def __init__(self, situations: Mapping[str, Situation], caps: CapTree, now: datetime) -> None:
        self.keys = sorted(situations)
        self.situations = [replace(situations[key], now=now) for key in self.keys]
        self.start_at = now.replace(microsecond=0)
        self.problems = [pose(each) for each in self.situations]
        self.codes = [why_no_limit(each, problem) for each, problem in zip(self.situations, self.problems, strict=True)]
        self.planned = [car for car, code in enumerate(self.codes) if code is None]
        self._nodes: list[tuple[CapNode, int]] = []
        self._flatten(caps, -1)
        self._lay_grid()
        self.caps_w = [self._steps_of(node) for node, _ in self._nodes]
        places = {key: place for place, (node, _) in enumerate(self._nodes) for key in node.members}
        self.place_of = [places.get(key, 0) for key in self.keys]
        self.cars = [self._car(car) for car in range(len(self.keys))]

    def _flatten(self, node: CapNode, parent: int) -> None:
        place = len(self._nodes)
        self._nodes.append((node, parent))
        for child in node.children:
            self._flatten(child, place)

    def _lay_grid(self) -> None:
        """Cut time wherever a price, a cap or a level changes or somebody leaves."""
        edges = {0}
        leaves = sorted({self.problems[car].edges_s[-1] for car in self.planned})
        coarse_s = COARSE_S if len(leaves) > MANY_DEPARTURES else 1
        self.leaves_s = [problem.edges_s[-1] // coarse_s * coarse_s for problem in self.problems]
        for car in self.planned:
            problem = self.problems[car]
            slots = zip(problem.prices, problem.granted_w, strict=True)
            edges.update(edge for edge, (a, b) in zip(problem.edges_s[1:], pairwise(slots), strict=False) if a != b)
            edges.update(problem.edges_s[count] for count, _ in problem.milestones)
            edges.add(self.leaves_s[car])
        self.end_s = max((self.leaves_s[car] for car in self.planned), default=0)
        edges = {edge for edge in edges if edge <= self.end_s}
        for situation in self.situations:
            edges.update(
                at_s for start, end, _ in caps_in_seconds(self.start_at, situation.caps) for at_s in (start, end)
            )
        for node, _ in self._nodes:
            edges.update(max(0, self._second(step.start_at)) for step in node.steps)
        self.edges_s = [*sorted(edges), FOR_EVER_S]
        self.slots = list(pairwise(self.edges_s))
        self.count = sum(1 for _, end in self.slots if end <= self.end_s)

    def _second(self, at: datetime) -> int:
        return seconds_after(self.start_at, at)

    def _steps_of(self, node: CapNode) -> list[float]:
        """Return a node's cap in each slot, W: the least that holds at any instant of it."""
        steps = [(self._second(step.start_at), max(0.0, step.power_w)) for step in node.steps]
        row, place = [], 0
        for start, _ in self.slots:
            while place + 1 < len(steps) and steps[place + 1][0] <= start:
                place += 1
            row.append(min(steps[place][1], NO_CAP_W) if steps else NO_CAP_W)
        return row

    def _car(self, car: int) -> Car:
        situation = self.situations[car]
        own = caps_in_seconds(self.start_at, situation.caps)
        step = situation.limit_step_w
        draws = situation.draw_w or inf
        most_seen = inf if draws == inf else max(ceil(draws / step - 1e-9) * step, situation.min_power_w)
        most = [
            min(granted_w(situation, least_cap_w(own, start, end) if own else inf), most_seen)
            for start, end in self.slots
        ]
        path, place = list[int](), self.place_of[car]
        while place >= 0:
            path.append(place)
            place = self._nodes[place][1]
        return Car(situation.min_power_w, most, step, draws, tuple(path))

    # Energies

    def energies(self) -> list[list[float]]:
        """Return the kWh that each planned car draws in each slot, at the least cost for all of them."""
        rooms = [self._rooms(car) for car in range(len(self.keys))]
        caps = [self._energy_caps(place) for place in range(len(self._nodes))]
        pinned = self._at_once(rooms, caps)
        for car, row in enumerate(pinned):
            for slot, energy in enumerate(row):
                if energy > 0:
                    rooms[car][slot] = max(0.0, rooms[car][slot] - energy)
                    for node in self.cars[car].path:
                        caps[node][slot] = max(0.0, caps[node][slot] - energy)
        self.sources = self._sources(rooms, pinned)
        flow = self._flow(caps)
        drawn = [list(row) for row in pinned]
        for source, row in zip(self.sources, flow.drawn(), strict=True):
            for slot, energy in enumerate(row):
                drawn[source.car][slot] += energy
        self._gather(drawn)
        return drawn

    def _gather(self, drawn: list[list[float]]) -> None:
        """Have cars charge in few runs at the same cost, or a little more where that is worth a start."""
        rooms = [self._rooms(car) for car in range(len(self.keys))]
        caps = [self._energy_caps(place) for place in range(len(self._nodes))]
        fixed = {car for car, each in enumerate(self.situations) if each.milestones or each.minimum_now_kwh > 0}
        exchange = Exchange(drawn, rooms, caps, [car.path for car in self.cars], fixed)
        exchange.go_on(self._on_now())
        start_eur = min(self.situations[car].calm.start_eur for car in self.planned) if self.planned else 0.0
        if start_eur > 0:
            exchange.drop_runs(self._prices(), start_eur)

    def _on_now(self) -> list[int]:
        """Return the cars that charge now by their running plans."""
        return [
            car
            for car in self.planned
            if (running := self.situations[car].running)
            and any(block.start_at <= self.start_at < block.end_at for block in running.blocks)
        ]

    def _rooms(self, car: int) -> list[float]:
        who = self.cars[car]
        if self.codes[car] is not None:
            return [0.0] * self.count
        return [
            min(who.most_w[slot], who.draw_w) * (end - start) / 3.6e6 if end <= self.leaves_s[car] else 0.0
            for slot, (start, end) in enumerate(self.slots[: self.count])
        ]

    def _energy_caps(self, place: int) -> list[float]:
        row = self.caps_w[place][: self.count]
        return [power * (end - start) / 3.6e6 for power, (start, end) in zip(row, self.slots, strict=False)]

    def _at_once(self, rooms: list[list[float]], caps: list[list[float]]) -> list[list[float]]:
        """Return what is drawn before any price is looked at: everybody's minimum, in order of time."""
        minimums = [
            max(0.0, situation.minimum_now_kwh) if code is None else 0.0
            for situation, code in zip(self.situations, self.codes, strict=True)
        ]
        if not any(minimums):
            return [[0.0] * self.count for _ in rooms]
        tiers = [(0.0, slot, caps[0][slot]) for slot in range(self.count)]
        branches = self._branches(range(len(rooms)), caps)
        given = fair_shares(rooms, minimums, caps[0], tiers, branches=branches)
        flow = flow_of(rooms, caps[0], branches=branches)
        flow.pour(given, tiers)
        return flow.drawn()

    def _sources(self, rooms: list[list[float]], pinned: list[list[float]]) -> list[_Source]:
        sources = []
        for car in self.planned:
            problem, row, had = self.problems[car], rooms[car], pinned[car]
            wanted = 0.0
            for count, level in problem.milestones:
                until = sum(1 for _, end in self.slots[: self.count] if end <= problem.edges_s[count])
                more = level - sum(had[:until]) - wanted
                if more > NOTHING:
                    sources.append(_Source(car, [*row[:until], *([0.0] * (self.count - until))], 0, more))
                    wanted += more
            more = problem.target_kwh - sum(had) - wanted
            sources.append(_Source(car, row, 1, max(0.0, more)))
        return sources

    def _flow(self, caps: list[list[float]]) -> Flow:
        rooms = [source.room for source in self.sources]
        branches = self._branches([source.car for source in self.sources], caps)
        own: dict[int, list[int]] = {}
        for place, source in enumerate(self.sources):
            own.setdefault(source.car, []).append(place)
        for car, places in own.items():
            if len(places) > 1:
                parent = self.place_of[car] - 1
                if parent >= 0:
                    branches[parent] = replace(
                        branches[parent], members=[each for each in branches[parent].members if each not in places]
                    )
                branches.append(Branch(self.sources[places[-1]].room, places, parent))
        prices = self._prices()
        tiers = tiers_of(prices, caps[0])
        first = self._running_bits()
        stages = [[source.kwh if source.stage == stage else 0.0 for source in self.sources] for stage in (0, 1)]
        flow = flow_of(rooms, caps[0], branches=branches, first=first)
        given: list[list[float]] = []
        for stage in stages:
            flow.pour(stage, tiers)
            if any(flow.left()):
                served = [sum(each) for each in zip(*given, strict=True)] if given else None
                stage = fair_shares(rooms, stage, caps[0], tiers, branches=branches, served=served)
                flow = flow_of(rooms, caps[0], branches=branches, first=first)
                for each in (*given, stage):
                    flow.pour(each, tiers)
            given.append(stage)
        below = [tier for tier in tiers if tier[0] < 0]
        if below:
            most = [
                max(0.0, self.problems[source.car].most_kwh - self.problems[source.car].target_kwh) * source.stage
                for source in self.sources
            ]
            flow.pour(most, below)
        return flow

    def _branches(self, car_of: Sequence[int], caps: list[list[float]]) -> list[Branch]:
        members: list[list[int]] = [[] for _ in self._nodes]
        for place, car in enumerate(car_of):
            members[self.place_of[car]].append(place)
        return [
            Branch(caps[place], members[place], parent - 1) for place, (_, parent) in enumerate(self._nodes) if place
        ]

    def _prices(self) -> list[float]:
        """Return the price of each slot: the mean of those that the cars there plan by."""
        prices = []
        for start, end in self.slots[: self.count]:
            here = [self._price(car, start) for car in self.planned if end <= self.leaves_s[car]]
            prices.append(sum(here) / len(here) if here else 0.0)
        return prices

    def _price(self, car: int, second: int) -> float:
        return self.problems[car].prices[_slot_at(self.problems[car], second)]

    def _running_bits(self) -> list[int]:
        """Return for each slot the sources whose car charges in it by its running plan."""
        bits = [0] * self.count
        for place, source in enumerate(self.sources):
            running = self.situations[source.car].running
            for block in running.blocks if running else ():
                start, end = self._second(block.start_at), self._second(block.end_at)
                for slot, (slot_start, slot_end) in enumerate(self.slots[: self.count]):
                    if start < slot_end and slot_start < end:
                        bits[slot] |= 1 << place
        return bits

    # Power

    def place(self, timeline: Timeline, energies: list[list[float]]) -> None:
        """Turn energies into power; what does not fit where it is cheapest goes to the cheapest room that is left."""
        left = timeline.fill(energies)
        prices = self._prices()
        order = sorted(range(self.count), key=lambda slot: (prices[slot], slot))
        for car in sorted(self.planned, key=lambda car: (-left[car], car)):
            for pour in (timeline.raise_, timeline.pour):
                for slot in order:
                    if left[car] > LEAST_LEFT_KWH and self.slots[slot][1] <= self.leaves_s[car]:
                        left[car] = pour(car, slot, left[car])

    # Plans

    def plans(self, timeline: Timeline) -> dict[str, Plan]:
        stretches = timeline.stretches()
        ends = [self._rest_from(car, stretches[car]) for car in range(len(self.keys))]
        rests = self._rests(timeline, ends)
        for car in self._waiting():
            self._leave_over(timeline, car)
        stretches = timeline.stretches()
        return {
            key: self._planned(car, stretches[car], ends[car], rests[car])
            if self.codes[car] is None
            else self._left_over(car, stretches[car], rests[car])
            for car, key in enumerate(self.keys)
        }

    def _rest_from(self, car: int, stretches: Sequence[Stretch]) -> int:
        """Return when a car's own plan ends: with an assumed need, or at its departure."""
        if self.codes[car] is not None:
            return self.end_s
        ends_with_need = bool(stretches) and not self.situations[car].need_is_known
        return stretches[-1][1] if ends_with_need else self.problems[car].edges_s[-1]

    def _rests(self, timeline: Timeline, ends: Sequence[int]) -> list[float]:
        """Return what each car may draw for ever once its plan has ended: equal parts of what the caps have to spare.

        Where that is less than a car charges at, those whose plans end first get that much, and the others nothing.
        """
        rests = [0.0] * len(self.keys)
        order = sorted(range(len(self.keys)), key=lambda car: (self.codes[car] is None, ends[car], self.keys[car]))
        waiting = [0] * len(self._nodes)
        for car in order:
            for node in self.cars[car].path:
                waiting[node] += 1
        for car in order:
            who, situation = self.cars[car], self.situations[car]
            spare = min(timeline.spare_from(ends[car], node) for node in who.path)
            equal = min(timeline.spare_from(ends[car], node) / waiting[node] for node in who.path)
            rests[car] = granted_w(situation, max(equal, min(spare, who.floor_w)))
            timeline.hold(car, ends[car], rests[car])
            for node in who.path:
                waiting[node] -= 1
        return rests

    def _waiting(self) -> list[int]:
        """Return the cars without a plan of their own, those that wait longest first."""
        waiting = [car for car, code in enumerate(self.codes) if code is not None]
        return sorted(waiting, key=lambda car: (self.situations[car].departure_at, self.keys[car]))

    def _leave_over(self, timeline: Timeline, car: int) -> None:
        for slot in range(self.count):
            timeline.pour(car, slot, 1e9)

    def _left_over(self, car: int, stretches: Sequence[Stretch], rest_w: float) -> Plan:
        situation, problem, code = self.situations[car], self.problems[car], self.codes[car]
        assert code is not None
        plan = Plan(
            made_at=situation.now,
            departure_at=situation.departure_at,
            need_kwh=_decimal(problem.need_kwh, "0.001"),
            max_power_w=_decimal(problem.max_power_w, "0.1"),
            unlimited_from=self._instant(self.end_s),
            reason=Reason(code, ""),
            blocks=self._blocks(stretches),
            ready_at=problem.start_at if code is ReasonCode.NEED_UNKNOWN else None,
            caps=caps_from(situation, problem, self.end_s),
            rest_power_w=_decimal(rest_w, "0.1"),
        )
        return told(plan, situation, problem, is_kept=False)

    def _planned(self, car: int, stretches: Sequence[Stretch], end_s: int, rest_w: float) -> Plan:
        situation, problem = self.situations[car], self.problems[car]
        drawn = self._drawn_by(car, stretches)
        total = sum(drawn)
        shortfall = max(0.0, problem.need_kwh - total)
        is_short = shortfall >= SMALLEST_SHORTFALL_KWH
        cost = sum(price * energy for price, energy in zip(problem.money, drawn, strict=True))
        at_once = cheapest(problem.prices, problem.room, 0.0, at_once=min(problem.target_kwh, total))
        cost_at_once = sum(price * energy for price, energy in zip(problem.money, at_once, strict=True))
        plan = Plan(
            made_at=situation.now,
            departure_at=situation.departure_at,
            need_kwh=_decimal(problem.need_kwh, "0.001"),
            max_power_w=_decimal(problem.max_power_w, "0.1"),
            unlimited_from=self._instant(end_s) if end_s < problem.edges_s[-1] else situation.departure_at,
            reason=Reason(self._code_of(car, drawn, stretches, is_short=is_short), ""),
            blocks=self._blocks(stretches),
            ready_at=None if is_short else self._ready_at(car, stretches),
            cost_eur=_decimal(cost, "0.0001"),
            cost_at_once_eur=_decimal(cost_at_once, "0.0001"),
            saving_eur=_decimal(cost_at_once, "0.0001") - _decimal(cost, "0.0001"),
            shortfall_kwh=_decimal(shortfall if is_short else 0.0, "0.001"),
            uses_forecast=problem.forecast_from_s is not None,
            caps=caps_from(situation, problem, end_s),
            rest_power_w=_decimal(rest_w, "0.1"),
        )
        return told(plan, situation, problem, is_kept=False)

    def _drawn_by(self, car: int, stretches: Sequence[Stretch]) -> list[float]:
        """Return the kWh that a car draws in each slot of its own problem."""
        problem, draw_w = self.problems[car], self.cars[car].draw_w
        return [
            sum(
                max(0, min(end, until) - max(start, begin)) * min(power, draw_w) / 3.6e6
                for begin, until, power in stretches
            )
            for start, end in pairwise(problem.edges_s)
        ]

    def _code_of(self, car: int, drawn: Sequence[float], stretches: Sequence[Stretch], *, is_short: bool) -> ReasonCode:
        problem = self.problems[car]
        if problem.need_kwh <= self.situations[car].calm.energy_kwh:
            return ReasonCode.NEED_MET
        own = cheapest(problem.prices, problem.room, sum(drawn), milestones=problem.milestones)
        if is_short:
            fits_alone = sum(problem.room) >= problem.need_kwh - SMALLEST_SHORTFALL_KWH
            return ReasonCode.SHARED_LIMIT if fits_alone else ReasonCode.SHORT_OF_TIME
        if not problem.is_priced:
            return ReasonCode.NO_PRICES
        dearer = sum(price * (a - b) for price, a, b in zip(problem.prices, drawn, own, strict=True))
        if dearer > MOVED_EUR + self.situations[car].calm.start_eur * len(stretches):
            return ReasonCode.SHARED_LIMIT
        if stretches and stretches[0][0] == 0 and all(a[1] == b[0] for a, b in pairwise(stretches)):
            return ReasonCode.AT_ONCE
        return ReasonCode.CHEAPEST

    def _ready_at(self, car: int, stretches: Sequence[Stretch]) -> datetime:
        """Return when a car has drawn its need, or the end of its last stretch."""
        left_kwh = self.problems[car].need_kwh
        for start, end, power in stretches:
            kwh = min(power, self.cars[car].draw_w) * (end - start) / 3.6e6
            if left_kwh <= kwh:
                return self._instant(start + round((end - start) * left_kwh / kwh))
            left_kwh -= kwh
        return self._instant(stretches[-1][1] if stretches else 0)

    def _blocks(self, stretches: Sequence[Stretch]) -> tuple[Block, ...]:
        return tuple(
            Block(self._instant(start), self._instant(end), _decimal(power, "0.1")) for start, end, power in stretches
        )

    def _instant(self, second: int) -> datetime:
        return self.start_at + timedelta(seconds=second)


LEAST_LEFT_KWH = 1e-4


def _slot_at(problem: Problem, second: int) -> int:
    return max(0, sum(1 for edge in problem.edges_s if edge <= second) - 1)


def _decimal(value: float, step: str) -> Decimal:
    return Decimal(value).quantize(Decimal(step))
