"""What a message about a session says of its sender's system: counters for the figures of the day. Pure."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from offpeak.ocpi.sessions import Dimension
from offpeak.partners.figures import timing
from offpeak.sessions.energy import delivered
from offpeak.sessions.merge import MergedSession
from offpeak.sessions.model import MessageKind, Session, SessionMessage, SessionStatus

UPDATE_WITHIN = timedelta(minutes=5, seconds=30)
"""The trade asks for an update of a running session every five minutes; clocks and networks take a tenth more."""
TOLD_WITHIN = timedelta(minutes=1)
CLOCKS_DIFFER_BY = timedelta(seconds=5)

POWER = frozenset(
    {Dimension.POWER, Dimension.MIN_POWER, Dimension.MAX_POWER, Dimension.ENERGY, Dimension.ENERGY_IMPORT}
)
"""Dimensions that tell what a car draws."""


def figures_of(
    message: SessionMessage, before: MergedSession | None, session: Session | None, *, is_news: bool, now: datetime
) -> Counter[str]:
    """Return the counters of one pushed message.

    `before` is what was known of the session, `session` what is known now, None while its PUT is missing; `is_news`
    says whether the message told anything new. `now` is the time that sessions live in.
    """
    counts = Counter({"messages": 1, "puts" if message.kind is MessageKind.PUT else "patches": 1})
    counts.update({f"filled.{name}": 1 for name in message.filled})
    counts.update({f"renamed.{name}": 1 for name in message.renamed})
    counts.update(timing("delay", now - message.last_updated, late_after=TOLD_WITHIN))
    if message.last_updated > now + CLOCKS_DIFFER_BY:
        counts["clock_ahead"] += 1
    if session is None:
        counts["before_their_put"] += 1
    elif delivered(session).was_wh:
        counts["in_wh"] += 1
    counts.update(_against(message, before, is_news=is_news))
    counts.update(_dimensions(message))
    return counts


def _against(message: SessionMessage, before: MergedSession | None, *, is_news: bool) -> Counter[str]:
    """What a message is to the one before it."""
    if before is None:
        return Counter()
    if message.last_updated < before.last_updated:
        return Counter({"out_of_order": 1})
    if not is_news:
        return Counter({"repeated": 1})
    status = before.fields.get("status")
    if status is None or status.value != SessionStatus.ACTIVE:
        return Counter()
    return timing("interval", message.last_updated - before.last_updated, late_after=UPDATE_WITHIN)


def _dimensions(message: SessionMessage) -> Counter[str]:
    counts: Counter[str] = Counter()
    for period in message.periods:
        counts["periods"] += 1
        counts.update({f"dimension.{name}": 1 for name in period.dimensions})
        if not POWER & period.dimensions.keys():
            counts["periods_without_power"] += 1
    return counts
