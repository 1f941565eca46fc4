"""A run through one of a partner's lists: where it stands, and what it has brought. All rules here are pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from offpeak.ocpi.paging import Page, Trail

MOST_ATTEMPTS = 8
"""At one page. With the delays between them a partner has some 20 minutes to come back; then the next run tries."""
FIRST_RETRY_S = 10
LONGEST_RETRY_S = 900

MOST_WALKS = 3
MOST_SAMPLES = 20


class Module(StrEnum):
    """The modules of which we walk partners' lists, by their OCPI identifiers, and in the order of their turns."""

    SESSIONS = "sessions"
    LOCATIONS = "locations"
    TARIFFS = "tariffs"
    HUB_CLIENTS = "hubclientinfo"

    @property
    def is_routed(self) -> bool:
        """Say whether its messages name the parties they are between (CONFORMANCE T4), and so each has its list."""
        return self is not Module.HUB_CLIENTS


class RunKind(StrEnum):
    """Why a list is walked. A partner's list is walked at most once at a time for each reason."""

    SCHEDULED = "scheduled"
    ORDERED = "ordered"
    """An operator wants a range of time."""
    UNKNOWN = "unknown"
    """PATCHes came for sessions that we do not know (CONFORMANCE S1). Of other objects they are kept, and no run looks
    for them before its time: charging does not wait for those."""


class RunState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Refusal:
    """An object that could not be taken, and why."""

    object_id: str | None
    field: str
    problem: str


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the objects of a page, or of a whole run."""

    objects: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    stopped: int = 0
    """Kept out, because they must not come back."""

    def plus(self, other: Tally) -> Tally:
        return Tally(
            self.objects + other.objects,
            self.created + other.created,
            self.updated + other.updated,
            self.unchanged + other.unchanged,
            self.refused + other.refused,
            self.stopped + other.stopped,
        )


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of one page. `is_mixed` says that it held objects of another party than the one that was asked."""

    tally: Tally
    samples: tuple[Refusal, ...] = ()
    is_mixed: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """One walk through the objects of a `module` that changed from `since` on, before `until`; None: no such bound.

    `step` counts pages and is what a message names: whoever works a page moves the run from one step to the next, once.
    The walk goes through the list of each of the connection's parties in turn (`party_at`), unless the first list
    already holds the sessions of others. `began_at`, `since`, `until`, `synced_until` are the sessions' time, `due_at`
    and `touched_at` real time.
    """

    partner_id: str
    module: Module
    kind: RunKind
    run_id: str
    since: datetime | None
    until: datetime | None
    began_at: datetime
    due_at: datetime
    """When its next page is to be asked for."""
    touched_at: datetime
    state: RunState = RunState.RUNNING
    step: int = 0
    attempts: int = 0
    """At the page of this step."""
    party_at: int = 0
    is_mixed: bool = False
    next_url: str | None = None
    """None: the list begins here."""
    trail: Trail = Trail()
    walks: int = 1
    total: int | None = None
    """Objects in the list of this party, as far as the partner says."""
    has_shrunk: bool = False
    tally: Tally = Tally()
    samples: tuple[Refusal, ...] = field(default=())
    problem: str | None = None
    synced_until: datetime | None = None
    """Everything that changed before was taken by a run that ended well; scheduled runs hand it on."""
    cooldown_s: int = 0
    """How long after this run the next one of its kind waits; used for UNKNOWN."""

    @property
    def is_running(self) -> bool:
        return self.state is RunState.RUNNING


def attempted(run: Run, at: datetime) -> Run:
    """Begin with the page of this step."""
    return replace(run, attempts=run.attempts + 1, touched_at=at)


def put_off(run: Run, wait_s: float, at: datetime, problem: str) -> Run:
    """Wait, which is no attempt: the partner was not asked."""
    return replace(run, due_at=at + timedelta(seconds=wait_s), touched_at=at, problem=problem)


def to_be_retried(run: Run, at: datetime, problem: str) -> Run:
    """Try the page again later, or give the run up."""
    if run.attempts >= MOST_ATTEMPTS:
        return failed(run, at, f"{problem} ({run.attempts} times)")
    wait_s = min(FIRST_RETRY_S * 2 ** (run.attempts - 1), LONGEST_RETRY_S)
    return put_off(run, wait_s, at, problem)


def failed(run: Run, at: datetime, problem: str) -> Run:
    return replace(run, state=RunState.FAILED, touched_at=at, problem=problem)


def turned(run: Run, trail: Trail, page: Page, taken: Taken, parties: int, at: datetime) -> Run:
    """Return the run after a page was taken: at the next page, the next party's list, or the end.

    A list limited by `until` shrinks when one of its objects changes meanwhile, and then the pages behind it move up
    by one: such a list is walked again (OCPI 2.2.1, 4.1.4.2).
    """
    shrank = run.until is not None and run.total is not None and page.total is not None and page.total < run.total
    run = replace(
        run,
        step=run.step + 1,
        attempts=0,
        due_at=at,
        touched_at=at,
        problem=None,
        trail=trail,
        next_url=page.next_url,
        total=page.total,
        has_shrunk=run.has_shrunk or shrank,
        is_mixed=run.is_mixed or taken.is_mixed,
        tally=run.tally.plus(taken.tally),
        samples=_joined(run.samples, taken.samples),
    )
    if page.next_url is not None:
        return run
    from_its_start = replace(run, trail=Trail(), total=None, has_shrunk=False)
    if run.has_shrunk and run.walks < MOST_WALKS:
        return replace(from_its_start, walks=run.walks + 1)
    if run.party_at + 1 < parties and not run.is_mixed:
        return replace(from_its_start, party_at=run.party_at + 1, walks=1)
    return replace(run, state=RunState.DONE, synced_until=run.began_at)


def _joined(known: Sequence[Refusal], new: Sequence[Refusal]) -> tuple[Refusal, ...]:
    return tuple(dict.fromkeys((*known, *new)))[:MOST_SAMPLES]
