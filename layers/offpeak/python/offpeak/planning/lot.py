"""The sessions of one tree on one grid of slots: what a group's plan is made of, as numbers."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from math import ceil, inf

from offpeak.planning.captree import CapNode, CapTree
from offpeak.planning.decide import may_weigh, why_no_limit
from offpeak.planning.facts import EARLY
from offpeak.planning.plan import ReasonCode
from offpeak.planning.problem import (
    Problem,
    as_idle,
    caps_in_seconds,
    drawn_kw,
    granted_w,
    into_slot_s,
    least_cap_w,
    pose,
    seconds_after,
    seconds_until,
)
from offpeak.planning.rotate import Car, Timeline
from offpeak.planning.situation import Situation

FOR_EVER_S = 10 * 366 * 86400
"""Caps hold until here: longer than any profile is left standing."""

NO_CAP_W = 1e9
"""More than any node feeds."""

MANY_DEPARTURES = 64
"""From so many instants of departure on, cars count as gone up to `COARSE_S` early, so that slots stay few."""

COARSE_S = 300

AT_ONCE_S = 900
"""No slot is longer than this while somebody charges at once: energy that is due at once is spread over its slot."""

SAME_EUR = 1e-9
"""EUR/kWh: prices that differ by less are the same."""


def _rank(situation: Situation) -> tuple[float, datetime, float, float, float]:
    """Return where a car stands among others, whatever its name: the largest need is the hardest to fit in."""
    each = situation
    return -(each.need_kwh or 0.0), each.departure_at, each.max_power_w, each.min_power_w, each.phase_share


class Lot:
    """Cars are counted from those that need the most on, nodes from the root on, each before its children.

    Slot t runs from `slots[t][0]` to `slots[t][1]`, in seconds after `start_at`. The first `count` end by the last
    departure; those after it hold what the caps are then. `codes[car]` says why a car has no plan of its own.
    `prices[car][t]` is what a kWh counts for it; `kinds` are the same number for cars with the same prices.

    Caps take what is granted, and a car on one of three phases draws a third of that (`phase_share`). So all energy
    here is what is granted, wherever a car draws what it can: `counted` makes it of what is drawn.
    """

    def __init__(self, situations: Mapping[str, Situation], caps: CapTree, now: datetime) -> None:
        self.nodes: list[CapNode] = []
        self.parent: list[int] = []
        self._flatten(caps, -1)
        places = {key: place for place, node in enumerate(self.nodes) for key in node.members}
        self.keys = sorted(situations, key=lambda key: (*_rank(situations[key]), places.get(key, 0), key))
        self.place_of = [places.get(key, 0) for key in self.keys]
        self.situations = [_expected(replace(situations[key], now=now)) for key in self.keys]
        self.start_at = now.replace(microsecond=0)
        self.problems = [self._posed(each) for each in self.situations]
        self.codes = [why_no_limit(each, problem) for each, problem in zip(self.situations, self.problems, strict=True)]
        self.planned = [car for car, code in enumerate(self.codes) if code is None]
        self.leaves_s = self._departures()
        self.end_s = max((self.leaves_s[car] for car in self.planned), default=0)
        self.edges_s = [*self._edges(), FOR_EVER_S]
        self.slots = list(pairwise(self.edges_s))
        self.count = sum(1 for _, end in self.slots if end <= self.end_s)
        self.caps_w = [self._cap_row(node) for node in self.nodes]
        self.cars = [self._car(car) for car in range(len(self.keys))]
        self.prices = [self._price_row(car) for car in range(len(self.keys))]
        self.kinds = self._kinds()

    def second(self, at: datetime) -> int:
        """Return the whole seconds until an instant."""
        return seconds_after(self.start_at, at)

    def instant(self, second: int) -> datetime:
        """Return the instant of a second."""
        return self.start_at + timedelta(seconds=second)

    def counted(self, car: int, kwh: float) -> float:
        """Return how many kWh are granted to a car that draws `kwh`."""
        return kwh / self.situations[car].phase_share

    def rooms(self, car: int) -> list[float]:
        """Return the kWh that can be granted to a car in each slot before the last departure."""
        who = self.cars[car]
        if self.codes[car] is not None:
            return [0.0] * self.count
        return [
            min(who.most_w[slot], who.draw_w) * (end - start) / 3.6e6 if end <= self.leaves_s[car] else 0.0
            for slot, (start, end) in enumerate(self.slots[: self.count])
        ]

    def energy_caps(self, node: int) -> list[float]:
        """Return the kWh that may be drawn below a node in each slot before the last departure."""
        return [
            power * (end - start) / 3.6e6
            for power, (start, end) in zip(self.caps_w[node], self.slots[: self.count], strict=False)
        ]

    def at_once_kwh(self, car: int) -> float:
        """Return what is granted to a car before any price is looked at."""
        problem = self.problems[car]
        return self.counted(car, sum(problem.room[: problem.at_once]))

    def timeline(self) -> Timeline:
        """Return the time from now on with nothing granted yet."""
        return Timeline(self.edges_s, self.caps_w, self.cars)

    def slots_until(self, second: int) -> int:
        """Return how many slots end by a second, up to the last departure."""
        return min(self.count, bisect_right(self.edges_s, second) - 1)

    def _posed(self, situation: Situation) -> Problem:
        problem, running = pose(situation), situation.running
        if not problem.is_idle or running is None:
            return problem
        end_s = problem.edges_s[-1]
        left_kwh = sum(
            drawn_kw(situation, float(block.power_w))
            * max(0, min(end_s, self.second(block.end_at)) - max(0, self.second(block.start_at)))
            / 3600
            for block in running.blocks
        )
        return as_idle(problem, left_kwh) if left_kwh > 0 else problem

    def _flatten(self, node: CapNode, parent: int) -> None:
        place = len(self.nodes)
        self.nodes.append(node)
        self.parent.append(parent)
        for child in node.children:
            self._flatten(child, place)

    def _departures(self) -> list[int]:
        leaves = {self.problems[car].edges_s[-1] for car in self.planned}
        coarse_s = COARSE_S if len(leaves) > MANY_DEPARTURES else 1
        ends = [problem.edges_s[-1] // coarse_s * coarse_s for problem in self.problems]
        return [
            end if each.slot_s is None else max(0, end - (end + self.into_slot_s(each.slot_s)) % each.slot_s)
            for end, each in zip(ends, self.situations, strict=True)
        ]

    def into_slot_s(self, slot_s: int) -> int:
        return into_slot_s(self.start_at, slot_s)

    def _edges(self) -> list[int]:
        """Return where a price, a cap or a level changes or somebody leaves."""
        edges = {0}
        for car in self.planned:
            problem = self.problems[car]
            slots = zip(problem.prices, problem.granted_w, strict=True)
            edges.update(edge for edge, (a, b) in zip(problem.edges_s[1:], pairwise(slots), strict=False) if a != b)
            edges.update(problem.edges_s[count] for count, _ in problem.milestones)
            edges.add(self.leaves_s[car])
        edges |= self._at_once_edges()
        for slot_s in {slot_s for car in self.planned if (slot_s := self.situations[car].slot_s)}:
            edges.update(range(slot_s - self.into_slot_s(slot_s), self.end_s, slot_s))
        edges = {edge for edge in edges if edge <= self.end_s}
        for situation in self.situations:
            edges.update(
                at_s for start, end, _ in caps_in_seconds(self.start_at, situation.caps) for at_s in (start, end)
            )
        for node in self.nodes:
            edges.update(max(0, at_s) for begun_s, full_s, _ in self._steps(node) for at_s in (begun_s, full_s))
        return sorted(edges)

    def _at_once_edges(self) -> set[int]:
        """Return where somebody has charged what is due at once, and each quarter of an hour until the last has."""
        ends = {self.problems[car].at_once_s for car in self.planned}
        if len(ends) > MANY_DEPARTURES:
            ends = {-(-end // COARSE_S) * COARSE_S for end in ends}
        to_quarter_s = AT_ONCE_S - self.into_slot_s(AT_ONCE_S)
        return {*ends, *range(to_quarter_s, max(ends, default=0), AT_ONCE_S)}

    def _steps(self, node: CapNode) -> list[tuple[int, int, float]]:
        """Return the steps of a node's cap: the second in which each begins, the first that is all in it, and W."""
        return [
            (self.second(step.start_at), seconds_until(self.start_at, step.start_at), max(0.0, step.power_w))
            for step in node.steps
        ]

    def _cap_row(self, node: CapNode) -> list[float]:
        """Return the least of a node's cap in each slot; within one it changes only where a step begins in a second."""
        steps = self._steps(node)
        row, place = [], 0
        for start, end in self.slots:
            while place + 1 < len(steps) and steps[place + 1][1] <= start:
                place += 1
            least_w = steps[place][2] if steps else NO_CAP_W
            following = place + 1
            while following < len(steps) and steps[following][0] < end:
                least_w = min(least_w, steps[following][2])
                following += 1
            row.append(min(least_w, NO_CAP_W))
        return row

    def _car(self, car: int) -> Car:
        """Return what a car can be granted: no more than it was seen to use, since others can use the rest."""
        situation, step = self.situations[car], self.situations[car].limit_step_w
        own = caps_in_seconds(self.start_at, situation.caps)
        draws_w = self.counted(car, situation.draw_w or inf)
        seen_w = inf if draws_w == inf else max(ceil(draws_w / step - 1e-9) * step, situation.min_power_w)
        floor_w = situation.min_power_w
        if self.codes[car] is ReasonCode.TOO_LITTLE_POWER:
            floor_w = 0.0
        whole_w = granted_w(situation, inf)
        most = [
            min(granted_w(situation, least_cap_w(own, start, end)) if own else whole_w, seen_w)
            for start, end in self.slots
        ]
        path, place = list[int](), self.place_of[car]
        while place >= 0:
            path.append(place)
            place = self.parent[place]
        return Car(floor_w, most, step, draws_w, tuple(path), is_coarse=situation.slot_s is not None)

    def _price_row(self, car: int) -> list[float]:
        problem = self.problems[car]
        if not problem.prices:
            return [0.0] * self.count
        row, place, share = [], 0, self.situations[car].phase_share
        for start, _ in self.slots[: self.count]:
            while place + 1 < len(problem.prices) and problem.edges_s[place + 1] <= start:
                place += 1
            row.append(problem.prices[place] * share)
        return row

    def _kinds(self) -> list[int]:
        """Number the price curves, and give cars with one curve the prices of the one that stays longest.

        Where no price is published the mean of what is known counts, which depends on the departure: not compared.
        """
        kinds, firsts = [0] * len(self.keys), list[int]()
        for car in sorted(self.planned, key=lambda car: (-self.leaves_s[car], car)):
            known_s = self.problems[car].forecast_from_s
            compared = self.slots_until(self.leaves_s[car] if known_s is None else min(known_s, self.leaves_s[car]))
            for kind, first in enumerate(firsts):
                if self.situations[first].phase_share == self.situations[car].phase_share and all(
                    abs(a - b) < SAME_EUR for a, b in zip(self.prices[first][:compared], self.prices[car], strict=False)
                ):
                    kinds[car], self.prices[car] = kind, self.prices[first]
                    break
            else:
                kinds[car] = len(firsts)
                firsts.append(car)
        return kinds


def _expected(situation: Situation) -> Situation:
    """Return a session as a group plans it.

    Where habits alone tell when the car leaves and what it needs, that is a departure that few precede and a need that
    few exceed: to weigh every chance of every car together is beyond a flow.
    """
    outlook = situation.outlook if may_weigh(situation) else None
    if outlook is None:
        return situation
    now = situation.now
    return replace(situation, departure_at=outlook.departure_at(EARLY, now), need_kwh=outlook.need_kwh(1 - EARLY))
