"""Tariffs as price curves: dynamic, fixed and time-of-use, with local time and summer time right."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

from offpeak.prices.model import QUARTER, PriceCurve, PriceSlot, Tariff, TariffKind, TariffWindow

SOURCE = "tariff"


def tariff_curve(tariff: Tariff, market: PriceCurve, start: datetime, end: datetime, time_zone: str) -> PriceCurve:
    """Return what a kWh costs under `tariff` from `start` to `end`.

    A dynamic tariff follows the slots of `market`, forecasts stay marked; the others do not look at it. Windows are
    local time in `time_zone`: the hour that comes twice when summer time ends is in them twice, the hour that is left
    out in spring not at all.
    """
    match tariff.kind:
        case TariffKind.DYNAMIC:
            slots = tuple(
                PriceSlot(
                    slot.start_at,
                    slot.end_at,
                    slot.eur_per_kwh * tariff.factor + tariff.adder_eur_per_kwh,
                    slot.is_forecast,
                )
                for slot in market.slots
                if slot.end_at > start and slot.start_at < end
            )
            return PriceCurve(market.zone, slots, market.source)
        case TariffKind.FIXED:
            return PriceCurve(market.zone, (PriceSlot(start, end, tariff.fixed_eur_per_kwh),), SOURCE)
        case TariffKind.TIME_OF_USE:
            return PriceCurve(market.zone, _time_of_use(tariff, start, end, ZoneInfo(time_zone)), SOURCE)


def _time_of_use(tariff: Tariff, start: datetime, end: datetime, zone: ZoneInfo) -> tuple[PriceSlot, ...]:
    """Ask the clock at every instant at which a price can change, and join what stays equal."""
    instants = {start, end, *(at for at in _changes(tariff, start, end, zone) if start < at < end)}
    slots: list[PriceSlot] = []
    for at, until in pairwise(sorted(instants)):
        price = _price_at(tariff, at.astimezone(zone))
        if slots and slots[-1].eur_per_kwh == price:
            slots[-1] = PriceSlot(slots[-1].start_at, until, price)
        else:
            slots.append(PriceSlot(at, until, price))
    return tuple(slots)


def _changes(tariff: Tariff, start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Yield the instants at which a window may begin or end, and every quarter-hour, for the clock's own jumps."""
    day = start.astimezone(zone).date()
    while day <= end.astimezone(zone).date():
        for window in tariff.windows:
            for edge in (window.start, window.end):
                for fold in (0, 1):
                    yield datetime.combine(day, edge, zone).replace(fold=fold).astimezone(UTC)
        day += timedelta(days=1)
    at = start.replace(minute=0, second=0, microsecond=0)
    while at < end:
        yield at
        at += QUARTER


def _price_at(tariff: Tariff, local: datetime) -> Decimal:
    return next((each.eur_per_kwh for each in tariff.windows if _holds(each, local)), tariff.fixed_eur_per_kwh)


def _holds(window: TariffWindow, local: datetime) -> bool:
    """A window over midnight belongs to the weekday on which it begins."""
    clock, weekday = local.time(), local.weekday()
    if window.start < window.end:
        return window.start <= clock < window.end and weekday in window.weekdays
    return (clock >= window.start and weekday in window.weekdays) or (
        clock < window.end and (weekday - 1) % 7 in window.weekdays
    )
