"""Made-up problems of every kind, each as the arguments of its solver: `starts(Random(1))`.

The same seed gives the same problem, so that tests look at hundreds of them and a bench at ten thousand.
"""

from __future__ import annotations

from random import Random
from typing import Any

from offpeak.planning.starts import Level
from offpeak.planning.storage import Battery
from offpeak.planning.taper import Curve

Problem = dict[str, Any]


def starts(random: Random) -> Problem:
    """Slots of differing power and length, levels between, more than the need where that pays; a start costs."""
    lengths = [random.choice([300, 900, 900]) for _ in range(random.randint(1, 8))]
    return _starts(random, lengths, powers=[[3], [3], [3, 2], [3, 1, 0]], step=1, levels=2)


def minimum_runs(random: Random) -> Problem:
    """Slots of twenty minutes and one power, runs of whole slots; steps of five minutes can tell the amounts."""
    lengths = [1200] * random.randint(1, 7)
    problem = _starts(random, lengths, powers=[[1], [2], [1, 1, 0]], step=600, levels=0)
    return {**problem, "minimum_run_s": random.choice([0, 1200, 2400, 3600])}


def uneven_minimum_runs(random: Random) -> Problem:
    """What `minimum_runs` has, with differing powers, slots cut short at both ends and levels between."""
    lengths = [random.choice([600, 1200]), *[1200] * random.randint(0, 4), random.choice([600, 1200])]
    problem = _starts(random, lengths, powers=[[1], [2], [2, 1], [2, 1, 0]], step=600, levels=2)
    return {**problem, "minimum_run_s": random.choice([1200, 2400])}


def _starts(random: Random, lengths: list[int], powers: list[list[int]], step: int, levels: int) -> Problem:
    units = [0]
    while not any(units):
        power = random.choice(powers)
        units = [length * random.choice(power) for length in lengths]
    need = step * random.randint(1, sum(units) // step)
    most = min(sum(units), need + random.choice([0, 0, step * random.randint(1, 2400 // step)]))
    due: list[Level] = []
    for slots in sorted(random.sample(range(1, len(units) + 1), min(len(units) - 1, random.randint(0, levels)))):
        held = min(need, sum(units[:slots])) // step
        level = max(step * random.randint(0, held), due[-1].units if due else 0)
        if level and slots < len(units):
            due.append(Level(slots, level))
    return {
        "prices": [random.choice([0.2, random.uniform(-0.3, 1.0)]) / 900 for _ in units],
        "units": units,
        "lengths_s": lengths,
        "need": need,
        "most": most,
        "levels": due,
        "start_cost": random.choice([0.0, 0.01, 0.1, 0.5]),
        "is_on": random.random() < 0.5,
    }


def storage(random: Random) -> Problem:
    """A battery that takes and gives, with losses and wear, from anywhere to anywhere: often farther than it can."""
    count = random.randint(1, 24)
    low, high = random.choice([0.0, 5.0]), random.choice([20.0, 40.0])
    take, give = random.choice([2.75, 5.0]), random.choice([1.0, 2.75])
    due = sorted(random.sample(range(1, count + 1), min(count, random.choice([0, 0, 1, 2]))))
    return {
        "prices": [random.choice([0.1, -0.05, random.uniform(-0.2, 0.6)]) for _ in range(count)],
        "takes": [random.choice([take, take, random.uniform(0.0, take), 0.0]) for _ in range(count)],
        "gives": [random.choice([give, give, random.uniform(0.0, give), 0.0]) for _ in range(count)],
        "battery": Battery(
            energy=random.uniform(0.0, high),
            low=low,
            high=high,
            charging_efficiency=random.choice([1.0, 0.9]),
            discharging_efficiency=random.choice([1.0, 0.92]),
            wear=random.choice([0.0, 0.03, 0.1]),
        ),
        "target": random.uniform(low, high),
        "levels": [(slots, random.uniform(0.0, high)) for slots in due],
    }


def floor(random: Random) -> Problem:
    """Quarter-hours of a charger of 11 kW that gives 4.14 kW at least; the first and the last may be cut."""
    hours = [0.25] * random.randint(1, 12)
    if random.random() < 0.5:
        hours[0], hours[-1] = random.uniform(0.02, 0.25), random.uniform(0.02, 0.25)
    return _floor(random, hours, [11.04] * len(hours))


def uneven_floor(random: Random) -> Problem:
    """What `floor` has, under caps and with levels between."""
    hours = [random.uniform(0.02, 0.25), *[0.25] * random.randint(1, 16)]
    problem = _floor(random, hours, [random.choice([11.04, 11.04, 6.0, 4.5, 0.0]) for _ in hours])
    due = sorted(random.randint(1, len(hours)) for _ in range(random.randint(0, 2)))
    levels = sorted(random.uniform(0.0, problem["need"]) for _ in due)
    levels = [min(level, sum(problem["room"][:slots])) for slots, level in zip(due, levels, strict=True)]
    return {**problem, "milestones": list(zip(due, levels, strict=True))}


def paid_floor(random: Random) -> Problem:
    """What `uneven_floor` has, some prices below zero, and a battery with room for more than what is needed."""
    problem = uneven_floor(random)
    prices = [random.choice([each, each, -0.1, random.uniform(-0.3, 0.0)]) for each in problem["prices"]]
    most = problem["need"] + random.choice([0.0, random.uniform(0.0, 12.0)])
    return {**problem, "prices": prices, "most": most}


def _floor(random: Random, hours: list[float], kw: list[float]) -> Problem:
    room = [power * length for power, length in zip(kw, hours, strict=True)]
    return {
        "prices": [random.choice([0.1, random.uniform(0.0, 0.6)]) for _ in hours],
        "least": [4.14 * length if power else 0.0 for power, length in zip(kw, hours, strict=True)],
        "room": room,
        "need": random.uniform(0.0, 1.1 * sum(room)),
    }


def taper(random: Random) -> Problem:
    """A car that takes less near full, or is past that already, and slots cut short at both ends."""
    lengths = [900] * random.randint(1, 9)
    lengths[0], lengths[-1] = random.randint(1, 900), random.randint(1, 900)
    lengths[random.randrange(len(lengths))] *= random.choice([0, 1, 1, 1])
    full = random.uniform(5.0, 30.0)
    curve = Curve(11.04, random.uniform(-10.0, full), full, random.choice([0.5, 2.0, 11.04]))
    whole_s = sum(lengths)
    return {
        "prices": [random.uniform(-0.2, 0.6) for _ in lengths],
        "lengths_s": lengths,
        "seconds": random.randint(0, whole_s),
        "drawn_after": curve.drawn_after,
        "start_cost": random.choice([0.0, 0.02, 0.2]),
        "is_on": random.random() < 0.5,
        "at_once": random.choice([0, 0, 1, 2]),
        "levels": random.choice([[], [(random.randint(1, len(lengths)), random.randint(0, whole_s))]]),
    }
