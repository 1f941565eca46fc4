"""Which running plans of a group are kept (docs/planning.md, 5 and Many sessions): calm, and few that move."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf

from offpeak.planning.lot import Lot
from offpeak.planning.portion import Rows, portions
from offpeak.planning.problem import caps_in_seconds, granted_w, least_cap_w
from offpeak.planning.rotate import Stretch, energy_between

FAIR_ENOUGH = 0.05
"""The part of a need by which a plan may differ from a fair share before it moves."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is left of a running plan: what it grants, what that draws in each slot, how wrong it may be, and what the
    car would have by the best plans for all. `rest_w` is what it may draw once the plan has ended."""

    stretches: tuple[Stretch, ...]
    drawn: list[float]
    slack_kwh: float
    rest_w: float
    best_kwh: float = 0.0


def ways_to_keep(lot: Lot) -> Iterator[tuple[dict[int, Kept], Rows]]:
    """Yield which plans could be kept, fewer each time and none at last, and what every car draws in each slot then.

    All that still serve their cars and pass no cap are kept while the best plans for all save no more than the
    threshold and serve nobody better. Otherwise they are given up, twice as many each time, those first whose cars
    hold what the others could use and can do without it longest.
    """
    best = portions(lot, {})
    serving = {
        car: replace(held, best_kwh=sum(best[car]))
        for car in lot.planned
        if (held := _held(lot, car)) and _serves(lot, car, held, best[car])
    }
    kept = _that_fit(lot, serving)
    order = _most_movable(lot, kept)
    given_up = 0
    while kept:
        drawn = portions(lot, {car: held.drawn for car, held in kept.items()})
        if _is_good_enough(lot, kept, drawn, best):
            yield kept, drawn
        given_up = 2 * given_up or 1
        kept = {car: held for car, held in kept.items() if car not in order[:given_up]}
    yield {}, best


def _held(lot: Lot, car: int) -> Kept | None:
    """Return what is left of a car's running plan, None where it has none or may not draw so any more."""
    situation, running, who = lot.situations[car], lot.situations[car].running, lot.cars[car]
    if running is None:
        return None
    own = caps_in_seconds(lot.start_at, situation.caps)
    stretches = list[Stretch]()
    for block in running.blocks:
        start, end = max(0, lot.second(block.start_at)), min(lot.leaves_s[car], lot.second(block.end_at))
        power = float(block.power_w)
        if start >= end:
            continue
        if power < who.floor_w - 1e-6 or power > granted_w(situation, least_cap_w(own, start, end)) + 1e-6:
            return None
        stretches.append((start, end, power))
    drawn = energy_between(lot.edges_s[: lot.count + 1], stretches, who.draw_w)
    rest_w = inf if running.rest_power_w is None else float(running.rest_power_w)
    return Kept(tuple(stretches), drawn, _slack(lot, car, stretches, drawn), rest_w)


def _slack(lot: Lot, car: int, stretches: Sequence[Stretch], drawn: Sequence[float]) -> float:
    """Return how wrong a plan may be before it moves, kWh: more while the car charges, as its need drifts then."""
    calm = lot.situations[car].calm
    least_kwh = lot.counted(car, calm.energy_kwh)
    if not stretches or stretches[0][0] > 0:
        return least_kwh
    later_kwh = sum(
        room for room, (start, _) in zip(lot.rooms(car), lot.slots, strict=False) if start >= stretches[-1][1]
    )
    return max(least_kwh, min(calm.drift_share * sum(drawn), later_kwh))


def _serves(lot: Lot, car: int, held: Kept, best: Sequence[float]) -> bool:
    """Say whether a plan gives a car what the best for all would give it, and in time."""
    problem, slack = lot.problems[car], held.slack_kwh
    due = [(lot.slots_until(problem.at_once_s), lot.at_once_kwh(car))]
    due += [(lot.slots_until(problem.edges_s[count]), lot.counted(car, level)) for count, level in problem.milestones]
    if sum(best) < lot.counted(car, problem.target_kwh) - slack:
        slack = max(slack, FAIR_ENOUGH * lot.counted(car, problem.need_kwh))
    return abs(sum(held.drawn) - sum(best)) <= slack and all(
        sum(held.drawn[:slots]) >= min(level, sum(best[:slots])) - held.slack_kwh for slots, level in due
    )


def _that_fit(lot: Lot, serving: Mapping[int, Kept]) -> dict[int, Kept]:
    """Return the plans that pass no cap together: first of cars that charge now, then of those that leave first."""
    timeline = lot.timeline()
    fitting = {}
    for car in sorted(serving, key=lambda car: (_begins(serving[car]) > 0, lot.leaves_s[car], car)):
        if all(timeline.has_room(car, *stretch) for stretch in serving[car].stretches):
            fitting[car] = serving[car]
            for stretch in serving[car].stretches:
                timeline.keep(car, *stretch)
    return fitting


def _begins(held: Kept) -> int:
    return held.stretches[0][0] if held.stretches else 0


def _most_movable(lot: Lot, kept: Mapping[int, Kept]) -> list[int]:
    others = [car for car in lot.planned if car not in kept]
    until = lot.slots_until(max((lot.leaves_s[car] for car in others), default=lot.end_s))
    return sorted(kept, key=lambda car: (sum(kept[car].drawn[:until]) <= 0, -lot.leaves_s[car], car))


def _is_good_enough(lot: Lot, kept: Mapping[int, Kept], drawn: Rows, best: Rows) -> bool:
    """Say whether nobody planned anew gets less than by the best plans, and these save no more than calm asks."""
    for car in lot.planned:
        slack = max(lot.situations[car].calm.energy_kwh, 0.01 * lot.problems[car].need_kwh)
        if car not in kept and sum(drawn[car]) < sum(best[car]) - lot.counted(car, slack):
            return False
    energy, least = sum(map(sum, best)), _cost(lot, best)
    missing = energy - sum(map(sum, drawn))
    cost = _cost(lot, drawn) + (missing * least / energy if energy > 0 else 0.0)
    calms = [lot.situations[car].calm for car in kept]
    threshold = max(sum(calm.threshold_eur for calm in calms), calms[0].threshold_share * abs(cost))
    return cost - least <= threshold


def _cost(lot: Lot, drawn: Rows) -> float:
    return sum(
        price * energy for car, row in enumerate(drawn) for price, energy in zip(lot.prices[car], row, strict=True)
    )
