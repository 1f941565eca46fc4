"""Everybody solves the same instances in turns; what each took, and whether all pay the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.bench.peers.asked import Asked
from tests.bench.peers.checked import broken_by, cost_of
from tests.bench.peers.instances import Instance
from tests.bench.report import median

OURS = "Offpeak"


@dataclass(slots=True)
class Outcome:
    """For each peer the median of its repetitions on each instance, seconds; and how far apart they are at most.

    `apart` is relative to the larger of 1 EUR and the cost, `broken_kwh` by how much anybody breaks a limit.
    """

    took: dict[str, list[float]] = field(default_factory=dict)
    apart: float = 0.0
    broken_kwh: float = 0.0

    def median_of(self, name: str) -> float:
        return median(self.took[name])


def compete(
    kind: str, instances: Sequence[Instance], peers: Mapping[str, tuple[Asked, str]], repeats: Mapping[str, int]
) -> Outcome:
    """Ask every peer for every instance; `peers` are by name, each with the kind that it calls this one.

    Who begins changes from instance to instance. The first repetition warms up and is left out where there are more.
    """
    outcome = Outcome({name: [] for name in peers})
    names = list(peers)
    for number, instance in enumerate(instances):
        costs = {}
        for name in names[number % len(names) :] + names[: number % len(names)]:
            asked, called = peers[name]
            answer = asked.solve(called, instance, repeats.get(name, 1))
            outcome.took[name].append(median(answer.seconds[1:] or answer.seconds))
            costs[name] = cost_of(kind, instance, answer.drawn)
            outcome.broken_kwh = max(outcome.broken_kwh, broken_by(kind, instance, answer.drawn))
        spread = max(costs.values()) - min(costs.values())
        outcome.apart = max(outcome.apart, spread / max(1.0, abs(costs[names[0]])))
    return outcome
