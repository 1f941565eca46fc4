"""Play stays through planning, one after the other or over all cores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from local.recorded import RecordedPrices
from local.replay.baselines import Baselines, baselines_of
from local.replay.diary import Diary
from local.replay.managed import ManagedSession, Rules, instants
from local.replay.market import Market
from local.replay.stay import Stay, Stretch
from offpeak.habits.model import Visit
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


@dataclass(frozen=True)
class Scene:
    """What all stays of a replay share."""

    market: Market
    diary: Diary


def play(stay: Stay, market: Market, rules: Rules) -> Played:
    """Play one stay by itself, of which nothing is learnt."""
    session = ManagedSession(stay, market, rules)
    _let_pass(session)
    return played(session, market)


def play_user(stays: Sequence[Stay], scene: Scene, rules: Rules) -> list[Played]:
    """Play the stays of one user, each by what is learnt from those before it, as they went here."""
    found: list[Played] = []
    went: dict[str, Visit] = {}
    for stay in sorted(stays, key=lambda each: (each.arrives_at, each.session_id)):
        session = ManagedSession(stay, scene.market, rules, scene.diary.past(stay, went))
        _let_pass(session)
        went[stay.session_id] = session.visit
        found.append(played(session, scene.market))
    return found


def _let_pass(session: ManagedSession) -> None:
    for at, has_message, is_tick in instants(session.stay):
        session.car.wait_until(at)
        is_news = has_message and session.hear()
        if is_news or is_tick:
            session.adopt(decide(session.situation(at)), at)
            if session.is_settled:
                break
    session.car.wait_until(session.stay.leaves_at)


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


def play_all(
    stays: Sequence[Stay], known: Sequence[Stay], prices: RecordedPrices, rules: Rules, workers: int
) -> Iterator[Played]:
    """Play stays, each by itself, on so many processes; yield what came of them. `known` are those to learn from."""
    tasks = [(chunk, rules) for chunk in _chunks(stays, rules)]
    for chunk in over_cores(_play_chunk, tasks, known, prices, workers):
        yield from chunk


def _chunks(stays: Sequence[Stay], rules: Rules) -> list[Sequence[Stay]]:
    """Return stays that are played in one process: neighbours in time, or all of one user where habits are learnt."""
    if not rules.learns:
        return [stays[at : at + CHUNK] for at in range(0, len(stays), CHUNK)]
    users: dict[str, list[Stay]] = {}
    for stay in stays:
        users.setdefault(stay.user, []).append(stay)
    return sorted(users.values(), key=len, reverse=True)


def _play_chunk(task: tuple[Sequence[Stay], Rules], scene: Scene) -> list[Played]:
    stays, rules = task
    if rules.learns:
        return play_user(stays, scene, rules)
    return [play(stay, scene.market, rules) for stay in stays]


def over_cores(
    work: Callable[[Task, Scene], Result],
    tasks: Sequence[Task],
    known: Sequence[Stay],
    prices: RecordedPrices,
    workers: int,
) -> Iterator[Result]:
    """Do all tasks on so many processes, each with a scene of its own; yield the results in the tasks' order."""
    if workers == 1:
        scene = Scene(Market(prices), Diary(known))
        yield from (work(task, scene) for task in tasks)
        return
    with ProcessPoolExecutor(workers, initializer=_begin, initargs=(known, prices)) as pool:
        yield from pool.map(partial(_do, work), tasks)


_scenes: list[Scene] = []
"""A process's scene, so that not every task brings half a year of prices."""


def _begin(known: Sequence[Stay], prices: RecordedPrices) -> None:
    _scenes.append(Scene(Market(prices), Diary(known)))


def _do(work: Callable[[Task, Scene], Result], task: Task) -> Result:
    return work(task, _scenes[-1])
