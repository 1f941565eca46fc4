"""Offpeak's own solvers, in a process that has nothing of the project on its path but the planning package's."""

import os
import sys
import time
from collections.abc import Mapping
from itertools import accumulate
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[2] / "layers" / "offpeak" / "python")]

from served import serve

if "WITHOUT_NUMPY" in os.environ:
    sys.modules["numpy"] = None  # type: ignore[assignment]

began = time.perf_counter()
from offpeak.planning.cheapest import cheapest
from offpeak.planning.floor import at_least
from offpeak.planning.flow import share
from offpeak.planning.storage import Battery, store
from offpeak.planning.taper import tapered

IMPORT_S = time.perf_counter() - began
QUARTER_S = 900


def one_session(instance: Mapping[str, Any]) -> list[float]:
    return cheapest(instance["prices"], instance["room"], instance["need"], milestones=instance.get("milestones", ()))


def minimum_power(instance: Mapping[str, Any]) -> list[float]:
    return at_least(instance["prices"], instance["least"], instance["room"], instance["need"])


def taper(instance: Mapping[str, Any]) -> list[float]:
    energies, count = instance["energies"], len(instance["prices"])
    held = [0.0, *accumulate(energies)]
    charged_s = tapered(
        instance["prices"], [QUARTER_S] * count, len(energies) * QUARTER_S, lambda seconds: held[seconds // QUARTER_S]
    )
    drawn, following = [0.0] * count, iter(energies)
    for t, seconds in enumerate(charged_s):
        if seconds:
            drawn[t] = next(following)
    return drawn


def storage(instance: Mapping[str, Any]) -> list[float]:
    battery = Battery(
        instance["start_kwh"],
        instance["least_kwh"],
        instance["most_kwh"],
        instance["charge_efficiency"],
        instance["discharge_efficiency"],
        instance["wear_eur_per_kwh"],
    )
    return store(instance["prices"], instance["charge"], instance["discharge"], battery, instance["end_kwh"])


def group(instance: Mapping[str, Any]) -> list[list[float]]:
    return share(instance["prices"], instance["rooms"], instance["needs"], instance["caps"])


if __name__ == "__main__":
    ways = {
        "plain": one_session,
        "milestones": one_session,
        "minimum power": minimum_power,
        "V2G": storage,
        "taper": taper,
        "group": group,
    }
    sys.exit(serve(IMPORT_S, ways))
