"""Play the stays of one garage under a common cap: planned together, as one limit group.

The cars' messages come at the same five minutes, as from a system that asks its chargers in turn; whoever plugs in
says so at once. Plans are made for all when one of them causes it, when one comes or leaves, and by the clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from local.recorded import RecordedPrices
from local.replay.bound import Bound, bound_of
from local.replay.figures import Figures, peak_kw, uncontrolled
from local.replay.managed import MESSAGE_EVERY, ManagedSession, Rules
from local.replay.run import Played, Scene, over_cores, played
from local.replay.stay import Stay
from local.replay.within_reach import within_reach_kwh
from offpeak.planning.captree import CapNode, CapStep
from offpeak.planning.group import decide_group
from offpeak.prices.model import QUARTER

ALL, EACH = "all", "each"


@dataclass(frozen=True, slots=True)
class Part:
    """Stays of one garage that follow each other without a time when nobody is there, and what they may draw."""

    garage: str
    stays: tuple[Stay, ...]
    cap_w: float


@dataclass(frozen=True, slots=True)
class GroupPlayed:
    """What came of one part, beside what perfect information could have made of it.

    `turned_away_kwh` of what cars wanted was out of reach when they came, whoever would have waited from then on.
    """

    part: Part
    played: tuple[Played, ...]
    bound: Bound
    turned_away_kwh: float


def parts_of(stays: Sequence[Stay], *, cap_share: float, garage: str) -> list[Part]:
    """Return a garage's parts, under `cap_share` of what its cars draw at most if nobody holds them back.

    As `garage`, EACH means every one by itself, and ALL takes the stays of all for those of one.
    """
    named: dict[str, list[Stay]] = {}
    for stay in stays:
        if garage in (ALL, EACH, stay.garage):
            named.setdefault(ALL if garage == ALL else stay.garage, []).append(stay)
    parts = []
    for name, all_of_it in sorted(named.items()):
        cap_w = cap_share * peak_kw(uncontrolled(each) for each in all_of_it) * 1000
        parts += [Part(name, tuple(piece), cap_w) for piece in _pieces(all_of_it)]
    return parts


def play_part(part: Part, scene: Scene, rules: Rules) -> GroupPlayed:
    """Play one part, second by second where anything may change."""
    coming = sorted(part.stays, key=lambda stay: (stay.arrives_at, stay.session_id), reverse=True)
    present: dict[str, ManagedSession] = {}
    over: list[Played] = []
    turned_away_kwh = 0.0
    steps = (CapStep(coming[-1].arrives_at, part.cap_w),)
    for at in _instants(part.stays):
        for session in present.values():
            session.car.wait_until(at)
        gone = [key for key, session in present.items() if session.stay.leaves_at <= at]
        over += [played(present.pop(key), scene.market) for key in gone]
        before_kwh = within_reach_kwh([session.car for session in present.values()], part.cap_w, at)
        new = []
        while coming and coming[-1].arrives_at <= at:
            stay = coming.pop()
            past = scene.diary.past(stay)
            present[stay.session_id] = session = ManagedSession(stay, scene.market, rules, past, root_id=part.garage)
            new.append(session)
        if new:
            after_kwh = within_reach_kwh([session.car for session in present.values()], part.cap_w, at)
            turned_away_kwh += sum(session.stay.kwh for session in new) - (after_kwh - before_kwh)
        heard = present.values() if _is_on(at, MESSAGE_EVERY) else new
        news = [session for session in heard if session.hear()]
        if present and (news or gone or new or _is_on(at, QUARTER)):
            situations = {key: session.situation(at) for key, session in present.items()}
            plans = decide_group(situations, CapNode(part.garage, steps, members=tuple(situations)), now=at)
            for key, plan in plans.items():
                present[key].adopt(plan, at)
    return GroupPlayed(part, tuple(over), bound_of(part.stays, part.cap_w, scene.market), turned_away_kwh)


def play_parts(
    parts: Sequence[Part], known: Sequence[Stay], prices: RecordedPrices, rules: Rules, workers: int
) -> Iterator[GroupPlayed]:
    """Play all parts, the longest first, on so many processes. `known` are stays to learn from."""
    longest_first = sorted(parts, key=lambda part: -len(part.stays))
    yield from over_cores(_play_part, [(part, rules) for part in longest_first], known, prices, workers)


def _play_part(task: tuple[Part, Rules], scene: Scene) -> GroupPlayed:
    part, rules = task
    return play_part(part, scene, rules)


@dataclass(frozen=True)
class GroupFigures:
    """What came of one garage."""

    garage: str
    cap_kw: float
    figures: Figures
    bound: Bound
    turned_away_kwh: float

    @property
    def avoidable_kwh(self) -> float:
        """What is missing though it could have been delivered."""
        return max(0.0, self.bound.kwh - (self.figures.kwh - self.figures.missing_kwh))

    @property
    def undeliverable_kwh(self) -> float:
        return max(0.0, self.figures.kwh - self.bound.kwh)

    @property
    def lost_kwh(self) -> float:
        """What is missing though it was within reach when the last one came: the planner's own fault."""
        return max(0.0, self.figures.missing_kwh - self.turned_away_kwh)

    @property
    def unforeseen_kwh(self) -> float:
        """What is missing since those who were there had waited for a cheaper time, and then others came."""
        return max(0.0, self.avoidable_kwh - self.lost_kwh)

    @property
    def kept(self) -> float | None:
        """The share of the saving that perfect information makes possible under the cap."""
        possible = self.figures.at_once_eur - self.bound.cost_eur
        return (self.figures.at_once_eur - self.figures.cost_eur) / possible if possible > 1e-9 else None


