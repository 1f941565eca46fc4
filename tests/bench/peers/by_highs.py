"""HiGHS through highspy, with the arrays that it takes fastest: no modelling layer, a new solver for each instance.

V2G is a linear program with the stock as a variable; minimum power a mixed-integer one with a binary for each slot.
Taper is the flow of one unit through a graph of (slots passed, slots charged), a linear program with whole solutions,
which is the fastest formulation known to us; "taper, MILP" is the one that a modeller would write down first.
"""

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from served import serve

began = time.perf_counter()
import highspy
import numpy as np

IMPORT_S = time.perf_counter() - began
INF = highspy.kHighsInf


class Program:
    """A program as columns and rows of numbers."""

    def __init__(self, costs: Any, lower: Any, upper: Any) -> None:
        self.costs, self.lower, self.upper = (np.asarray(each, dtype=float) for each in (costs, lower, upper))
        self.rows: list[tuple[Any, Any, Any, Any, Any]] = []
        self.binary: Sequence[int] = ()

    def add_rows(self, lower: Any, upper: Any, starts: Any, index: Any, value: Any) -> None:
        """Rows one after the other; `starts` are where each begins in `index` and `value`."""
        self.rows.append(tuple(np.asarray(each) for each in (lower, upper, starts, index, value)))

    def solve(self) -> Any:
        program = highspy.HighsLp()
        program.num_col_ = len(self.costs)
        program.col_cost_, program.col_lower_, program.col_upper_ = self.costs, self.lower, self.upper
        sizes = np.cumsum([0, *(len(each[3]) for each in self.rows)])
        program.num_row_ = sum(len(each[0]) for each in self.rows)
        program.row_lower_ = np.concatenate([each[0] for each in self.rows]).astype(float)
        program.row_upper_ = np.concatenate([each[1] for each in self.rows]).astype(float)
        program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        starts = [each[2] + size for each, size in zip(self.rows, sizes[:-1], strict=True)]
        program.a_matrix_.start_ = np.concatenate([*starts, [sizes[-1]]]).astype(np.int32)
        program.a_matrix_.index_ = np.concatenate([each[3] for each in self.rows]).astype(np.int32)
        program.a_matrix_.value_ = np.concatenate([each[4] for each in self.rows]).astype(float)
        if len(self.binary):
            kinds = [highspy.HighsVarType.kContinuous] * len(self.costs)
            for column in self.binary:
                kinds[column] = highspy.HighsVarType.kInteger
            program.integrality_ = kinds
        solver = highspy.Highs()
        solver.silent()
        if len(self.binary):
            solver.setOptionValue("mip_rel_gap", 0.0)
            solver.setOptionValue("mip_abs_gap", 0.0)
        solver.passModel(program)
        solver.run()
        if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            raise RuntimeError(str(solver.getModelStatus()))
        return np.asarray(solver.getSolution().col_value)


def one_session(instance: Mapping[str, Any]) -> list[float]:
    count, levels = (
        len(instance["prices"]),
        [*instance.get("milestones", ()), (len(instance["prices"]), instance["need"])],
    )
    program = Program(instance["prices"], np.zeros(count), instance["room"])
    sizes = [slots for slots, _ in levels]
    program.add_rows(
        [level for _, level in levels],
        [INF] * (len(levels) - 1) + [instance["need"]],
        np.cumsum([0, *sizes[:-1]]),
        np.concatenate([np.arange(slots) for slots in sizes]),
        np.ones(sum(sizes)),
    )
    return list(program.solve().tolist())


def minimum_power(instance: Mapping[str, Any]) -> list[float]:
    """Energy x and on/off y for each slot: least y <= x <= most y."""
    count = len(instance["prices"])
    program = Program([*instance["prices"], *[0.0] * count], np.zeros(2 * count), [*instance["room"], *[1.0] * count])
    program.add_rows([instance["need"]], [instance["need"]], [0], np.arange(count), np.ones(count))
    pairs = np.column_stack([np.arange(count), np.arange(count) + count]).ravel()
    for bound, lower, upper in ((instance["least"], 0.0, INF), (instance["room"], -INF, 0.0)):
        values = np.column_stack([np.ones(count), -np.asarray(bound)]).ravel()
        program.add_rows([lower] * count, [upper] * count, np.arange(count) * 2, pairs, values)
    program.binary = range(count, 2 * count)
    return list(program.solve()[:count].tolist())


