"""What is left over under a tree of caps: for cars without a plan of their own, and for everybody after his plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from offpeak.planning.keep import Kept
from offpeak.planning.lot import Lot
from offpeak.planning.problem import granted_w
from offpeak.planning.rotate import Stretch, Timeline

WHATEVER_KWH = 1e9


def rests_from(lot: Lot, stretches: Sequence[Sequence[Stretch]]) -> list[int]:
    """Return the second at which each car's own plan ends: with an assumed need, or at its departure.

    Cars without a plan of their own have what is left over, slot by slot, until the last of the others has left.
    """
    ends = []
    for car, row in enumerate(stretches):
        if lot.codes[car] is not None:
            ends.append(lot.end_s)
        elif row and not lot.situations[car].need_is_known:
            ends.append(row[-1][1])
        else:
            ends.append(lot.problems[car].edges_s[-1])
    return ends


def rest_powers(lot: Lot, timeline: Timeline, ends: Sequence[int], kept: Mapping[int, Kept]) -> list[float]:
    """Return what each car may draw for ever once its plan has ended.

    That is its maximum where all of its neighbours may have theirs, else the least that it charges at, as long as there
    is any to give: so newcomers find room, and nobody's share moves because of them. Kept plans keep theirs.
    """
    rests = [0.0] * len(lot.keys)
    loose = _loose_nodes(lot)
    waiting = [0] * len(lot.nodes)
    for each in lot.cars:
        for node in each.path:
            waiting[node] += 1
    order = sorted(
        range(len(lot.keys)), key=lambda car: (car not in kept, lot.codes[car] is None, ends[car], lot.keys[car])
    )
    for car in order:
        who, situation = lot.cars[car], lot.situations[car]
        spare = min(timeline.spare_from(ends[car], node) for node in who.path)
        if car in kept and kept[car].rest_w <= spare:
            rests[car] = kept[car].rest_w
        elif loose.issuperset(who.path):
            rests[car] = granted_w(situation, spare)
        else:
            equal = min(timeline.spare_from(ends[car], node) / waiting[node] for node in who.path)
            rests[car] = granted_w(situation, min(spare, who.floor_w or equal))
        timeline.hold(car, ends[car], rests[car])
        for node in who.path:
            waiting[node] -= 1
    return rests


def leave_over(lot: Lot, timeline: Timeline) -> None:
    """Grant cars without a plan of their own what the others leave, those first that wait longest."""
    waiting = [car for car, code in enumerate(lot.codes) if code is not None]
    for car in sorted(waiting, key=lambda car: (lot.situations[car].departure_at, lot.keys[car])):
        for slot in range(lot.count):
            timeline.pour(car, slot, WHATEVER_KWH)


def _loose_nodes(lot: Lot) -> set[int]:
    """Return the nodes under which all cars can draw their most at any time."""
    most = [0.0] * len(lot.nodes)
    for car, who in enumerate(lot.cars):
        for node in who.path:
            most[node] += lot.situations[car].max_power_w
    return {node for node, power in enumerate(most) if power <= min(lot.caps_w[node])}
