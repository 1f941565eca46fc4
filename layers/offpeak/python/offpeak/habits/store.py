"""The habits table: what is left of visits that are over, opaque and bounded.

Rows: (CHARGER#partner#evse, VISIT#plug-in#mark) a visit; the newest are read. (OTHERS#partner#kind of day#hour, place)
a visit as an example for chargers that are new: a few dozen places for each hour of the day, the newest visit holds
each. So a partner's visits are spread over 48 keys, and neither they nor what a plan reads grows with the partner.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import blake2s
from zoneinfo import ZoneInfo

from offpeak.aws.tables import Delete, Item, Key, Put, Table
from offpeak.errors import ConcurrentChange
from offpeak.habits.model import NEWEST, Visit, is_before_work
from offpeak.instants import format_instant, parse_instant
from offpeak.memory import Memory

KEPT_FOR = timedelta(days=400)
"""A visit leaves the table so long after it was learnt, in real time."""
PLACES = 64
"""Examples a partner has for an hour of a kind of day."""
REMEMBERED_S = 600.0
MOST = 2000
"""Chargers that a process remembers, some 20 KB each at most."""


@dataclass(frozen=True, slots=True)
class Charger:
    """The EVSE whose visits these are; EVSE ids compare without case."""

    partner_id: str
    evse_uid: str

    @property
    def text(self) -> str:
        return f"{self.partner_id}#{self.evse_uid.casefold()}"

    def user_mark(self, uid: str) -> str:
        """Return a mark by which a charger's users are told apart. It is so short that many tokens share it: it names
        nobody, and says nothing at another charger."""
        return blake2s(f"{self.text}#{uid.casefold()}".encode(), digest_size=2).hexdigest()


@dataclass(frozen=True, slots=True)
class Past:
    """Visits at a charger, by plug-in, and some at others that began at such an hour on such a day."""

    own: tuple[Visit, ...]
    others: tuple[Visit, ...]


class HabitStore:
    """`now_s` tells real epoch seconds."""

    def __init__(self, table: Table, now_s: Callable[[], float] = time.time) -> None:
        self._table = table
        self._own: Memory[str, tuple[Visit, ...]] = Memory(REMEMBERED_S, now_s, MOST)
        self._others: Memory[str, tuple[tuple[str, Visit], ...]] = Memory(REMEMBERED_S, now_s, MOST)

    def past(self, charger: Charger, arrived_at: datetime, time_zone: str) -> Past:
        """Return what is known as of at most REMEMBERED_S ago."""
        hour = _others_key(charger.partner_id, arrived_at, time_zone)
        own = self._own.get(charger.text, lambda: self._visits(charger))
        others = self._others.get(hour, lambda: self._examples(hour))
        return Past(own, tuple(visit for evse, visit in others if evse != charger.text))

    def learn(self, charger: Charger, session_id: str, visit: Visit, time_zone: str, *, at: datetime) -> None:
        """Keep a visit. Learning it again changes nothing, so whoever died after this may do so. `at` is real time."""
        mark = blake2s(session_id.casefold().encode(), digest_size=8).hexdigest()
        hour = _others_key(charger.partner_id, visit.arrived_at, time_zone)
        place = f"{int(mark[:8], 16) % PLACES:02}"
        arrived_at = format_instant(visit.arrived_at)
        said = {
            "arrived_at": arrived_at,
            "left_at": format_instant(visit.left_at),
            "kwh": Decimal(visit.kwh).quantize(Decimal("0.001")),
            "user": visit.user or None,
            "is_cut": visit.is_cut or None,
            "expires_at": int((at + KEPT_FOR).timestamp()),
        }
        key = _visit_key(charger, arrived_at, mark)
        self._table.write(Put({**key, **said, "example": {"pk": hour, "sk": place}}))
        # A user's mark is for his own charger.
        example = {"pk": hour, "sk": place, "evse": charger.text, **said, "user": None}
        try:
            self._table.write(
                Put(
                    example,
                    condition="attribute_not_exists(pk) OR arrived_at <= :arrived_at",
                    values={":arrived_at": arrived_at},
                )
            )
        except ConcurrentChange:
            return  # A newer visit has the place.

    def forget(self, charger: Charger, until: datetime) -> int:
        """Delete the visits of a charger that began before `until`, and what became an example of them; return how many
        there were. Processes that remember them do so for REMEMBERED_S more."""
        count = 0
        for row in self._table.query(
            "pk = :charger AND sk < :until",
            {":charger": f"CHARGER#{charger.text}", ":until": f"VISIT#{format_instant(until)}"},
        ):
            self._forget_example(charger, row["example"], row["arrived_at"])
            self._table.write(Delete({"pk": row["pk"], "sk": row["sk"]}))
            count += 1
        return count

    def _forget_example(self, charger: Charger, key: Key, arrived_at: str) -> None:
        values = {":charger": charger.text, ":arrived_at": arrived_at}
        try:
            self._table.write(Delete(key, "evse = :charger AND arrived_at = :arrived_at", values))
        except ConcurrentChange:
            return  # The place is another visit's by now.

    def _visits(self, charger: Charger) -> tuple[Visit, ...]:
        rows = self._table.query(
            "pk = :charger", {":charger": f"CHARGER#{charger.text}"}, newest_first=True, limit=NEWEST
        )
        return tuple(_visit(row) for row in rows)[::-1]

    def _examples(self, hour: str) -> tuple[tuple[str, Visit], ...]:
        return tuple((row["evse"], _visit(row)) for row in self._table.query("pk = :hour", {":hour": hour}))


def _visit_key(charger: Charger, arrived_at: str, mark: str) -> Item:
    return {"pk": f"CHARGER#{charger.text}", "sk": f"VISIT#{arrived_at}#{mark}"}


def _others_key(partner_id: str, arrived_at: datetime, time_zone: str) -> str:
    local = arrived_at.astimezone(ZoneInfo(time_zone))
    return f"OTHERS#{partner_id}#{'WORK' if is_before_work(local) else 'FREE'}#{local.hour:02}"


def _visit(row: Item) -> Visit:
    return Visit(
        arrived_at=parse_instant(row["arrived_at"]),
        left_at=parse_instant(row["left_at"]),
        kwh=float(row["kwh"]),
        user=row.get("user", ""),
        is_cut=row.get("is_cut", False),
    )
