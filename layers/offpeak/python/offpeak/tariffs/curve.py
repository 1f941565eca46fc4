"""An OCPI tariff as a price curve: what a kWh costs a session from now on (OCPI 2.2.1, 11.3 and 11.4). Pure.

For each price the first element that holds at a time says it. A price for the time of charging counts by the kWh that
the charger gives in that time. What no time can move - a start fee, a least or highest price - is left out, and so is
parking time: a plan changes what is drawn when, not how long a car stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

from offpeak.prices.model import QUARTER, PriceCurve, PriceSlot
from offpeak.tariffs.model import Drawing, Element, OcpiTariff, Restrictions

USUAL = (None, "REGULAR")
"""The types of tariff that hold for a session of which nothing else is known."""


def chosen(tariffs: Iterable[OcpiTariff], at: datetime) -> OcpiTariff | None:
    """Return the tariff that holds at `at`: of several types that for regular use (OCPI 2.2.1, 8.3.3 tariff_ids)."""
    holding = [each for each in tariffs if each.holds(at)]
    return min(holding, key=lambda each: each.kind not in USUAL, default=None)


def curve_of(
    tariff: OcpiTariff, drawing: Drawing, zone: str, start: datetime, end: datetime, time_zone: str
) -> PriceCurve | None:
    """Return what a kWh costs from `start` to `end`, without gaps; None where the tariff leaves a part of it open.

    Bounds on the energy of a session are held against what it has drawn by now: each update plans anew.
    """
    zone_info = ZoneInfo(time_zone)
    instants = {start, end, *(at for at in _changes(tariff, drawing, start, end, zone_info) if start < at < end)}
    slots: list[PriceSlot] = []
    for at, until in pairwise(sorted(instants)):
        price = _price_at(tariff, drawing, at, zone_info)
        if price is None:
            return None
        if slots and slots[-1].eur_per_kwh == price:
            slots[-1] = PriceSlot(slots[-1].start_at, until, price)
        else:
            slots.append(PriceSlot(at, until, price))
    return PriceCurve(zone, tuple(slots), f"tariff {tariff.tariff_id}")


def _price_at(tariff: OcpiTariff, drawing: Drawing, at: datetime, zone: ZoneInfo) -> Decimal | None:
    """Return the price of a kWh; None where no element prices energy or time then. One of them is enough: the other
    is free."""
    holding = [each for each in tariff.elements if _holds(each.restrictions, drawing, at, zone)]
    per_kwh = _first(each.eur_per_kwh for each in holding)
    per_h = _first(each.eur_per_h for each in holding)
    if per_kwh is None and per_h is None:
        return None
    return (per_kwh or Decimal(0)) + (per_h or Decimal(0)) / Decimal(drawing.power_w) * 1000


def _holds(told: Restrictions, drawing: Drawing, at: datetime, zone: ZoneInfo) -> bool:
    local = at.astimezone(zone)
    lasted_s = Decimal((at - drawing.start_at) // timedelta(seconds=1))
    return (
        not told.is_for_reservation
        and local.weekday() in told.weekdays
        and (told.start_date is None or told.start_date <= local.date())
        and (told.end_date is None or local.date() < told.end_date)
        and _is_within_hours(told.start_time, told.end_time, local.time())
        and _is_within(told.min_kwh, drawing.kwh, told.max_kwh)
        and _is_within(told.min_current, drawing.current_a, told.max_current)
        and _is_within(told.min_power, Decimal(drawing.power_w) / 1000, told.max_power)
        and _is_within(told.min_duration, lasted_s, told.max_duration)
    )


def _is_within(least: Decimal | None, value: Decimal, below: Decimal | None) -> bool:
    return (least is None or least <= value) and (below is None or value < below)


def _is_within_hours(start: time | None, end: time | None, clock: time) -> bool:
    """Hours that end before they start go over midnight; an end of 00:00 is the end of the day."""
    start, end = start or time(), end or time()
    if start < end:
        return start <= clock < end
    return clock >= start or clock < end


def _changes(
    tariff: OcpiTariff, drawing: Drawing, start: datetime, end: datetime, zone: ZoneInfo
) -> Iterator[datetime]:
    """Yield the instants at which an element may begin or end, and every quarter-hour, for the clock's own jumps."""
    for told in (each.restrictions for each in tariff.elements):
        for lasted_s in (told.min_duration, told.max_duration):
            if lasted_s is not None:
                yield drawing.start_at + timedelta(seconds=float(lasted_s))
    day = start.astimezone(zone).date()
    while day <= end.astimezone(zone).date():
        for edge in _edges(tariff.elements):
            for fold in (0, 1):
                yield datetime.combine(day, edge, zone).replace(fold=fold).astimezone(UTC)
        day += timedelta(days=1)
    at = start.replace(minute=0, second=0, microsecond=0)
    while at < end:
        yield at
        at += QUARTER


def _edges(elements: Iterable[Element]) -> set[time]:
    told = (each.restrictions for each in elements)
    return {time(), *(edge for each in told for edge in (each.start_time, each.end_time) if edge is not None)}


def _first(prices: Iterable[Decimal | None]) -> Decimal | None:
    return next((each for each in prices if each is not None), None)
