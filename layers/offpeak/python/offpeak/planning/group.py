"""Decide when many sessions charge under a tree of caps: pure, the same answer for the same situations in any order.

Energies come first (`portion`), then power at every second (`rotate`), then what is left over for those that have no
plan of their own (`leftover`). Running plans are kept where they are nearly as good (`keep`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

from offpeak.planning.background import is_boosted
from offpeak.planning.captree import CapTree
from offpeak.planning.cheapest import cheapest
from offpeak.planning.coarse import obeyed
from offpeak.planning.decide import SMALLEST_SHORTFALL_KWH, caps_from, told
from offpeak.planning.keep import Kept, ways_to_keep
from offpeak.planning.leftover import leave_over, rest_powers, rests_from
from offpeak.planning.lot import Lot
from offpeak.planning.plan import Block, Plan, Reason, ReasonCode
from offpeak.planning.portion import Rows, gather
from offpeak.planning.rotate import Stretch, Timeline, energy_between
from offpeak.planning.situation import Situation

MOVED_EUR = 0.00005
"""A plan that costs so much more than the car's own optimum, beside starts, was moved by the others."""

LEAST_LEFT_KWH = 1e-4

WORTH_A_START_KWH = 0.02
"""What rounding costs is made up beside what a car charges anyway; so little of it is worth no start of its own."""
WORTH_A_PLAN_KWH = 0.1
"""So much more that is delivered is worth giving up a running plan."""

MISSED_KWH = WORTH_A_START_KWH
"""What was not worth a start does not count as missing either."""


def decide_group(situations: Mapping[str, Situation], caps: CapTree, *, now: datetime) -> dict[str, Plan]:
    """Return a plan for each session; what they may draw together never passes a cap of the tree, at any second.

    `situations` are planned at `now`, whatever theirs is. A session that no node names is limited by the root alone.
    The plans cost the least together; what cannot be delivered is shared fairly and said. A session without a plan of
    its own (past its departure, its need unknown, too little power) draws what the others leave, as everybody does
    after his own plan: `rest_power_w` is a share that is safe for ever.

    Running plans are kept unless that costs too much; then as few as possible move.
    """
    if not situations:
        return {}
    lot = Lot(situations, caps, now)
    timeline, kept = _placed(lot)
    stretches = timeline.stretches()
    ends = rests_from(lot, stretches)
    rests = rest_powers(lot, timeline, ends, kept)
    leave_over(lot, timeline)
    stretches = timeline.stretches()
    for car, situation in enumerate(lot.situations):
        if slot_s := situation.slot_s:
            into_slot_s = lot.into_slot_s(slot_s)
            stretches[car] = obeyed(stretches[car], ends[car], rests[car], into_slot_s=into_slot_s, slot_s=slot_s)
    return {
        key: _planned(lot, car, stretches[car], ends[car], rests[car], kept.get(car))
        if lot.codes[car] is None
        else _left_over(lot, car, stretches[car], ends[car], rests[car])
        for car, key in enumerate(lot.keys)
    }


def _placed(lot: Lot) -> tuple[Timeline, dict[int, Kept]]:
    """Return the power of every car at every second, and which running plans are kept: as many as can be, unless so
    much more finds room where fewer are kept that it is worth giving these up."""
    best: tuple[float, Timeline, dict[int, Kept]] | None = None
    most_kept = 0
    for kept, drawn in ways_to_keep(lot):
        most_kept = max(most_kept, len(kept))
        given_up = most_kept - len(kept)
        timeline = lot.timeline()
        for car, held in kept.items():
            for stretch in held.stretches:
                timeline.keep(car, *stretch)
        left = _place(lot, timeline, drawn, kept)
        worse_by = left - sum(map(sum, drawn)) + WORTH_A_PLAN_KWH * given_up
        if best is None or worse_by < best[0]:
            best = worse_by, timeline, kept
        if left <= WORTH_A_PLAN_KWH * max(1, given_up):
            break  # Each time twice as many are given up: more than what is left could be worth.
    assert best is not None
    return best[1:]


def _place(lot: Lot, timeline: Timeline, drawn: Rows, kept: Mapping[int, Kept]) -> float:
    """Turn energies into power; what does not fit where it is cheapest goes to the cheapest room that is left.

    Return the kWh for which there is no room.
    """
    if len(kept) == len(lot.planned):
        return 0.0
    gather(lot, drawn, kept, _on_now(lot))
    rows = [[0.0] * lot.count if car in kept else row for car, row in enumerate(drawn)]
    left = timeline.fill(rows, [lot.at_once_kwh(car) for car in range(len(lot.keys))])
    for car in sorted(lot.planned, key=lambda car: (-left[car], car)):
        if left[car] <= LEAST_LEFT_KWH:
            break
        order = sorted(range(lot.count), key=lambda slot: (lot.prices[car][slot], slot))
        ways = ((timeline.raise_power, 0.0), (timeline.extend, 0.0), (timeline.pour, WORTH_A_START_KWH))
        for pour, least in ways:
            for slot in order:
                if left[car] > max(least, LEAST_LEFT_KWH) and lot.slots[slot][1] <= lot.leaves_s[car]:
                    left[car] = pour(car, slot, left[car])
    return sum(left)


def _on_now(lot: Lot) -> list[int]:
    """Return the cars that charge now by their running plans."""
    return [
        car
        for car in lot.planned
        if (running := lot.situations[car].running)
        and any(block.start_at <= lot.start_at < block.end_at for block in running.blocks)
    ]


