"""Who is replayed: recorded sessions over recorded prices, or without files a made-up sample."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

from local.night import overnight_visits
from local.price_feed import LICENSE
from local.recorded import RecordedPrices, lay_over, read_prices, read_sessions
from local.replay.market import HOUR
from local.replay.stay import Stay, made_up_stay, recorded_stay
from local.retold_prices import SAMPLE, retold
from offpeak.prices.model import MARKET_TIME, QUARTER

FIRST_EVENING = date(2025, 10, 2)
NIGHTS = 28
CARS = 40
"""A night of the made-up sample."""


class NothingToReplay(Exception):
    """No session lies over the prices; the text says why."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Stays by arrival, all that are known of, the prices under them, and where they come from, in sentences."""

    stays: tuple[Stay, ...]
    known: tuple[Stay, ...]
    prices: RecordedPrices
    notes: tuple[str, ...]


def recorded_cast(sessions_file: Path, prices_file: Path | None, *, least_w: float, limit: int | None) -> Cast:
    """Lay recorded sessions over prices, and let each charge at a charger of at least `least_w`.

    Raises NothingToReplay, UnreadableRecord.
    """
    prices = read_prices(prices_file or SAMPLE)
    _refuse_odd_slots(prices)
    laid = lay_over(read_sessions(sessions_file), prices)
    if not laid.sessions:
        raise NothingToReplay(f"No session lies over the prices: {laid.summary}.")
    stays = tuple(recorded_stay(each, least_w=least_w) for each in laid.sessions)
    chosen = thinned(stays, limit)
    thin = f" {len(chosen)} of them are played (--limit)." if len(chosen) < len(stays) else ""
    return Cast(chosen, stays, prices, (f"{laid.summary}.{thin}", _source(prices_file, prices)))


def made_up_cast(prices_file: Path | None, *, seed: int, limit: int | None) -> Cast:
    """Make up cars that charge overnight; without a file, under the sample's prices, told over and over."""
    prices = read_prices(prices_file) if prices_file else retold(read_prices(SAMPLE), FIRST_EVENING)
    _refuse_odd_slots(prices)
    stays = [
        made_up_stay(visit)
        for number, evening in enumerate(_evenings(prices))
        for visit in overnight_visits(CARS, evening, seed + number, prefix=f"N{number + 1:02d}")
    ]
    whole = sorted(
        (each for each in stays if prices.start_at <= each.arrives_at and each.leaves_at <= prices.end_at),
        key=lambda each: each.arrives_at,
    )
    if not whole:
        raise NothingToReplay("The prices hold no whole night.")
    told = "" if prices_file else ", told over and over"
    return Cast(
        thinned(tuple(whole), limit),
        tuple(whole),
        prices,
        (f"{CARS} made-up cars a night.", f"{_source(prices_file, prices)[:-1]}{told}."),
    )


def thinned(stays: tuple[Stay, ...], limit: int | None) -> tuple[Stay, ...]:
    """Return at most `limit` stays, evenly spread over all of them."""
    if limit is None or len(stays) <= limit:
        return stays
    return tuple(stays[place * len(stays) // limit] for place in range(limit))


def _evenings(prices: RecordedPrices) -> Iterator[date]:
    first = max(FIRST_EVENING, prices.start_at.astimezone(MARKET_TIME).date())
    for number in range(NIGHTS):
        if datetime.combine(first + timedelta(days=number + 1), time(12), MARKET_TIME) <= prices.end_at:
            yield first + timedelta(days=number)


def _refuse_odd_slots(prices: RecordedPrices) -> None:
    if prices.slot % QUARTER or prices.slot > HOUR:
        raise NothingToReplay(f"Prices are for quarter-hours, half hours or hours; these are for {prices.slot}.")


def _source(prices_file: Path | None, prices: RecordedPrices) -> str:
    said = LICENSE if prices_file is None else f"prices from {prices_file.name}"
    first, last = (at.astimezone(MARKET_TIME) for at in (prices.start_at, prices.end_at))
    return f"{said}, {first:%Y-%m-%d} to {last:%Y-%m-%d}."
