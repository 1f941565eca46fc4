"""What is said in logs."""

from __future__ import annotations

import ast
import logging
from collections.abc import Iterator
from pathlib import Path

from local.background import PROJECT

SAID_BY_ITSELF = {*vars(logging.makeLogRecord({})), "message", "asctime"}
"""What a log record has already; a field of the same name is a KeyError."""


def test_no_log_event_has_a_field_that_log_records_have_already() -> None:
    code = [*(PROJECT / "layers/offpeak").rglob("*.py"), *(PROJECT / "functions").glob("*.py")]
    calls = [(path, call) for path in code for call in _calls_of_the_logger(path)]
    assert len(calls) > 50
    wrong = [
        f"{path.name}:{call.lineno} {keyword.arg}"
        for path, call in calls
        for keyword in call.keywords
        if keyword.arg in SAID_BY_ITSELF - {"exc_info"}
    ]
    assert wrong == []


def _calls_of_the_logger(path: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="logger"))):
                yield node
