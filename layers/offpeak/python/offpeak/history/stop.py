"""What a partner's list may hold and we do not take back.

A list knows nothing of what has ended here. Each rule says of one listed session why it must stay out, or None; a pull
is given the rules that hold, and asks them before a session is merged.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from offpeak.sessions.model import SessionMessage
from offpeak.sessions.store import KEPT_FOR

StopRule = Callable[[SessionMessage], str | None]


def outlived(message: SessionMessage, now: datetime) -> str | None:
    """Keep out what is older than we keep sessions: taken back, it would be kept as long again."""
    return f"is older than {KEPT_FOR.days} days" if message.last_updated < now - KEPT_FOR else None
