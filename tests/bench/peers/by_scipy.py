"""scipy's linprog (HiGHS within), with arrays and sparse rows."""

import sys
import time
from collections.abc import Mapping
from typing import Any

from served import serve

began = time.perf_counter()
import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array

IMPORT_S = time.perf_counter() - began


def one_session(instance: Mapping[str, Any]) -> list[float]:
    count, levels = len(instance["prices"]), instance.get("milestones", ())
    upper = [[-1.0] * slots + [0.0] * (count - slots) for slots, _ in levels] or None
    found = linprog(
        instance["prices"],
        A_ub=upper,
        b_ub=[-level for _, level in levels] if upper else None,
        A_eq=np.ones((1, count)),
        b_eq=[instance["need"]],
        bounds=np.column_stack([np.zeros(count), instance["room"]]),
        method="highs",
    )
    return list(_solution(found).tolist())


def storage(instance: Mapping[str, Any]) -> list[float]:
    """Charged and discharged energy; the stock is their running sum."""
    prices = np.asarray(instance["prices"])
    count = len(prices)
    sums = np.tril(np.ones((count, count)))
    stock = np.hstack([instance["charge_efficiency"] * sums, -sums / instance["discharge_efficiency"]])
    least = np.full(count, instance["least_kwh"] - instance["start_kwh"])
    least[-1] = max(least[-1], instance["end_kwh"] - instance["start_kwh"])
    most = np.full(count, instance["most_kwh"] - instance["start_kwh"])
    found = linprog(
        np.concatenate([prices, instance["wear_eur_per_kwh"] - prices]),
        A_ub=np.vstack([stock, -stock]),
        b_ub=np.concatenate([most, -least]),
        bounds=np.column_stack([np.zeros(2 * count), np.concatenate([instance["charge"], instance["discharge"]])]),
        method="highs",
    )
    solution = _solution(found)
    return list((solution[:count] - solution[count:]).tolist())


def group(instance: Mapping[str, Any]) -> list[list[float]]:
    rooms = np.asarray(instance["rooms"])
    sessions, slots = np.nonzero(rooms)
    columns, ones = np.arange(len(slots)), np.ones(len(slots))
    found = linprog(
        np.asarray(instance["prices"])[slots],
        A_ub=coo_array((ones, (slots, columns)), shape=(rooms.shape[1], len(slots))),
        b_ub=instance["caps"],
        A_eq=coo_array((ones, (sessions, columns)), shape=(rooms.shape[0], len(slots))),
        b_eq=instance["needs"],
        bounds=np.column_stack([np.zeros(len(slots)), rooms[sessions, slots]]),
        method="highs",
    )
    drawn = np.zeros(rooms.shape)
    drawn[sessions, slots] = _solution(found)
    return list(drawn.tolist())


def _solution(found: Any) -> Any:
    if found.status != 0:
        raise RuntimeError(found.message)
    return found.x


if __name__ == "__main__":
    sys.exit(serve(IMPORT_S, {"plain": one_session, "milestones": one_session, "V2G": storage, "group": group}))