def _left_over(lot: Lot, car: int, stretches: Sequence[Stretch], end_s: int, rest_w: float) -> Plan:
    situation, problem, code = lot.situations[car], lot.problems[car], lot.codes[car]
    assert code is not None
    plan = Plan(
        made_at=situation.now,
        departure_at=situation.departure_at,
        need_kwh=_decimal(problem.need_kwh, "0.001"),
        max_power_w=_decimal(problem.max_power_w, "0.1"),
        unlimited_from=lot.instant(end_s),
        reason=Reason(code, ""),
        blocks=_blocks(lot, stretches),
        ready_at=problem.start_at if code is ReasonCode.NEED_UNKNOWN else None,
        caps=caps_from(situation, problem, end_s),
        rest_power_w=_decimal(rest_w, "0.1"),
    )
    return told(plan, situation, problem, is_kept=False)


def _planned(lot: Lot, car: int, stretches: Sequence[Stretch], end_s: int, rest_w: float, kept: Kept | None) -> Plan:
    situation, problem = lot.situations[car], lot.problems[car]
    granted = energy_between(problem.edges_s, stretches, lot.cars[car].draw_w)
    drawn = [energy * situation.phase_share for energy in granted]
    total = sum(drawn)
    # What a kept plan lacks within its slack is mended later, as far as there is room for it.
    shortfall = max(0.0, problem.need_kwh - (max(total, kept.best_kwh * situation.phase_share) if kept else total))
    is_short = shortfall > MISSED_KWH and not (problem.is_idle and situation.running)
    at_once = cheapest(problem.prices, problem.room, 0.0, at_once=min(problem.target_kwh, total))
    cost, cost_at_once = _cost(problem.money, drawn), _cost(problem.money, at_once)
    running = situation.running
    plan = Plan(
        made_at=running.made_at if kept and running else situation.now,
        departure_at=situation.departure_at,
        need_kwh=_decimal(problem.need_kwh, "0.001"),
        max_power_w=_decimal(problem.max_power_w, "0.1"),
        unlimited_from=lot.instant(end_s) if end_s < problem.edges_s[-1] else situation.departure_at,
        reason=Reason(_code_of(lot, car, drawn, stretches, is_short=is_short), ""),
        blocks=_blocks(lot, stretches),
        ready_at=None if is_short else lot.instant(_ready_s(lot, car, stretches)),
        cost_eur=cost,
        cost_at_once_eur=cost_at_once,
        saving_eur=cost_at_once - cost,
        shortfall_kwh=_decimal(shortfall if is_short else 0.0, "0.001"),
        uses_forecast=problem.forecast_from_s is not None,
        caps=caps_from(situation, problem, end_s),
        rest_power_w=_decimal(rest_w, "0.1"),
    )
    return told(plan, situation, problem, is_kept=kept is not None)


def _code_of(lot: Lot, car: int, drawn: Sequence[float], stretches: Sequence[Stretch], *, is_short: bool) -> ReasonCode:
    situation, problem = lot.situations[car], lot.problems[car]
    calm = situation.calm
    if problem.need_kwh <= calm.energy_kwh:
        return ReasonCode.NEED_MET
    if is_short:
        fits_alone = sum(problem.room) >= problem.need_kwh - SMALLEST_SHORTFALL_KWH
        return ReasonCode.SHARED_LIMIT if fits_alone else ReasonCode.SHORT_OF_TIME
    if not problem.is_priced:
        return ReasonCode.NO_PRICES
    is_at_once = bool(stretches) and stretches[0][0] == 0 and all(a[1] == b[0] for a, b in pairwise(stretches))
    if stretches and is_boosted(situation) and (situation.boosts or problem.at_once_s >= stretches[-1][1]):
        return ReasonCode.BOOST if is_at_once else ReasonCode.SHARED_LIMIT
    own = cheapest(
        problem.prices,
        problem.room,
        sum(drawn),
        at_once=sum(problem.room[: problem.at_once]),
        milestones=problem.milestones,
    )
    dearer = sum(price * (a - b) for price, a, b in zip(problem.prices, drawn, own, strict=True))
    if dearer > MOVED_EUR + calm.start_eur * len(stretches):
        return ReasonCode.SHARED_LIMIT
    return ReasonCode.AT_ONCE if is_at_once else ReasonCode.CHEAPEST


def _ready_s(lot: Lot, car: int, stretches: Sequence[Stretch]) -> int:
    """Return the second at which a car has drawn its need, or the end of its last stretch."""
    left_kwh = lot.counted(car, lot.problems[car].need_kwh)
    for start, end, power in stretches:
        kwh = min(power, lot.cars[car].draw_w) * (end - start) / 3.6e6
        if left_kwh <= kwh:
            return start + round((end - start) * left_kwh / kwh)
        left_kwh -= kwh
    return stretches[-1][1] if stretches else 0


def _blocks(lot: Lot, stretches: Sequence[Stretch]) -> tuple[Block, ...]:
    return tuple(Block(lot.instant(start), lot.instant(end), _decimal(power, "0.1")) for start, end, power in stretches)


def _cost(money: Sequence[float], drawn: Sequence[float]) -> Decimal:
    return _decimal(sum(price * energy for price, energy in zip(money, drawn, strict=True)), "0.0001")


def _decimal(value: float, step: str) -> Decimal:
    return Decimal(value).quantize(Decimal(step))
