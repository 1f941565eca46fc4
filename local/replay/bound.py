"""What could have been delivered under a cap, and at what cost, by somebody who knew everything: a linear program.

The most that can be delivered is a flow from cars through the times when they are there to the cap. HiGHS finds it; it
is installed for tests and measurements, and no part of what is deployed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from local.replay.market import HOUR, Market
from local.replay.stay import Stay

WORTH_EUR = 100.0
"""What a kWh counts for in the program: more than any price, so that as much as possible is delivered."""


@dataclass(frozen=True, slots=True)
class Bound:
    """The most kWh that all cars together can get, and what these cost at least, EUR."""

    kwh: float
    cost_eur: float


def bound_of(stays: Sequence[Stay], cap_w: float, market: Market) -> Bound:
    """Return what perfect information could deliver under the cap.

    Between two changes - of a price, of who is there - nothing tells one second from another, so energy per such time
    is all that counts. The least power of a car is left out: the bound may be a little better than anybody can do.
    """
    import highspy  # heavy, and needed here only
    import numpy as np

    first = min(each.arrives_at for each in stays)
    edges, _ = market.cut(first, max(each.leaves_at for each in stays))
    edges = sorted({*edges, *(at for each in stays for at in (each.arrives_at, each.leaves_at))})
    place_of = {edge: place for place, edge in enumerate(edges)}
    hours = [(end - start) / HOUR for start, end in pairwise(edges)]
    prices = [market.eur_per_kwh[market.place(edge)] for edge in edges[:-1]]
    slots = [range(place_of[each.arrives_at], place_of[each.leaves_at]) for each in stays]

    program = highspy.HighsLp()
    rows = len(stays) + len(hours)
    columns = [(car, slot) for car, there in enumerate(slots) for slot in there]
    program.num_col_, program.num_row_ = len(columns), rows
    program.col_cost_ = np.array([prices[slot] - WORTH_EUR for _, slot in columns])
    program.col_lower_ = np.zeros(len(columns))
    program.col_upper_ = np.array([stays[car].power_w / 1000 * hours[slot] for car, slot in columns])
    program.row_lower_ = np.zeros(rows)
    program.row_upper_ = np.array([*(each.kwh for each in stays), *(cap_w / 1000 * each for each in hours)])
    program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    program.a_matrix_.start_ = np.arange(0, 2 * len(columns) + 1, 2)
    program.a_matrix_.index_ = np.array([row for car, slot in columns for row in (car, len(stays) + slot)])
    program.a_matrix_.value_ = np.ones(2 * len(columns))
    solver: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    solver.silent()
    solver.passModel(program)
    solver.run()
    drawn = np.array(solver.getSolution().col_value)
    kwh = float(drawn.sum())
    return Bound(kwh, float(program.col_cost_ @ drawn) + WORTH_EUR * kwh)
