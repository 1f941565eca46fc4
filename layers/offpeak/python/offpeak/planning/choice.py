"""What is chosen for one session, before it becomes a plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from offpeak.planning.layout import Run, energy_in
from offpeak.planning.problem import Problem


@dataclass(frozen=True, slots=True)
class Choice:
    """The runs in which something flows, `power_w` in each slot of them, and the kWh at the meter of each slot.

    Discharging is below 0. `kwh` is what the battery has more at the end, as if all of it were charged. `is_kept`: the
    runs are what is left of the running plan, untouched.
    """

    runs: list[Run]
    drawn: list[float]
    power_w: list[float]
    kwh: float
    is_kept: bool = False


def at_full_power(problem: Problem, runs: list[Run], drawn: list[float], *, is_kept: bool = False) -> Choice:
    """Return a choice of all the power that is granted in each slot."""
    return Choice(runs, drawn, problem.granted_w, sum(drawn), is_kept)


def ready_s(problem: Problem, choice: Choice) -> int:
    """Return the second from which on the need is met for good, or the end of the last run."""
    is_plain = problem.curve is None and problem.battery is None and choice.power_w is problem.granted_w
    drawn = energy_in(problem, choice.runs) if is_plain else choice.drawn
    into = problem.battery.charging_efficiency * problem.battery.discharging_efficiency if problem.battery else 1.0
    gained = [0.0, *accumulate(each if each > 0 else each / into for each in drawn)]
    need = min(problem.need_kwh, gained[-1])
    if need <= 0:
        return 0
    place = next((t for t in range(len(drawn) - 1, 0, -1) if gained[t] < need - 1e-12), 0)
    start, end = problem.edges_s[place], problem.edges_s[place + 1]
    inside = [(max(start, a), min(end, b)) for a, b in choice.runs if a < end and start < b]
    on_s = sum(b - a for a, b in inside)
    left_s = round(on_s * (need - gained[place]) / drawn[place]) if drawn[place] > 0 else 0
    for a, b in inside:
        if left_s <= b - a:
            return a + left_s
        left_s -= b - a
    return inside[-1][1] if inside else end


def money_for(problem: Problem, drawn: Sequence[float]) -> float:
    """Return what the energy costs, EUR; what the grid would have it cost on top is left out."""
    return sum(price * energy for price, energy in zip(problem.money, drawn, strict=True))
