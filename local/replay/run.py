"""Play stays through planning, one after the other or over all cores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from local.recorded import RecordedPrices
from local.replay.baselines import Baselines, baselines_of
from local.replay.managed import ManagedSession, Rules, instants
from local.replay.market import Market
from local.replay.stay import Stay, Stretch
from offpeak.planning.decide import decide

CHUNK = 40
"""Stays that are near in time share forecasts, so a process gets so many neighbours at once."""


@dataclass(frozen=True, slots=True)
class Played:
    """What came of one stay. `cost_eur` is for what was drawn, `baselines` are for all that the car wanted."""

    stay: Stay
    drawn: tuple[Stretch, ...]
    cost_eur: float
    missing_kwh: float
    starts: int
    plans: int
    sent: int
    baselines: Baselines


def play(stay: Stay, market: Market, rules: Rules) -> Played:
    """Play one stay by itself."""
    session = ManagedSession(stay, market, rules)
    for at, has_message, is_tick in instants(stay):
        session.car.wait_until(at)
        is_news = has_message and session.hear()
        if is_news or is_tick:
            session.adopt(decide(session.situation(at)), at)
            if session.is_settled:
                break
    session.car.wait_until(stay.leaves_at)
    return played(session, market)


def played(session: ManagedSession, market: Market) -> Played:
    """Return what came of a session that is over."""
    car = session.car
    return Played(
        stay=session.stay,
        drawn=tuple(car.drawn),
        cost_eur=sum(market.eur(each.kw, each.start_at, each.end_at) for each in car.drawn),
        missing_kwh=car.left_kwh,
        starts=car.starts,
        plans=session.plans,
        sent=session.sent,
        baselines=baselines_of(session.stay, market),
    )


def play_all(stays: Sequence[Stay], prices: RecordedPrices, rules: Rules, workers: int) -> Iterator[Played]:
    """Play all stays, each by itself, on so many processes; yield what came of them in their order."""
    if workers == 1:
        market = Market(prices)
        yield from (play(stay, market, rules) for stay in stays)
        return
    chunks = [stays[at : at + CHUNK] for at in range(0, len(stays), CHUNK)]
    with ProcessPoolExecutor(workers, initializer=_begin, initargs=(prices,)) as pool:
        for chunk in pool.map(_play_chunk, chunks, [rules] * len(chunks)):
            yield from chunk


_markets: list[Market] = []
"""A process's market, so that not every chunk brings half a year of prices."""


def _begin(prices: RecordedPrices) -> None:
    _markets.append(Market(prices))


def _play_chunk(stays: Sequence[Stay], rules: Rules) -> list[Played]:
    return [play(stay, _markets[-1], rules) for stay in stays]
