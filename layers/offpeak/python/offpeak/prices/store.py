"""The prices table: one item per bidding zone and market day, at pk `ZONE#{zone}`, sk `DAY#{date}`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from offpeak.aws.tables import Put, Table, write_together
from offpeak.instants import format_instant
from offpeak.prices.model import QUARTER, PriceCurve, PriceDay, PriceSlot, market_date, quarter_hours

Item = dict[str, Any]


class PriceStore:
    """Published day-ahead prices. What is asked for and not published is simply not there."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def replace(self, zone: str, days: Sequence[PriceDay], fetched_at: datetime) -> None:
        """Store days (at most 100) as they were fetched at `fetched_at`: all of them, or none.

        Raises ConcurrentChange when one of them is known from a later fetch.
        """
        writes = [
            (
                self._table,
                Put(
                    _item(zone, day, fetched_at),
                    condition="attribute_not_exists(pk) OR fetched_at <= :fetched_at",
                    values={":fetched_at": format_instant(fetched_at)},
                ),
            )
            for day in days
        ]
        if writes:
            write_together(writes)

    def days(self, zone: str, first: date, last: date) -> list[PriceDay]:
        """Return the days from `first` to `last` of which prices are known, ascending."""
        items = self._table.query(
            "pk = :zone AND sk BETWEEN :first AND :last",
            {":zone": f"ZONE#{zone}", ":first": f"DAY#{first}", ":last": f"DAY#{last}"},
        )
        return [_day(item) for item in items]

    def curve(self, zone: str, start: datetime, end: datetime) -> PriceCurve:
        """Return the published quarter-hours that touch the time from `start` to `end`."""
        days = self.days(zone, market_date(start), market_date(end))
        slots = tuple(
            PriceSlot(at, at + QUARTER, price)
            for day in days
            for at, price in day.eur_per_kwh.items()
            if at + QUARTER > start and at < end
        )
        return PriceCurve(zone, slots, days[-1].source if days else "")


def _item(zone: str, day: PriceDay, fetched_at: datetime) -> Item:
    return {
        "pk": f"ZONE#{zone}",
        "sk": f"DAY#{day.date}",
        "fetched_at": format_instant(fetched_at),
        "source": day.source,
        "eur_per_kwh": [day.eur_per_kwh.get(at) for at in quarter_hours(day.date)],
    }


def _day(item: Item) -> PriceDay:
    day = date.fromisoformat(item["sk"].removeprefix("DAY#"))
    prices = zip(quarter_hours(day), item["eur_per_kwh"], strict=True)
    return PriceDay(day, {at: price for at, price in prices if price is not None}, item["source"])


def published_until(curve: PriceCurve, start: datetime) -> datetime:
    """Return how far a curve reaches from `start` on without a gap."""
    reached = start
    for slot in curve.slots:
        if slot.start_at > reached:
            break
        reached = max(reached, slot.end_at)
    return reached
