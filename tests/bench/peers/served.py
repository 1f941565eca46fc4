"""Answers instances one after the other in a process of its own, and says how long each took.

Imported by the `by_*` programs, which run in the environments of the solvers that are compared; so this and they import
nothing of the project. A line of JSON comes in, {"kind", "instance", "repeats"}, one goes out, {"seconds", "drawn"}.
What is timed begins with plain lists of numbers and ends with one, whatever a solver makes of them in between.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

Solve = Callable[[Mapping[str, Any]], list[Any]]


def serve(import_s: float, ways: Mapping[str, Solve]) -> None:
    """Tell how long the import took and which kinds can be solved, then answer until the input ends."""
    _tell({"import_s": import_s, "kinds": list(ways)})
    for line in sys.stdin:
        asked = json.loads(line)
        solve, instance = ways[asked["kind"]], asked["instance"]
        seconds, drawn = [], []
        for _ in range(asked["repeats"]):
            began = time.perf_counter()
            drawn = solve(instance)
            seconds.append(time.perf_counter() - began)
        _tell({"seconds": seconds, "drawn": drawn})


def _tell(answer: Mapping[str, object]) -> None:
    ANSWERS.write(json.dumps(answer) + "\n")
    ANSWERS.flush()


ANSWERS = os.fdopen(os.dup(sys.stdout.fileno()), "w")
os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
"""Whatever a solver prints, from C++ too, is kept out of the answers."""
