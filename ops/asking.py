"""Puts a command to one of the stage's operator functions, and takes its refusals for what they are."""

from __future__ import annotations

from typing import Any

from ops.deployed import Deployed


class Refused(Exception):
    """Offpeak refused the command; the text names the setting."""


def ask(offpeak: Deployed, function: str, **command: object) -> Any:
    """Return the function's answer. Raises Refused, FunctionFailed."""
    answer = offpeak.call(function, command)
    if "error" in answer:
        raise Refused(": ".join(answer[part] for part in ("field", "error") if answer.get(part)))
    return answer
