"""The weighing of hours by chances, held against simulating every chance and against trying every plan, by both of its
ways: in plain Python, and with numpy."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from math import ceil, inf
from random import Random

import numpy as np
import pytest

from offpeak.planning.bulk_odds import BulkOdds, bulk_odds
from offpeak.planning.cheapest import cheapest
from offpeak.planning.outlook import Chance, Chances, Outlook
from offpeak.planning.problem import Problem, pose
from offpeak.planning.weigh import Odds, Step, steps_of
from offpeak.planning.weigh import odds_of as plain_odds_of
from tests.planning.builders import HOUR, NOW, QUARTER, a_situation, after, priced

both_ways = pytest.mark.parametrize("odds_of", [plain_odds_of, bulk_odds], ids=["plain", "numpy"])
WayToWeigh = Callable[[Problem, list[Step], float, Outlook], Odds | BulkOdds]
LEVEL_KWH = 2.5
"""What a car of 10 kW draws in a quarter-hour."""


def a_problem(*prices: float, **changes: object) -> Problem:
    slots = priced(*prices, length=QUARTER)
    return pose(a_situation(**{"slots": slots, "departure_at": NOW + len(prices) * QUARTER, **changes}))


def an_outlook(random: Random, quarters: int, count: int, independence: float = 0.0) -> Outlook:
    """Departures at any minute, some of them past, and needs of up to all that can be drawn, some of them met."""
    chances = Chances(
        Chance(
            NOW + random.uniform(-0.5, quarters + 1) * QUARTER,
            random.uniform(0, quarters + 1) * LEVEL_KWH,
            random.uniform(0.1, 1),
        )
        for _ in range(count)
    )
    return Outlook(chances, random.choice([0.0, 0.5, 5.0]), independence, drawn_kwh=random.choice([0.0, LEVEL_KWH]))


def pairs(outlook: Outlook) -> list[tuple[float, float, float]]:
    """(quarters until departure, kWh, probability) of every way that is still possible: what the outlook means."""
    total = sum(each.weight for each in outlook.chances)
    ways = [
        (
            a.departure_at,
            b.kwh - outlook.drawn_kwh,
            (1 - outlook.independence) * a.weight if a is b else 0.0,
            a.weight * b.weight / total,
        )
        for a, b in product(outlook.chances, repeat=2)
    ]
    possible = [
        ((at - NOW) / QUARTER, kwh, together + outlook.independence * apart)
        for at, kwh, together, apart in ways
        if at > NOW and kwh > 0
    ]
    whole = sum(chance for _, _, chance in possible)
    return [(quarters, kwh, chance / whole) for quarters, kwh, chance in possible]


def simulated_eur(outlook: Outlook, prices: list[float], charges: list[bool]) -> float:
    """What charging in these quarters costs on average, by playing every way, level by level."""
    total = 0.0
    for quarters, kwh, chance in pairs(outlook):
        whole = min(len(prices), int(quarters + 1e-9))
        asked = max(1, min(ceil(0.99 * kwh / LEVEL_KWH - 1e-9), whole))
        last_kwh = min(LEVEL_KWH, kwh - (asked - 1) * LEVEL_KWH)
        levels = [LEVEL_KWH] * (asked - 1) + [last_kwh]
        drawn = 0
        for t in range(whole):
            if charges[t] and drawn < asked:
                total += chance * prices[t] * levels[drawn]
                drawn += 1
        at_once = sum(prices[:asked]) / asked
        total += chance * sum(levels[drawn:]) * at_once
        total += chance * outlook.miss_eur if drawn < asked and whole > 0 else 0.0
    return total


@both_ways
@pytest.mark.parametrize("seed", range(150))
def test_odds_add_up_to_what_every_chance_costs(seed: int, odds_of: WayToWeigh) -> None:
    random = Random(seed)
    prices = [random.uniform(-0.1, 0.5) for _ in range(random.randint(1, 7))]
    outlook = an_outlook(random, len(prices), random.randint(1, 6), random.choice([0.0, 0.7, 1.0]))
    if not pairs(outlook):
        return
    problem = a_problem(*prices)
    steps, level_kwh = steps_of(problem)
    odds = odds_of(problem, steps, level_kwh, outlook)
    never = simulated_eur(outlook, prices, [False] * len(prices))
    charges = [random.random() < 0.6 for _ in prices]
    costs = simulated_eur(outlook, prices, charges) - never
    assert odds.expected_eur(charges, 0.0, is_on=False) == pytest.approx(costs, abs=1e-9)


@pytest.mark.parametrize("seed", range(200))
@pytest.mark.parametrize("kind", [Odds, BulkOdds])
def test_no_other_steps_cost_less(seed: int, kind: type[Odds | BulkOdds]) -> None:
    random = Random(seed)
    count, levels = random.randint(1, 9), random.randint(1, 5)
    costs = [[random.uniform(-1, 0.6) for _ in range(levels)] for _ in range(count)]
    asked = [sorted((random.random() for _ in range(levels)), reverse=True) for _ in range(count)]
    odds: Odds | BulkOdds = Odds(costs, asked) if kind is Odds else BulkOdds(np.array(costs), np.array(asked))
    start_eur, is_on = random.choice([0.0, 0.1, 0.5]), random.random() < 0.5
    at_once = random.choice([0, 0, min(1, levels), min(2, count, levels)])

    def eur(charges: tuple[bool, ...]) -> float:
        if sum(charges) > levels or not all(charges[:at_once]):
            return inf
        return odds.expected_eur(charges, start_eur, is_on=is_on)

    least = min(eur(charges) for charges in product([False, True], repeat=count))
    assert eur(tuple(odds.best_steps(start_eur, is_on=is_on, at_once=at_once))) == pytest.approx(least, abs=1e-9)


@both_ways
@pytest.mark.parametrize("seed", range(50))
def test_a_certain_visit_is_charged_in_its_cheapest_quarters(seed: int, odds_of: WayToWeigh) -> None:
    random = Random(seed)
    prices = [random.uniform(0.05, 0.5) for _ in range(random.randint(2, 40))]
    levels = random.randint(1, len(prices))
    problem = a_problem(*prices)
    steps, level_kwh = steps_of(problem)
    outlook = Outlook(Chances((Chance(NOW + len(prices) * QUARTER, levels * LEVEL_KWH, 1.0),)), miss_eur=100.0)
    charges = odds_of(problem, steps, level_kwh, outlook).best_steps(0.0, is_on=False)
    least = cheapest(problem.prices, problem.room, levels * LEVEL_KWH)
    assert sum(price for price, charge in zip(prices, charges, strict=True) if charge) * LEVEL_KWH == pytest.approx(
        sum(price * kwh for price, kwh in zip(prices, least, strict=True))
    )


def test_an_early_departure_that_is_likely_is_charged_for() -> None:
    prices = [0.30] * 8 + [0.10] * 8
    early, late = Chance(NOW + 8 * QUARTER, 5.0, 0.5), Chance(NOW + 16 * QUARTER, 5.0, 0.5)
    assert first_charge(prices, early, late, miss_eur=5.0) == 0
    assert first_charge(prices, early, late, miss_eur=0.0) == 8


def first_charge(prices: list[float], *chances: Chance, miss_eur: float) -> int:
    problem = a_problem(*prices)
    steps, level_kwh = steps_of(problem)
    odds = plain_odds_of(problem, steps, level_kwh, Outlook(Chances(chances), miss_eur))
    return odds.best_steps(0.0, is_on=False).index(True)


def test_what_is_left_of_a_quarter_goes_with_the_next() -> None:
    problem = pose(a_situation(now=NOW + QUARTER / 3, slots=priced(0.1, 0.2), departure_at=after(2)))
    steps, level_kwh = steps_of(problem)
    assert level_kwh == pytest.approx(LEVEL_KWH)
    assert [step.end_s - step.start_s for step in steps] == [900, 900, 1500, 900, 900, 900, 900]


def test_a_step_takes_longer_where_less_power_is_granted() -> None:
    problem = pose(a_situation(slots=priced(0.1, 0.2, length=QUARTER), departure_at=NOW + 2 * QUARTER, draw_w=None))
    weak = problem.draw_kw[0] / 2
    halved = type(problem)(
        **{name: getattr(problem, name) for name in problem.__slots__}
        | {"draw_kw": [weak, weak * 2], "room": [weak / 4, weak / 2]}
    )
    steps, _ = steps_of(halved)
    assert [(step.start_s, step.end_s) for step in steps] == [(0, 1800)]


@both_ways
def test_of_nobody_no_steps_are_asked(odds_of: WayToWeigh) -> None:
    problem = a_problem(0.2, 0.1)
    steps, level_kwh = steps_of(problem)
    gone = Outlook(Chances((Chance(NOW - HOUR, 5.0, 1.0),)), miss_eur=1.0)
    assert odds_of(problem, steps, level_kwh, gone).best_steps(0.01, is_on=True) == [False, False]
