"""Play stays through planning, one after the other or over all cores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from local.recorded import RecordedPrices
from local.replay.baselines import Baselines, baselines_of
from local.replay.managed import ManagedSession, Rules, instants
from local.replay.market import Market
from local.replay.stay import Stay, Stretch
from offpeak.planning.decide import decide

Task = TypeVar("Task")
Result = TypeVar("Result")
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
    chunks = [(stays[at : at + CHUNK], rules) for at in range(0, len(stays), CHUNK)]
    for chunk in over_cores(_play_chunk, chunks, prices, workers):
        yield from chunk


def _play_chunk(chunk: tuple[Sequence[Stay], Rules], market: Market) -> list[Played]:
    stays, rules = chunk
    return [play(stay, market, rules) for stay in stays]


def over_cores(
    work: Callable[[Task, Market], Result], tasks: Sequence[Task], prices: RecordedPrices, workers: int
) -> Iterator[Result]:
    """Do all tasks on so many processes, each with a market of its own; yield the results in the tasks' order."""
    if workers == 1:
        market = Market(prices)
        yield from (work(task, market) for task in tasks)
        return
    with ProcessPoolExecutor(workers, initializer=_begin, initargs=(prices,)) as pool:
        yield from pool.map(partial(_do, work), tasks)


_markets: list[Market] = []
"""A process's market, so that not every task brings half a year of prices."""


def _begin(prices: RecordedPrices) -> None:
    _markets.append(Market(prices))


def _do(work: Callable[[Task, Market], Result], task: Task) -> Result:
    return work(task, _markets[-1])