def garages(played: Iterable[GroupPlayed]) -> list[GroupFigures]:
    """Return the figures of each garage, those with most sessions first."""
    by_garage: dict[str, list[GroupPlayed]] = {}
    for each in played:
        by_garage.setdefault(each.part.garage, []).append(each)
    found = [
        GroupFigures(
            garage,
            pieces[0].part.cap_w / 1000,
            Figures(garage, tuple(one for piece in pieces for one in piece.played)),
            Bound(sum(piece.bound.kwh for piece in pieces), sum(piece.bound.cost_eur for piece in pieces)),
            sum(piece.turned_away_kwh for piece in pieces),
        )
        for garage, pieces in by_garage.items()
    ]
    return sorted(found, key=lambda each: -each.figures.sessions)


def whole(groups: Sequence[GroupFigures]) -> GroupFigures:
    """Return the figures of all garages. Caps and peaks of different garages do not add up, so there is no cap."""
    return GroupFigures(
        ALL,
        0.0,
        Figures(ALL, tuple(one for group in groups for one in group.figures.played)),
        Bound(sum(group.bound.kwh for group in groups), sum(group.bound.cost_eur for group in groups)),
        sum(group.turned_away_kwh for group in groups),
    )


def _pieces(stays: Sequence[Stay]) -> Iterator[list[Stay]]:
    piece: list[Stay] = []
    empty_at: datetime | None = None
    for stay in sorted(stays, key=lambda each: each.arrives_at):
        if empty_at and stay.arrives_at > empty_at:
            yield piece
            piece, empty_at = [], None
        piece.append(stay)
        empty_at = max(stay.leaves_at, empty_at or stay.leaves_at)
    if piece:
        yield piece


def _instants(stays: Sequence[Stay]) -> list[datetime]:
    """Return when anything may happen: somebody comes or leaves, messages come, the clock ticks."""
    first = min(each.arrives_at for each in stays)
    last = max(each.leaves_at for each in stays)
    at = first - _after_midnight(first) % MESSAGE_EVERY
    found = {at for each in stays for at in (each.arrives_at, each.leaves_at)}
    while at < last:
        found.add(max(first, at))
        at += MESSAGE_EVERY
    return sorted(found)


def _is_on(at: datetime, step: timedelta) -> bool:
    return not _after_midnight(at) % step


def _after_midnight(at: datetime) -> timedelta:
    return at - datetime.min.replace(tzinfo=at.tzinfo)
