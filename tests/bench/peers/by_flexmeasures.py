"""FlexMeasures' `device_scheduler`, with the frames and commitments that its own storage scheduler gives it.

Energy is the stock of a device without losses that starts at 0; its flow is in kWh a slot, a price is per kWh of it.
`FLEXMEASURES_LP_SOLVER` in the environment is `highspy`, the default, or `appsi_highs`, which goes through Pyomo.
"""

import os
import sys
import time
from collections.abc import Mapping
from typing import Any

from served import serve

began = time.perf_counter()
import flask
import numpy as np
import pandas as pd
from flexmeasures.data.models.planning import FlowCommitment
from flexmeasures.data.models.planning.linear_optimization import device_scheduler
from flexmeasures.data.models.planning.utils import initialize_df

IMPORT_S = time.perf_counter() - began

COLUMNS = [
    "equals",
    "max",
    "min",
    "efficiency",
    "derivative equals",
    "derivative max",
    "derivative min",
    "derivative down efficiency",
    "derivative up efficiency",
    "stock delta",
]
START = pd.Timestamp("2026-01-15T18:00:00Z")
QUARTER = pd.Timedelta(minutes=15)


def frame(count: int) -> pd.DataFrame:
    return initialize_df(COLUMNS, START, START + count * QUARTER, QUARTER)


def device(room: list[float], levels: list[tuple[int, float]], need: float) -> pd.DataFrame:
    """A car: at most `room` in each slot, `levels` by the end of so many slots, `need` at the end and never more."""
    constraints = frame(len(room))
    constraints["derivative max"] = np.array(room)
    constraints["derivative min"] = 0.0
    constraints["min"] = 0.0
    constraints["max"] = need
    for slots, level in levels:
        constraints.loc[constraints.index[slots - 1], "min"] = level
    constraints.loc[constraints.index[-1], "equals"] = need
    return constraints


def energy_commitment(index: pd.DatetimeIndex, prices: list[float], devices: int) -> FlowCommitment:
    """Every kWh above or below 0 costs its slot's price."""
    series = pd.Series(prices, index=index)
    named = pd.Series([list(range(devices))] * len(index), index=index) if devices > 1 else pd.Series(0, index=index)
    return FlowCommitment(
        name="energy",
        quantity=0,
        upwards_deviation_price=series,
        downwards_deviation_price=series,
        index=index,
        device=named,
        device_group=pd.Series(["site"] * devices, index=range(devices)) if devices > 1 else None,
    )


def scheduled(
    devices: list[pd.DataFrame], prices: list[float], caps: list[float] | None = None, **more: Any
) -> list[list[float]]:
    site = frame(len(prices))
    if caps is not None:
        site["derivative max"] = np.array(caps)
        site["derivative min"] = 0.0
    commitments = [energy_commitment(site.index, prices, len(devices)), *more.pop("commitments", ())]
    power, _, results, _ = device_scheduler(devices, site, commitments=commitments, **more)
    if results.solver.termination_condition != "optimal":
        raise RuntimeError(str(results.solver.termination_condition))
    return [series.to_numpy().tolist() for series in power]


def one_session(instance: Mapping[str, Any]) -> list[float]:
    levels = instance.get("milestones", [])
    [drawn] = scheduled([device(instance["room"], levels, instance["need"])], instance["prices"])
    return drawn


def minimum_power(instance: Mapping[str, Any]) -> list[float]:
    """Bands of power, one of which the device is in at any time: off, or from the least to the most."""
    least, most = max(instance["least"]), max(instance["room"])
    [drawn] = scheduled(
        [device(instance["room"], [], instance["need"])],
        instance["prices"],
        device_power_bands=[[(0.0, 0.0), (least, most)]],
    )
    return drawn


def storage(instance: Mapping[str, Any]) -> list[float]:
    """A battery that discharges too; wear is a second commitment, a price on flow below 0."""
    constraints = frame(len(instance["prices"]))
    constraints["derivative max"] = np.array(instance["charge"])
    constraints["derivative min"] = -np.array(instance["discharge"])
    constraints["derivative up efficiency"] = instance["charge_efficiency"]
    constraints["derivative down efficiency"] = instance["discharge_efficiency"]
    constraints["min"] = instance["least_kwh"] - instance["start_kwh"]
    constraints["max"] = instance["most_kwh"] - instance["start_kwh"]
    constraints.loc[constraints.index[-1], "min"] = (
        max(instance["end_kwh"], instance["least_kwh"]) - instance["start_kwh"]
    )
    wear = FlowCommitment(
        name="wear",
        quantity=0,
        upwards_deviation_price=0,
        downwards_deviation_price=-instance["wear_eur_per_kwh"],
        index=constraints.index,
        device=pd.Series(0, index=constraints.index),
    )
    [drawn] = scheduled([constraints], instance["prices"], commitments=[wear], initial_stock=0.0)
    return drawn


def group(instance: Mapping[str, Any]) -> list[list[float]]:
    devices = [device(room, [], need) for room, need in zip(instance["rooms"], instance["needs"], strict=True)]
    return scheduled(devices, instance["prices"], instance["caps"])


def main() -> None:
    app = flask.Flask("bench")
    solver = os.environ.get("FLEXMEASURES_LP_SOLVER", "highspy")
    app.config.update(FLEXMEASURES_LP_SOLVER=solver, FLEXMEASURES_LP_SOLVER_OPTIONS={}, LOGGING_LEVEL="INFO")
    with app.app_context():
        serve(
            IMPORT_S,
            {
                "plain": one_session,
                "milestones": one_session,
                "minimum power": minimum_power,
                "V2G": storage,
                "group": group,
            },
        )


if __name__ == "__main__":
    sys.exit(main())
