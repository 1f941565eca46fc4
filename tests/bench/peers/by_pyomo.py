"""Pyomo, a modelling layer, with HiGHS behind it: the program as its documentation would have it written."""

import sys
import time
from collections.abc import Mapping
from typing import Any

from served import serve

began = time.perf_counter()
from pyomo.environ import ConcreteModel, Constraint, NonNegativeReals, Objective, RangeSet, SolverFactory, Var

IMPORT_S = time.perf_counter() - began


def one_session(instance: Mapping[str, Any]) -> list[float]:
    prices, room = instance["prices"], instance["room"]
    levels = [*instance.get("milestones", ()), (len(prices), instance["need"])]
    model = ConcreteModel()
    model.t = RangeSet(0, len(prices) - 1)
    model.drawn = Var(model.t, domain=NonNegativeReals, bounds=lambda _, t: (0.0, room[t]))
    model.k = RangeSet(0, len(levels) - 1)
    model.levels = Constraint(model.k, rule=lambda m, k: sum(m.drawn[t] for t in range(levels[k][0])) >= levels[k][1])
    model.most = Constraint(expr=sum(model.drawn[t] for t in model.t) <= instance["need"])
    model.cost = Objective(expr=sum(prices[t] * model.drawn[t] for t in model.t))
    SolverFactory("appsi_highs").solve(model)
    return [float(model.drawn[t].value) for t in model.t]


if __name__ == "__main__":
    sys.exit(serve(IMPORT_S, {"plain": one_session, "milestones": one_session}))
