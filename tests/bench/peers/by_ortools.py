"""OR-tools' min-cost flow (cost scaling), which counts in whole units: Wh, and 0.00001 EUR/kWh.

From the sessions (their needs) to the slots that each may charge in (its room), on to a sink (the caps and the prices).
Instances are made of whole units, so nothing is rounded. Arcs are added as arrays.
"""

import sys
import time
from collections.abc import Mapping
from typing import Any

from served import serve

began = time.perf_counter()
import numpy as np
from ortools.graph.python import min_cost_flow

IMPORT_S = time.perf_counter() - began
WH = 1000
UNITS = 100_000


def group(instance: Mapping[str, Any]) -> list[list[float]]:
    rooms = np.rint(np.asarray(instance["rooms"]) * WH).astype(np.int64)
    needs = np.rint(np.asarray(instance["needs"]) * WH).astype(np.int64)
    caps = np.rint(np.asarray(instance["caps"]) * WH).astype(np.int64)
    prices = np.rint(np.asarray(instance["prices"]) * UNITS).astype(np.int64)
    count, size = rooms.shape
    sessions, slots = np.nonzero(rooms)
    flow = min_cost_flow.SimpleMinCostFlow()
    arcs = flow.add_arcs_with_capacity_and_unit_cost(
        sessions, count + slots, rooms[sessions, slots], np.zeros(len(slots), dtype=np.int64)
    )
    sink = count + size
    flow.add_arcs_with_capacity_and_unit_cost(
        np.arange(count, sink), np.full(size, sink), np.minimum(caps, needs.sum()), prices
    )
    flow.set_nodes_supplies(
        np.arange(sink + 1), np.concatenate([needs, np.zeros(size, dtype=np.int64), [-needs.sum()]])
    )
    status = flow.solve()
    if status != flow.OPTIMAL:
        raise RuntimeError(str(status))
    drawn = np.zeros(rooms.shape)
    drawn[sessions, slots] = flow.flows(arcs) / WH
    return list(drawn.tolist())


def one_session(instance: Mapping[str, Any]) -> list[float]:
    caps = [sum(instance["room"])] * len(instance["prices"])
    [drawn] = group({**instance, "rooms": [instance["room"]], "needs": [instance["need"]], "caps": caps})
    return list(drawn)


if __name__ == "__main__":
    sys.exit(serve(IMPORT_S, {"plain": one_session, "group": group}))
