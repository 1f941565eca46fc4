"""Reading what was logged: our logger writes to the stream it found when it was made, past pytest's captures."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from offpeak.telemetry import logger

Log = Callable[[], list[dict[str, Any]]]


@contextmanager
def captured_log() -> Iterator[Log]:
    """Yield a function that returns what has been logged so far, event by event."""
    handler = logger.registered_handler
    assert isinstance(handler, logging.StreamHandler)
    written = io.StringIO()
    before = handler.setStream(written)
    try:
        yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    finally:
        handler.setStream(before)
