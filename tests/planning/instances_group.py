"""Groups of sessions under shared caps, made up: for tests, and for benches at any size."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from offpeak.planning.captree import CapNode, CapStep
from offpeak.planning.flow import Branch
from offpeak.planning.situation import Milestone, PowerCap, PricedSlot, Situation

SLOT_H = 0.25
QUARTER = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class GroupInstance:
    """Prices in EUR/kWh; rooms, needs and caps in kWh."""

    prices: list[float]
    rooms: list[list[float]]
    needs: list[float]
    caps: list[float]
    branches: list[Branch] = field(default_factory=list)


def night_of(sessions: int, slots: int = 96, *, seed: int = 1, tightness: float = 0.5) -> GroupInstance:
    """Cars that come and go within a day of quarter-hours, 3.7 to 22 kW each, under one cap.

    The cap is `tightness` times what all cars need in the slots, at that level evenly, plus a moving base load; at
    0.5 a good part of the needs is moved and nearly all of it delivered.
    """
    random = Random(seed)
    prices = [round(0.10 + 0.25 * random.random(), 5) for _ in range(slots)]
    rooms, needs = [], []
    for _ in range(sessions):
        first = random.randrange(0, slots // 2)
        last = random.randrange(first + slots // 8, slots + 1)
        room = random.choice((3.7, 7.4, 11.0, 11.0, 22.0)) * SLOT_H
        rooms.append([room if first <= t < last else 0.0 for t in range(slots)])
        needs.append(round(random.uniform(0.1, 0.7) * room * (last - first), 3))
    mean = sum(needs) / slots
    caps = [round(mean / tightness * random.uniform(0.7, 1.0), 3) for _ in range(slots)]
    return GroupInstance(prices, rooms, needs, caps)


def small(random: Random) -> GroupInstance:
    """Anything that can occur, at a size that an oracle solves quickly: ties, gaps, closed slots, trees of boards."""
    slots, sessions = random.randint(1, 9), random.randint(0, 7)
    prices = [random.choice((-0.05, 0.0, 0.1, 0.1, 0.3, round(random.uniform(-0.1, 0.5), 4))) for _ in range(slots)]
    rooms = []
    for _ in range(sessions):
        first = random.randrange(slots)
        last = random.randint(first + 1, slots)
        power = random.choice((0.925, 2.75, 2.75, round(random.uniform(0.01, 5.5), 4)))
        rooms.append([power * random.choice((1, 1, 1, 0.4, 0.0)) if first <= t < last else 0.0 for t in range(slots)])
    needs = [random.choice((0.0, 1.0, round(random.uniform(0.0, 1.4) * sum(row), 4))) for row in rooms]
    scale = random.choice((0.2, 0.6, 1.0, 1.5)) * max(0.5, sum(needs)) / slots
    caps = [random.choice((0.0, scale, scale, round(scale * random.uniform(0.3, 2.0), 4))) for _ in range(slots)]
    return GroupInstance(prices, rooms, needs, caps, _boards(random, sessions, caps) if random.random() < 0.6 else [])


def _boards(random: Random, sessions: int, caps: list[float]) -> list[Branch]:
    count = random.randint(1, 4)
    members: list[list[int]] = [[] for _ in range(count)]
    for session in range(sessions):
        place = random.randint(-1, count - 1)
        if place >= 0:
            members[place].append(session)
    return [
        Branch(
            [round(cap * random.choice((0.3, 0.5, 0.8, 1.2)), 4) for cap in caps],
            members[place],
            random.randint(-1, place - 1),
        )
        for place in range(count)
    ]


NOW = datetime(2026, 1, 15, 18, 0, tzinfo=UTC)


def garage(random: Random, *, cars: int | None = None) -> tuple[dict[str, Situation], CapNode]:
    """Cars of all kinds at one time in a building with boards: late ones, slow ones, those with levels due."""
    count = random.randint(1, 12) if cars is None else cars
    hours = random.randint(2, 14)
    slots = tuple(
        PricedSlot(
            NOW + quarter * QUARTER,
            NOW + (quarter + 1) * QUARTER,
            random.choice((-0.02, 0.1, 0.2, random.random() / 2)),
        )
        for quarter in range(hours * 4)
    )
    situations = {f"car-{number}": _car(random, slots, hours) for number in range(count)}
    keys = list(situations)
    most = sum(each.max_power_w for each in situations.values())
    boards = random.randint(0, 3)
    members: list[list[str]] = [[] for _ in range(boards + 1)]
    for key in keys:
        members[random.randint(0, boards)].append(key)
    children = tuple(
        CapNode(f"board-{place}", _steps(random, most * random.uniform(0.1, 0.7), hours), members=tuple(each))
        for place, each in enumerate(members[1:])
    )
    steps = _steps(random, most * random.choice((0.1, 0.3, 0.5, 1.0)), hours)
    return situations, CapNode("connection", steps, children, tuple(members[0]))


def _steps(random: Random, power_w: float, hours: int) -> tuple[CapStep, ...]:
    ats = sorted(random.sample(range(-60, hours * 90), random.randint(0, 4)))
    return tuple(
        CapStep(NOW + timedelta(minutes=at), round(power_w * random.choice((0.0, 0.5, 1.0, 1.0, 1.3)), 1)) for at in ats
    )


def _car(random: Random, slots: tuple[PricedSlot, ...], hours: int) -> Situation:
    phases = random.choice((1, 3, 3))
    in_amperes = random.random() < 0.7
    most = random.choice((16, 32)) * 230.0 * phases
    stay_s = random.choice((hours * 3600, random.randint(-1800, hours * 3600)))
    need = random.choice(
        (0.0, random.uniform(0.0, 1.2) * max(0, stay_s) / 3600 * most / 1000, random.uniform(1.0, 30.0))
    )
    leaves_at = NOW + timedelta(seconds=stay_s)
    return Situation(
        now=NOW,
        slots=slots,
        need_kwh=need,
        departure_at=leaves_at,
        max_power_w=most,
        min_power_w=random.choice((6 * 230.0 * phases, 6 * 230.0 * phases, 0.0)),
        minimum_now_kwh=random.choice((0.0, 0.0, 0.0, 3.0)),
        milestones=(Milestone(NOW + timedelta(seconds=stay_s // 2), need / 3),)
        if stay_s > 0 and random.random() < 0.3
        else (),
        caps=(PowerCap(NOW + QUARTER, NOW + 5 * QUARTER, random.choice((0.0, 5000.0, most))),)
        if random.random() < 0.2
        else (),
        need_is_known=random.random() < 0.6,
        room_kwh=random.choice((None, need + 5.0)),
        draw_w=random.choice((None, None, most * 0.68)),
        limit_step_w=23.0 * phases if in_amperes else 0.1,
    )
