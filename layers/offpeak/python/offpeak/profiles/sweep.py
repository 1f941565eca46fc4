"""The sweep, every minute: what was lost or has run out of time is found in the sparse indexes and taken up again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from offpeak.aws.queues import FairQueue
from offpeak.errors import ConcurrentChange
from offpeak.events.outbox import Outbox
from offpeak.groups.store import SHARDS as TREE_SHARDS
from offpeak.groups.store import GroupStore
from offpeak.partners.store import PartnerStore
from offpeak.profiles.ask_again import Window, windows
from offpeak.profiles.follow_up import follow_up
from offpeak.profiles.lifecycle import given_up
from offpeak.profiles.model import RequestState
from offpeak.profiles.send_queue import ask_to_send
from offpeak.profiles.settle import settle
from offpeak.profiles.store import ProfileStore
from offpeak.sessions.model import SessionKey
from offpeak.sessions.plan_queue import PlanQueue
from offpeak.sessions.store import SHARDS, SessionStore
from offpeak.telemetry import count, logger

PLANNED_WITHIN = timedelta(minutes=1)
"""A plan that has been wanted for longer has lost its message."""
assert TREE_SHARDS <= SHARDS, "each shard of the trees is looked at beside one of the sessions"
MOST = 250
"""Rows of each kind and age taken from a shard in one sweep; the next sweep takes the rest."""
LOOKS_AT_ONCE = 8
"""Most shards are empty most of the time, and a look is nothing but waiting for the answer."""


@dataclass(frozen=True, slots=True)
class Sweeper:
    """What it takes to sweep. `real_now` tells the real time, `new_id` makes an id for a GET that follows."""

    profiles: ProfileStore
    sessions: SessionStore
    groups: GroupStore
    partners: PartnerStore
    plan_queue: PlanQueue
    send_queue: FairQueue
    outbox: Outbox
    real_now: Callable[[], datetime]
    new_id: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Found:
    """What waits in a shard: sessions and trees of limit groups that want a plan, with their counts, sessions to be
    woken, and ids of requests."""

    wanting: list[tuple[SessionKey, int]]
    trees: list[tuple[str, int]]
    waking: list[SessionKey]
    due: list[str]

    @property
    def is_all(self) -> bool:
        """Say whether there is nothing more than this."""
        return max(len(self.wanting), len(self.trees), len(self.waking), len(self.due)) < MOST


@dataclass(slots=True)
class Swept:
    """What a sweep found. A row that cannot be handled does not stop the others; its error is raised at the end."""

    plans_asked: int = 0
    woken: int = 0
    sends_asked: int = 0
    timed_out: int = 0
    errors: list[Exception] = field(default_factory=list)

    @contextmanager
    def one_row(self) -> Iterator[None]:
        try:
            yield
        except ConcurrentChange:
            pass  # Somebody is at this row just now; if that leads nowhere the next sweep comes by.
        except Exception as error:  # noqa: BLE001 - raised together with the others when all rows had their turn
            self.errors.append(error)


def sweep(by: Sweeper, *, now: datetime) -> Swept:
    """Take up what waits in all shards. `now` is the sessions' time. Raises ExceptionGroup for rows that failed.

    Each minute begins with another shard: a sweep that has more to do than it may take time leaves no shard for good.
    """
    swept = Swept()
    first = int(now.timestamp() // 60) % SHARDS
    with ThreadPoolExecutor(LOOKS_AT_ONCE) as looks:
        for found in looks.map(lambda shard: _look(shard, by, now), (*range(first, SHARDS), *range(first))):
            for each in found:
                _take_up_all(each, by, swept, now)
    _report(swept)
    if swept.errors:
        raise ExceptionGroup("rows that could not be swept", swept.errors)
    return swept


def _look(shard: int, by: Sweeper, now: datetime) -> list[Found]:
    """Return what has waited in a shard, looking once where that shows all, else once for each age: the old ones, which
    fail, must hide no young ones."""
    ages = list(windows(now))
    all_ages = _found(shard, (ages[-1][0], now), by, now)
    return [all_ages] if all_ages.is_all else [_found(shard, age, by, now) for age in ages]


def _found(shard: int, window: Window, by: Sweeper, now: datetime) -> Found:
    since, until = window
    return Found(
        wanting=list(by.sessions.wanting(shard, since, min(until, now - PLANNED_WITHIN), MOST)),
        trees=list(by.groups.wanting(shard, since, min(until, now - PLANNED_WITHIN), MOST)),
        waking=list(by.sessions.waking(shard, since, until, MOST)),
        due=list(by.profiles.due(shard, since, until, MOST)),
    )


def _take_up_all(found: Found, by: Sweeper, swept: Swept, now: datetime) -> None:
    for key, wanted in found.wanting:
        with swept.one_row():
            by.plan_queue.ask(key, wanted, minute=now)
            swept.plans_asked += 1
    for root_id, wanted in found.trees:
        with swept.one_row():
            by.plan_queue.ask_group(root_id, wanted, minute=now)
            swept.plans_asked += 1
    for key in found.waking:
        with swept.one_row():
            _wake(key, by, now)
            swept.woken += 1
    for request_id in found.due:
        with swept.one_row():
            _take_up(request_id, by, swept, now)


def _wake(key: SessionKey, by: Sweeper, now: datetime) -> None:
    """A session whose time has come wants a plan, unless it is over."""
    wanted = by.sessions.want_plan(key, now=now, received_at=by.real_now())
    if wanted is not None:
        by.plan_queue.ask(key, wanted)
        return
    standing = by.profiles.standing(key)
    by.profiles.save(standing=replace(standing, wake_at=None))


def _take_up(request_id: str, by: Sweeper, swept: Swept, now: datetime) -> None:
    """A request whose message is lost is sent again; one whose result did not come is unknown (CONFORMANCE P4)."""
    request = by.profiles.request(request_id)
    if request is None or request.due_at is None or request.due_at > now:
        return  # The index was late.
    if request.state is RequestState.REQUESTED:
        ask_to_send(by.send_queue, request)
        swept.sends_asked += 1
        return
    planning = by.partners.load_cached(request.key.partner_id).planning
    transition = partial(given_up, detail="no result in time")
    settled = settle(
        request, transition, by.profiles, planning, by.outbox, question_id=by.new_id(), now=now, at=by.real_now()
    )
    swept.timed_out += 1
    follow_up(settled, by, now)


def _report(swept: Swept) -> None:
    count("SweptPlans", swept.plans_asked)
    count("SweptWakes", swept.woken)
    count("SweptSends", swept.sends_asked)
    count("SweptTimeouts", swept.timed_out)
    logger.info(
        "sessions_swept",
        plans_asked=swept.plans_asked,
        woken=swept.woken,
        sends_asked=swept.sends_asked,
        timed_out=swept.timed_out,
        errors=len(swept.errors),
    )
