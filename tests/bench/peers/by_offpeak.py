"""Offpeak's own solvers, in a process that has nothing of the project on its path but the planning package's."""

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[2] / "layers" / "offpeak" / "python")]

from served import serve

began = time.perf_counter()
from offpeak.planning.cheapest import cheapest

IMPORT_S = time.perf_counter() - began


def one_session(instance: Mapping[str, Any]) -> list[float]:
    return cheapest(
        instance["prices"], instance["room"], instance["need"], milestones=instance.get("milestones", ())
    )


if __name__ == "__main__":
    sys.exit(serve(IMPORT_S, {"plain": one_session, "milestones": one_session}))
