"""Past visits as the deployed planner would have them: those of the same user, and examples of others'. Pure.

A user stands for the charger at home: records tell whose a session was, seldom at which of a garage's chargers.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from local.replay.stay import Stay
from offpeak.habits.model import NEWEST, Visit, is_before_work
from offpeak.prices.model import MARKET_TIME

EXAMPLES = 64
"""Others' visits that are looked at, the newest that began at such an hour on such a kind of day."""


@dataclass(frozen=True, slots=True)
class Past:
    """Visits that were over when a stay began, each by plug-out."""

    own: tuple[Visit, ...]
    others: tuple[Visit, ...]


NOTHING_ELSE: Mapping[str, Visit] = {}


class Diary:
    """All recorded stays as visits. Nothing is told of a visit before it is over."""

    def __init__(self, stays: Iterable[Stay]) -> None:
        self._own: dict[str, list[tuple[str, Visit]]] = {}
        self._alike: dict[tuple[bool, int], list[tuple[str, Visit]]] = {}
        for stay in sorted(stays, key=lambda each: (each.leaves_at, each.session_id)):
            visit = Visit(stay.arrives_at, stay.leaves_at, stay.kwh)
            self._own.setdefault(stay.user, []).append((stay.session_id, visit))
            self._alike.setdefault(_kind(stay.arrives_at), []).append((stay.user, visit))

    def past(self, stay: Stay, went: Mapping[str, Visit] = NOTHING_ELSE) -> Past:
        """Return what is known when a stay begins. `went` holds visits by session as they went in the replay, where
        they went through it; the others are as recorded."""
        own = [went.get(session_id, visit) for session_id, visit in _over(self._own.get(stay.user, []), stay)]
        alike = _over(self._alike.get(_kind(stay.arrives_at), []), stay)
        others = [visit for user, visit in alike if user != stay.user]
        return Past(tuple(own[-NEWEST:]), tuple(others[-EXAMPLES:]))


def _over(visits: Sequence[tuple[str, Visit]], stay: Stay) -> Sequence[tuple[str, Visit]]:
    return visits[: bisect_right(visits, stay.arrives_at, key=lambda each: each[1].left_at)]


def _kind(at: datetime) -> tuple[bool, int]:
    local = at.astimezone(MARKET_TIME)
    return is_before_work(local), local.hour
