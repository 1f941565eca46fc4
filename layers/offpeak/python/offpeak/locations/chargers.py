"""Looks up what a session's charger is: one small read, remembered for a while; none where nothing was ever told."""

from __future__ import annotations

import time
from collections.abc import Callable

from offpeak.aws.tables import Table
from offpeak.locations.charger import charger_at, chargers_from_row
from offpeak.locations.model import Charger, evse_key, owner_text
from offpeak.partners.model import Party

CACHED_S = 30.0
MOST_CACHED = 10_000


class Chargers:
    """`now_s` is a monotonic clock for what is remembered."""

    def __init__(self, table: Table, now_s: Callable[[], float] = time.monotonic) -> None:
        self._table = table
        self._now_s = now_s
        self._evses: dict[str, tuple[float, dict[str, Charger] | None]] = {}
        self._tellers: dict[str, tuple[float, bool]] = {}

    def at(self, partner_id: str, party: Party, evse_uid: str | None, connector_id: str | None) -> Charger | None:
        """Return the charger as it was told at most CACHED_S ago; None for one that is in no Location."""
        if evse_uid is None or not self._tells(owner_text(partner_id, party)):
            return None
        key = evse_key(partner_id, party, evse_uid)
        cached = self._evses.get(key)
        if cached is None or self._now_s() >= cached[0]:
            rows = list(self._table.query("evse_key = :key", {":key": key}, index="by_evse", limit=1))
            chargers = chargers_from_row(rows[0]["chargers"]) if rows else None
            if len(self._evses) >= MOST_CACHED:
                self._evses.clear()
            cached = self._evses[key] = (self._now_s() + CACHED_S, chargers)
        return None if cached[1] is None else charger_at(cached[1], connector_id)

    def _tells(self, owner: str) -> bool:
        """Say whether a party tells of Locations at all: many never do, and cost one read in half a minute."""
        cached = self._tellers.get(owner)
        if cached is None or self._now_s() >= cached[0]:
            tells = self._table.get({"pk": owner, "sk": "OWNER"}, consistent=False) is not None
            cached = self._tellers[owner] = (self._now_s() + CACHED_S, tells)
        return cached[1]
