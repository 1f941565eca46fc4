"""The gaps of ministack 1.5.33 that stand in our way, mended from outside when its server starts.

Each mend says what AWS does, what ministack does, and why we need it; tests/local/test_gaps.py runs each against the
server without mends and fails as soon as that behaves properly: then the mend goes.
"""

from __future__ import annotations

from ministack.core import lambda_runtime


def mend() -> None:
    """Apply every mend to the ministack that this process has imported."""
    _answer_before_the_log()


def _answer_before_the_log() -> None:
    """A handler that logs nothing costs 50 ms more than one that logs: the worker waits that long for a first line.

    The lines of an invocation are there about when its answer is; what comes later goes with the next invocation.
    """
    original = lambda_runtime.Worker._drain_stderr_bounded

    def drain(worker: lambda_runtime.Worker) -> str:
        return str(original(worker, first_line_wait=0.002, idle_confirm=0.001))

    lambda_runtime.Worker._drain_stderr_bounded = drain
