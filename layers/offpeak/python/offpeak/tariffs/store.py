"""The tariffs table: one row a tariff. A deleted one leaves its stamp, so that what was told before stays deleted."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from offpeak.aws.tables import Item, Put, Table
from offpeak.errors import InvalidMessage
from offpeak.instants import format_instant, parse_instant
from offpeak.ocpi.merging import UNTOLD, Merged, Register
from offpeak.tariffs.model import OcpiTariff, TariffKey
from offpeak.tariffs.planned import tariff_of

CACHED_S = 30.0
MOST_CACHED = 1000


@dataclass(frozen=True, slots=True)
class StoredTariff:
    """`version` is that of the row, on which the next write depends. What is as old as `deleted_at` is no more."""

    merged: Merged = UNTOLD
    version: int = 0
    deleted_at: datetime | None = None


class TariffStore:
    """`now_s` is a monotonic clock for what planning is given."""

    def __init__(self, table: Table, now_s: Callable[[], float] = time.monotonic) -> None:
        self._table = table
        self._now_s = now_s
        self._cache: dict[str, tuple[float, OcpiTariff | None]] = {}

    def load(self, key: TariffKey) -> StoredTariff:
        """Return what is stored of a tariff; nothing yet is a StoredTariff too."""
        row = self._table.get({"tariff_key": key.text})
        return _stored(row) if row else StoredTariff()

    def for_planning(self, key: TariffKey) -> OcpiTariff | None:
        """Return a tariff as it was at most CACHED_S ago; None for one that is not known, or not to be planned by."""
        cached = self._cache.get(key.text)
        if cached is None or self._now_s() >= cached[0]:
            if len(self._cache) >= MOST_CACHED:
                self._cache.clear()
            cached = self._cache[key.text] = (self._now_s() + CACHED_S, _planned_by(self.load(key).merged))
        return cached[1]

    def save(self, key: TariffKey, stored: StoredTariff, merged: Merged, deleted_at: datetime | None) -> None:
        """Write a tariff as it is after a message. Raises ConcurrentChange when somebody else was faster."""
        row: dict[str, Any] = {
            "tariff_key": key.text,
            "put_at": format_instant(merged.put_at) if merged.put_at else None,
            "deleted_at": format_instant(deleted_at) if deleted_at else None,
            "fields": {
                name: {"t": format_instant(register.stamp), "v": register.value}
                for name, register in merged.fields.items()
            },
            "version": stored.version + 1,
        }
        if stored.version == 0:
            self._table.write(Put(row, "attribute_not_exists(tariff_key)"))
        else:
            self._table.write(Put(row, "version = :before", {":before": stored.version}))


def _stored(row: Item) -> StoredTariff:
    put_at, deleted_at = (parse_instant(row[name]) if name in row else None for name in ("put_at", "deleted_at"))
    fields = {name: Register(each["v"], parse_instant(each["t"])) for name, each in row["fields"].items()}
    return StoredTariff(Merged(put_at, fields), int(row["version"]), deleted_at)


def _planned_by(merged: Merged) -> OcpiTariff | None:
    try:
        return tariff_of(merged) if merged.is_known else None
    except InvalidMessage:
        return None
