"""What the same energy costs by other ways to charge, all with perfect information of prices, need and departure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from local.replay.market import HOUR, Market
from local.replay.stay import Stay
from offpeak.planning.cheapest import cheapest


@dataclass(frozen=True, slots=True)
class Baselines:
    """EUR for the energy of one stay. `optimum`: no way to charge costs less."""

    at_once: float
    block: float
    hourly: float
    optimum: float


def baselines_of(stay: Stay, market: Market) -> Baselines:
    return Baselines(at_once(stay, market), best_block(stay, market), best_hours(stay, market), optimum(stay, market))


def at_once(stay: Stay, market: Market) -> float:
    """Charge from plug-in on, at full power."""
    return _run(stay, market, stay.arrives_at)


def best_block(stay: Stay, market: Market) -> float:
    """Charge in one piece, at full power, whenever that is cheapest.

    Where neither end of the piece meets a change of price, moving it one way costs no more: only pieces that begin or
    end at one are looked at.
    """
    lasts = HOUR * stay.hours_needed
    edges, _ = market.cut(stay.arrives_at, stay.leaves_at)
    starts = [*edges, *(edge - lasts for edge in edges)]
    return min(_run(stay, market, at) for at in starts if stay.arrives_at <= at <= stay.leaves_at - lasts)


def best_hours(stay: Stay, market: Market) -> float:
    """Charge in the cheapest clock hours by their mean price, the last one only as long as needed."""
    edges = _hours(stay.arrives_at, stay.leaves_at)
    kw = stay.power_w / 1000
    room = [kw * ((end - start) / HOUR) for start, end in pairwise(edges)]
    means = [market.eur(1, start, end) / ((end - start) / HOUR) for start, end in pairwise(edges)]
    drawn = cheapest(means, room, stay.kwh)
    return sum(market.eur(kw, start, start + HOUR * (kwh / kw)) for start, kwh in zip(edges, drawn, strict=False))


def optimum(stay: Stay, market: Market) -> float:
    """Charge in the cheapest quarter-hours of all."""
    edges, prices = market.cut(stay.arrives_at, stay.leaves_at)
    room = [stay.power_w / 1000 * ((end - start) / HOUR) for start, end in pairwise(edges)]
    drawn = cheapest(prices, room, stay.kwh)
    return sum(price * kwh for price, kwh in zip(prices, drawn, strict=True))


def _run(stay: Stay, market: Market, start_at: datetime) -> float:
    return market.eur(stay.power_w / 1000, start_at, start_at + HOUR * stay.hours_needed)


def _hours(start_at: datetime, end_at: datetime) -> list[datetime]:
    edges, at = [start_at], start_at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    while at < end_at:
        edges.append(at)
        at += timedelta(hours=1)
    return [*edges, end_at]
