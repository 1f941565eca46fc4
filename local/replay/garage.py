"""Play the stays of one garage under a common cap: planned together, as one limit group.

The cars' messages come at the same five minutes, as from a system that asks its chargers in turn; whoever plugs in
says so at once. Plans are made for all when one of them causes it, when one comes or leaves, and by the clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from local.replay.bound import Bound, bound_of
from local.replay.figures import Figures, peak_kw, uncontrolled
from local.replay.managed import MESSAGE_EVERY, ManagedSession, Rules
from local.replay.market import Market
from local.replay.run import Played, played
from local.replay.stay import Stay
from offpeak.planning.captree import CapNode, CapStep
from offpeak.planning.group import decide_group
from offpeak.prices.model import QUARTER


@dataclass(frozen=True, slots=True)
class Part:
    """Stays of one garage that follow each other without a time when nobody is there, and what they may draw."""

    garage: str
    stays: tuple[Stay, ...]
    cap_w: float


@dataclass(frozen=True, slots=True)
class GroupPlayed:
    """What came of one part, beside what perfect information could have made of it."""

    part: Part
    played: tuple[Played, ...]
    bound: Bound


def parts_of(stays: Sequence[Stay], *, cap_share: float, together: bool) -> list[Part]:
    """Return the garages' parts, each under `cap_share` of what its cars draw at most if nobody holds them back.

    `together` takes all stays for those of one garage.
    """
    garages: dict[str, list[Stay]] = {}
    for stay in stays:
        garages.setdefault("all" if together else stay.garage, []).append(stay)
    parts = []
    for garage, all_of_it in sorted(garages.items()):
        cap_w = cap_share * peak_kw(uncontrolled(each) for each in all_of_it) * 1000
        parts += [Part(garage, tuple(piece), cap_w) for piece in _pieces(all_of_it)]
    return parts


def play_part(part: Part, market: Market, rules: Rules) -> GroupPlayed:
    """Play one part, second by second where anything may change."""
    coming = sorted(part.stays, key=lambda stay: (stay.arrives_at, stay.session_id), reverse=True)
    present: dict[str, ManagedSession] = {}
    over: list[Played] = []
    steps = (CapStep(coming[-1].arrives_at, part.cap_w),)
    for at in _instants(part.stays):
        for session in present.values():
            session.car.wait_until(at)
        gone = [key for key, session in present.items() if session.stay.leaves_at <= at]
        over += [played(present.pop(key), market) for key in gone]
        new = []
        while coming and coming[-1].arrives_at <= at:
            stay = coming.pop()
            present[stay.session_id] = session = ManagedSession(stay, market, rules)
            new.append(session)
        heard = present.values() if _is_on(at, MESSAGE_EVERY) else new
        news = [session for session in heard if session.hear()]
        if present and (news or gone or new or _is_on(at, QUARTER)):
            situations = {key: session.situation(at) for key, session in present.items()}
            plans = decide_group(situations, CapNode(part.garage, steps, members=tuple(situations)), now=at)
            for key, plan in plans.items():
                present[key].adopt(plan, at)
    return GroupPlayed(part, tuple(over), bound_of(part.stays, part.cap_w, market))


def together(name: str, groups: Sequence[GroupPlayed]) -> Figures:
    """Return the figures of all groups as those of one set of rules."""
    return Figures(name, tuple(each for group in groups for each in group.played))


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