def storage(instance: Mapping[str, Any]) -> list[float]:
    """Charged c, discharged d, stock s: s[t] = s[t-1] + eta_c c[t] - d[t] / eta_d."""
    prices = np.asarray(instance["prices"])
    count = len(prices)
    least = np.full(count, instance["least_kwh"])
    least[-1] = max(least[-1], instance["end_kwh"])
    program = Program(
        np.concatenate([prices, instance["wear_eur_per_kwh"] - prices, np.zeros(count)]),
        np.concatenate([np.zeros(2 * count), least]),
        np.concatenate([instance["charge"], instance["discharge"], np.full(count, instance["most_kwh"])]),
    )
    slots = np.arange(count)
    eta_c, eta_d = instance["charge_efficiency"], instance["discharge_efficiency"]
    index = np.column_stack([slots, slots + count, slots + 2 * count, slots + 2 * count - 1]).ravel()
    value = np.tile([-eta_c, 1 / eta_d, 1.0, -1.0], count)
    keep = np.ones(4 * count, dtype=bool)
    keep[3] = False  # nothing is before the first slot
    starts = np.concatenate([[0], np.arange(1, count) * 4 - 1])
    before = np.zeros(count)
    before[0] = instance["start_kwh"]
    program.add_rows(before, before, starts, index[keep], value[keep])
    solution = program.solve()
    return list((solution[:count] - solution[count : 2 * count]).tolist())


def taper(instance: Mapping[str, Any]) -> list[float]:
    """One unit flows from (0, 0) to (slots, all energies); a step that charges in slot t as the k-th costs c_t e_k."""
    prices, energies = np.asarray(instance["prices"]), np.asarray(instance["energies"])
    count, levels = len(prices), len(energies)
    t, k = (each.ravel() for each in np.meshgrid(np.arange(count), np.arange(levels + 1), indexing="ij"))
    charges = k < levels
    tails = np.concatenate([t * (levels + 1) + k, (t * (levels + 1) + k)[charges]])
    heads = np.concatenate([(t + 1) * (levels + 1) + k, ((t + 1) * (levels + 1) + k + 1)[charges]])
    costs = np.concatenate([np.zeros(len(t)), prices[t[charges]] * energies[k[charges]]])
    nodes = (count + 1) * (levels + 1)
    program = Program(costs, np.zeros(len(costs)), np.ones(len(costs)))
    arcs = np.arange(len(costs))
    ends = np.concatenate([tails, heads])
    order = np.argsort(ends, kind="stable")
    value = np.concatenate([np.ones(len(costs)), -np.ones(len(costs))])[order]
    index = np.concatenate([arcs, arcs])[order]
    starts = np.searchsorted(ends[order], np.arange(nodes))
    supply = np.zeros(nodes)
    supply[0], supply[-1] = 1.0, -1.0
    program.add_rows(supply, supply, starts, index, value)
    flow = program.solve()[len(t) :]
    drawn = np.zeros(count)
    np.add.at(drawn, t[charges], flow * energies[k[charges]])
    return list(drawn.tolist())


def taper_by_binaries(instance: Mapping[str, Any]) -> list[float]:
    """z[t, k] says that slot t is the k-th to charge: each k once, each t at most once, and in order."""
    prices, energies = np.asarray(instance["prices"]), np.asarray(instance["energies"])
    count, levels = len(prices), len(energies)
    program = Program(np.outer(prices, energies).ravel(), np.zeros(count * levels), np.ones(count * levels))
    cells = np.arange(count * levels).reshape(count, levels)
    once = np.ones(count * levels)
    program.add_rows([1.0] * levels, [1.0] * levels, np.arange(levels) * count, cells.T.ravel(), once)
    program.add_rows([-INF] * count, [1.0] * count, np.arange(count) * levels, cells.ravel(), once)
    for level in range(1, levels):
        index, value, starts = [], [], []
        for t in range(count):
            starts.append(len(index))
            index += [*cells[: t + 1, level], *cells[:t, level - 1]]
            value += [1.0] * (t + 1) + [-1.0] * t
        program.add_rows([-INF] * count, [0.0] * count, starts, index, value)
    program.binary = range(count * levels)
    return list((program.solve().reshape(count, levels) @ energies).tolist())


def group(instance: Mapping[str, Any]) -> list[list[float]]:
    """A column for each session and slot that it may charge in; a row for each session and for each cap."""
    rooms = np.asarray(instance["rooms"])
    sessions, slots = np.nonzero(rooms)
    count, size = rooms.shape
    program = Program(np.asarray(instance["prices"])[slots], np.zeros(len(slots)), rooms[sessions, slots])
    columns = np.arange(len(slots))
    program.add_rows(
        instance["needs"], instance["needs"], np.searchsorted(sessions, np.arange(count)), columns, np.ones(len(slots))
    )
    order = np.argsort(slots, kind="stable")
    by_slot = np.searchsorted(slots[order], np.arange(size))
    program.add_rows([-INF] * size, instance["caps"], by_slot, columns[order], np.ones(len(slots)))
    drawn = np.zeros(rooms.shape)
    drawn[sessions, slots] = program.solve()
    return list(drawn.tolist())


if __name__ == "__main__":
    sys.exit(
        serve(
            IMPORT_S,
            {
                "plain": one_session,
                "milestones": one_session,
                "minimum power": minimum_power,
                "V2G": storage,
                "taper": taper,
                "taper, MILP": taper_by_binaries,
                "group": group,
            },
        )
    )
