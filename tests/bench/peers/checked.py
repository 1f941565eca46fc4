"""What an answer costs and how far it is from what was asked: worked out here, whatever a solver says of itself."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from math import inf
from typing import Any

from tests.bench.peers.instances import Instance

NOTHING = 1e-4
"""kWh: less is a solver's tolerance."""


def cost_of(kind: str, instance: Instance, drawn: Sequence[Any]) -> float:
    """Return what the energy costs, EUR."""
    prices = instance["prices"]
    if kind == "group":
        return sum(_priced(prices, each) for each in drawn)
    wear = instance.get("wear_eur_per_kwh", 0.0)
    return _priced(prices, drawn) + wear * sum(max(0.0, -energy) for energy in drawn)


def broken_by(kind: str, instance: Instance, drawn: Sequence[Any]) -> float:
    """Return by how much, in kWh, an answer breaks the limit or misses the level that it is furthest from."""
    if kind == "group":
        used = [sum(column) for column in zip(*drawn, strict=True)]
        each = zip(drawn, instance["rooms"], instance["needs"], strict=True)
        return max(
            *(_beyond(energies, room, [(len(room), need)], need) for energies, room, need in each),
            *(load - cap for load, cap in zip(used, instance["caps"], strict=True)),
        )
    if kind == "V2G":
        return _beyond_battery(instance, drawn)
    if kind == "taper":
        used = [energy for energy in drawn if energy > NOTHING]
        in_order = zip_longest(used, instance["energies"], fillvalue=0.0)
        return max(abs(energy - held) for energy, held in in_order)
    if kind == "minimum power":
        slots = zip(drawn, instance["least"], strict=True)
        weak = max(min(energy, least - energy) for energy, least in slots)
        return max(weak, _beyond(drawn, instance["room"], [(len(drawn), instance["need"])], instance["need"]))
    levels = [*instance.get("milestones", ()), (len(drawn), instance["need"])]
    return _beyond(drawn, instance["room"], levels, instance["need"])


def _priced(prices: Sequence[float], drawn: Sequence[float]) -> float:
    return sum(price * energy for price, energy in zip(prices, drawn, strict=True))


def _beyond(
    drawn: Sequence[float], room: Sequence[float], levels: Sequence[tuple[int, float]], most: float = inf
) -> float:
    return max(
        sum(drawn) - most,
        *(level - sum(drawn[:slots]) for slots, level in levels),
        *(-energy for energy in drawn),
        *(energy - free for energy, free in zip(drawn, room, strict=True)),
    )


def _beyond_battery(instance: Instance, drawn: Sequence[float]) -> float:
    into, out_of = instance["charge_efficiency"], instance["discharge_efficiency"]
    held = [instance["start_kwh"]]
    for energy in drawn:
        held.append(held[-1] + (energy * into if energy > 0 else energy / out_of))
    return max(
        instance["end_kwh"] - held[-1],
        *(instance["least_kwh"] - each for each in held),
        *(each - instance["most_kwh"] for each in held),
        *(energy - most for energy, most in zip(drawn, instance["charge"], strict=True)),
        *(-energy - most for energy, most in zip(drawn, instance["discharge"], strict=True)),
    )
