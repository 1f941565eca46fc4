"""What many chargers draw together, as the fuse before them sees it: pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from local.car import Stretch, limit_at
from local.cpo.session import ChargingSession


@dataclass(frozen=True, slots=True)
class Load:
    """From `start_at` until the next load begins, watts.

    `limited_w` is what those chargers that hold their car to a limit let them draw at most, `unlimited_w` what the
    others' cars and hardware can, and `unlimited` their sessions' ids; `drawn_w` is the most that the cars did draw.
    """

    start_at: datetime
    limited_w: float
    unlimited_w: float
    drawn_w: float
    unlimited: tuple[str, ...] = ()


def load_of(sessions: Sequence[ChargingSession], start_at: datetime, end_at: datetime) -> list[Load]:
    """Return the load from `start_at` to `end_at`, one for each time at which anything changes: between two of them
    nothing does, but for what cars draw, which never rises within a stretch."""
    instants = {start_at}
    for session in sessions:
        instants |= {_begin(session), _end(session, end_at), *(each.start_at for each in session.drawn)}
        instants |= {max(at, step.start_at) for at, limits in session.held_to for step in limits}
        instants |= {at for at, _ in session.held_to}
    return [_load_at(sessions, at, end_at) for at in sorted(instants) if start_at <= at < end_at]


def _load_at(sessions: Sequence[ChargingSession], at: datetime, end_at: datetime) -> Load:
    limited_w = unlimited_w = drawn_w = 0.0
    unlimited = list[str]()
    for session in sessions:
        if not _begin(session) <= at < _end(session, end_at):
            continue
        in_force = [limits for since, limits in session.held_to if since <= at]
        most_w = session.car.max_power_w
        limit_w = limit_at(in_force[-1], at) if in_force else most_w
        if in_force and in_force[-1] and session.obeys:
            limited_w += min(limit_w, most_w)
        else:
            unlimited_w += most_w
            unlimited.append(session.visit.session_id)
        stretch = _stretch_at(session.drawn, at)
        drawn_w += stretch.first_power_w if stretch else 0.0
    return Load(at, limited_w, unlimited_w, drawn_w, tuple(unlimited))


def _stretch_at(drawn: Sequence[Stretch], at: datetime) -> Stretch | None:
    return next((each for each in drawn if each.start_at <= at < each.end_at), None)


def _begin(session: ChargingSession) -> datetime:
    return session.visit.arrives_at


def _end(session: ChargingSession, end_at: datetime) -> datetime:
    return end_at if session.visit.leaves_at is None else min(session.visit.leaves_at, end_at)
