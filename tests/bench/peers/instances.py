"""Instances of every kind of problem, made with a seed from recorded prices: plain numbers that JSON can carry.

Energies are whole Wh, given in kWh, and prices whole 0.00001 EUR/kWh, so that a solver that counts in whole units loses
nothing. Every instance can be met: a solver that stops at "infeasible" would have nothing to compare.
"""

from __future__ import annotations

from itertools import pairwise
from math import ceil
from random import Random
from typing import Any

from offpeak.planning.taper import Curve
from tests.bench.sessions import recorded_prices

Instance = dict[str, Any]

SLOTS = 96
"""Quarter-hours: a day."""
CAR_KWH = 2.76
"""What a slot holds at 11.04 kW."""
LEAST_KWH = 1.035
"""What a slot holds at 4.14 kW: 6 A in three phases."""
GROUP_KWH = (0.92, 1.84, 2.76, 5.52)
"""What a slot holds at 16 and 32 A in one phase and in three."""


def made_up(kind: str, count: int, size: int = 1) -> list[Instance]:
    """Return instances of a kind, the same ones whenever they are asked for; `size` is the sessions of a group."""
    random = Random(f"{kind} {size}")
    return [MAKERS[kind](random, size) for _ in range(count)]


def _plain(random: Random, _: int) -> Instance:
    return {"prices": _prices(random), "room": [CAR_KWH] * SLOTS, "need": _wh(random.uniform(5, 60))}


def _milestones(random: Random, size: int) -> Instance:
    plain = _plain(random, size)
    levels = [(SLOTS // 6, _wh(0.2 * plain["need"])), (SLOTS * 4 // 5, _wh(0.7 * plain["need"]))]
    return {**plain, "milestones": levels}


def _minimum_power(random: Random, size: int) -> Instance:
    """Power changes at the edges of slots only, and is nothing or at least 6 A; on days without negative prices."""
    plain = _plain(random, size)
    while min(plain["prices"]) < 0:
        plain = _plain(random, size)
    return {**plain, "least": [LEAST_KWH] * SLOTS}


def _taper(random: Random, _: int) -> Instance:
    """A car that takes less and less: the k-th slot of charging holds `energies[k]`, whichever slot that is."""
    curve = Curve(4 * CAR_KWH, random.uniform(5, 30), random.uniform(36, 45), 1.4)
    slots = random.randint(12, int(curve.seconds_for(0.98 * curve.full) / 900))
    held = [curve.drawn_after(900 * slot) for slot in range(slots + 1)]
    return {"prices": _prices(random), "energies": [_wh(after - before) for before, after in pairwise(held)]}


def _storage(random: Random, _: int) -> Instance:
    """A car of 60 kWh that may give as much as it takes, from anywhere to 80 %; nothing is given below a price of 0.

    Below it, doing both at once would pay where energy is lost, and a linear program does so.
    """
    prices = _prices(random)
    return {
        "prices": prices,
        "charge": [CAR_KWH] * SLOTS,
        "discharge": [CAR_KWH if price >= 0 else 0.0 for price in prices],
        "charge_efficiency": 0.95,
        "discharge_efficiency": 0.95,
        "least_kwh": 6.0,
        "most_kwh": 60.0,
        "start_kwh": _wh(random.uniform(6, 40)),
        "end_kwh": 48.0,
        "wear_eur_per_kwh": 0.02,
    }


def _group(random: Random, size: int) -> Instance:
    """Cars that come in the afternoon and leave in the morning, under half the peak that they would have uncontrolled.

    A base load takes up to a fifth of the cap. Where charging evenly over each car's stay takes more, the cap is that.
    """
    rooms, needs = [], []
    uncontrolled, even = [0.0] * SLOTS, [0.0] * SLOTS
    for _ in range(size):
        holds = random.choice(GROUP_KWH)
        first, last = random.randrange(8, 44), random.randrange(68, SLOTS)
        need = _wh(min(random.uniform(5, 60), 0.8 * holds * (last - first)))
        rooms.append([holds if first <= t < last else 0.0 for t in range(SLOTS)])
        needs.append(need)
        left = need
        for t in range(first, last):
            uncontrolled[t] += min(holds, left)
            even[t] += need / (last - first)
            left -= min(holds, left)
    cap = max(uncontrolled) / 2
    caps = [_up(max(even[t], cap * random.uniform(0.8, 1.0))) for t in range(SLOTS)]
    return {"prices": _prices(random), "rooms": rooms, "needs": needs, "caps": caps}


def _prices(random: Random) -> list[float]:
    start = random.randrange(len(RECORDED) - SLOTS)
    return RECORDED[start : start + SLOTS]


def _wh(kwh: float) -> float:
    return round(kwh, 3)


def _up(kwh: float) -> float:
    return ceil(kwh * 1000) / 1000


RECORDED = [round(float(price) / 1000, 5) for price in recorded_prices().eur_per_mwh.values()]

MAKERS = {
    "plain": _plain,
    "milestones": _milestones,
    "minimum power": _minimum_power,
    "V2G": _storage,
    "taper": _taper,
    "group": _group,
}
