"""Fifty chargers behind one limit, seen from the side of the CPO: what they hold cars to, and what these draw."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from local.car import Car, Visit
from local.cpo import Answer, Load, Result, ResultComes
from local.cpo.wire import write_instant
from offpeak.profiles.model import RequestState
from tests.e2e.partner import Partner
from tests.e2e.scene import Scene
from tests.e2e.stage import EVENING
from tests.e2e.test_administration import Operator

log = logging.getLogger(__name__)

CHARGERS = 50
MAX_W = 11_040
BOARD_A = 200
"""On each phase: 138 kW, where fifty chargers could draw 552 kW."""
CONNECTION_W = 150_000
TICK = timedelta(seconds=5)
PAUSE_S = 0.1
"""Real time for each TICK of simulated time, at least: some twenty times as fast, so that profiles reach their chargers
at any second, while others are on their way."""
WITHIN_S = 10.0
"""In real time, for a cut to reach every charger that it concerns, where nothing else is at work."""
LOADED = 3
"""So many times longer it may take while other tests have the processors."""


@dataclass
class Exposure:
    """What could have been drawn above a cap: for how many real seconds, how much at most, and for how many of them
    each session that no profile held was among the cause."""

    lasted_s: float = 0.0
    most_w: float = 0.0
    by_s: dict[str, float] = field(default_factory=dict)


@dataclass
class Yard:
    """A connection with one board, and fifty chargers behind that."""

    scene: Scene
    partner: Partner
    operator: Operator
    caps: list[tuple[datetime, float]] = field(default_factory=list)
    """What the chargers may draw together, and from when on."""
    cuts: list[tuple[datetime, datetime]] = field(default_factory=list)
    """When a cut was ordered, and when it had reached every charger."""
    swept_at: datetime = EVENING
    ticks: list[tuple[datetime, float]] = field(default_factory=list)
    """When each step of simulated time was over, in real seconds."""

    def __post_init__(self) -> None:
        self.make("connection", limit_w=CONNECTION_W)
        self.make("board", kind="BOARD", parent_id="connection", limit_a=BOARD_A)
        chargers = [
            {"partner_id": self.partner.partner_id, "evse_uid": f"EVSE-{n}", "max_power_w": MAX_W, "phases": 3}
            for n in range(CHARGERS)
        ]
        self.order("PATCH", "board/members", {"put": chargers})
        self.caps.append((self.scene.now, BOARD_A * 690))

    def make(self, group_id: str, **settings: Any) -> None:
        self.order("POST", "", {"group_id": group_id, "name": group_id, **settings})

    def order(self, method: str, path: str, body: object) -> None:
        answer = self.operator.ask(method, f"/ops/v1/groups/{path}".rstrip("/"), body, seen="*")
        assert answer.status_code in (200, 201), answer.text

    # -- cars

    def plug_in(self, *numbers: int, **car: Any) -> None:
        cpo = self.partner.cpo
        taken = {each.casefold() for each in self.partner.cpo._cpo.sessions}
        cpo.plug_in(
            *(
                Visit(
                    f"C{n}" if f"c{n}" not in taken else f"C{n}b",
                    f"EVSE-{n}",
                    Car(battery_kwh=60, soc=0.2, **car),
                    cpo.now,
                )
                for n in numbers
            )
        )

    def unplug(self, *numbers: int) -> None:
        for n in numbers:
            self.partner.cpo.unplug(f"C{n}")

    # -- time

    def run(self, minutes: float) -> None:
        """Let time pass in steps of TICK, whatever is on its way: cars charge, the CPO tells, and the sweep comes by
        every minute."""
        until = self.scene.now + timedelta(minutes=minutes)
        while self.scene.now < until:
            self.tick()

    def tick(self) -> None:
        self.scene.cloud.clock.advance(TICK)
        self.partner.cpo.advance(self.scene.now)
        if self.scene.now - self.swept_at >= timedelta(minutes=1):
            self.swept_at = self.scene.now
            self.scene.cloud.invoke("sweep_sessions")
        time.sleep(PAUSE_S)
        self.ticks.append((self.scene.now, time.monotonic()))

    def settle(self) -> None:
        """Let all that is on its way arrive while time stands still."""
        self.scene.settle(timeout_s=300)

    def cut(self, cap_w: float, order: Callable[[], None]) -> float:
        """Lower what may be drawn, and return after how many real seconds every charger holds its car to that."""
        ordered_at, began_s = self.scene.now, time.monotonic()
        order()
        while self.load().limited_w > cap_w + 1 and time.monotonic() < began_s + LOADED * WITHIN_S:
            self.tick()
        took_s = time.monotonic() - began_s
        assert self.load().limited_w <= cap_w + 1, "it does not reach all chargers at all"
        self.caps.append((ordered_at, cap_w))
        self.cuts.append((ordered_at, self.partner.cpo.now))
        return took_s

    # -- what there is to see

    def load(self) -> Load:
        now = self.partner.cpo.now
        return self.partner.cpo.load(now, now + timedelta(seconds=1))[0]

    def loads(self) -> list[Load]:
        return self.partner.cpo.load(self.caps[0][0], self.partner.cpo.now)

    def cap_at(self, at: datetime) -> float:
        """The cap that holds at an instant; while a cut is on its way, that from before it."""
        caps = [cap_w for since, cap_w in self.caps if since <= at]
        for number, (ordered_at, reached_at) in enumerate(self.cuts):
            if ordered_at <= at < reached_at:
                return self.caps[number][1]
        return caps[-1]

    def exposure(self, loads: Sequence[Load]) -> Exposure:
        """Return what cars could have drawn above the cap, and whose chargers held them to nothing then."""
        found = Exposure()
        for load, following in pairwise([*loads, replace(loads[-1], start_at=self.partner.cpo.now)]):
            over_w = load.limited_w + load.unlimited_w - self.cap_at(load.start_at)
            if over_w > 1:
                took_s = self.real_s(following.start_at) - self.real_s(load.start_at)
                found.lasted_s += took_s
                found.most_w = max(found.most_w, over_w)
                for session_id in load.unlimited:
                    found.by_s[session_id] = found.by_s.get(session_id, 0.0) + took_s
        return found

    def real_s(self, at: datetime) -> float:
        """Return when an instant of simulated time was over, in real seconds."""
        return next((real_s for now, real_s in self.ticks if now >= at), self.ticks[-1][1])

    def is_new(self, session_id: str) -> bool:
        """Say whether a charger once held its car to a profile: until then it was new, and after that it never was
        without one."""
        held_to = [limits for _, limits in self.partner.cpo._cpo.sessions[session_id.casefold()].held_to]
        return bool(held_to) and all(held_to[next((n for n, each in enumerate(held_to) if each), 0) :])

    def above_cap(self, loads: Sequence[Load], watts: Callable[[Load], float]) -> list[str]:
        """Say when a load is above the cap, and by how much."""
        return [
            f"{each.start_at:%H:%M:%S}: {watts(each) - self.cap_at(each.start_at):.0f} W"
            for each in loads
            if watts(each) > self.cap_at(each.start_at) + 1
        ]


@pytest.fixture
def yard(scene: Scene) -> Yard:
    partner = scene.partner(
        cpo={"profile_timeout_s": 60, "report_every": timedelta(minutes=5)},
        planning={"phases": 3, "minimum_now_kwh": 6},
        flags={"in_flight_cap": 16, "profile_timeout_s": 60},
    )
    return Yard(scene, partner, Operator(scene))


@pytest.mark.alone
def test_no_cap_is_passed_at_any_second_while_fifty_cars_come_and_go(yard: Yard) -> None:
    partner = yard.partner
    refuse = {f"C{n}" for n in (20, 21, 22, 23, 24, 25)}
    # In the evening everybody charges his minimum at once, so that the limit binds from the first second on.
    yard.plug_in(*range(20))
    yard.run(1)

    partner.misbehave("C20", answer=Answer.REJECTED)
    partner.misbehave("C21", slow_s=1.5, calls=1)
    partner.misbehave("C22", silent=True, calls=1)
    partner.misbehave("C23", result_comes=ResultComes.NEVER, calls=1)
    partner.misbehave("C24", http_status=503, calls=1)
    partner.misbehave("C25", result=Result.REJECTED, calls=1)
    partner.misbehave("C3", slow_s=1.0)
    partner.misbehave("C4", result_comes=ResultComes.LATE, result_late_by_s=20)
    for number in range(20, 40, 4):
        yard.plug_in(*range(number, number + 4))
        yard.run(0.2)
    yard.unplug(0, 1, 2, 5)
    yard.plug_in(*range(40, 50))
    yard.run(1)

    rise = {"measured": {"at": write_instant(yard.scene.now), "power_w": 60_000}}
    took_load_s = yard.cut(90_000, lambda: yard.order("PUT", "connection/load", {"base_load": rise}))
    yard.plug_in(0, 1)
    yard.unplug(6, 7, 8)
    yard.run(0.5)
    took_cut_s = yard.cut(100 * 690, lambda: yard.order("PATCH", "board", {"limit_a": 100}))
    yard.run(0.5)
    yard.settle()
    yard.tick()

    loads = yard.loads()
    assert yard.above_cap(loads, lambda each: each.limited_w) == [], "chargers with a profile of ours"
    assert yard.above_cap(loads, lambda each: each.drawn_w - each.unlimited_w) == [], "their cars"
    assert max(each.limited_w for each in loads) > 100_000, "the limit was used"
    assert max(took_cut_s, took_load_s) < LOADED * WITHIN_S
    exposure = yard.exposure(loads)
    log.info("%s", exposure)
    new_s = [took_s for each, took_s in exposure.by_s.items() if each not in refuse]
    assert all(each in refuse or yard.is_new(each) for each in exposure.by_s), exposure
    assert max(new_s) < LOADED * WITHIN_S, exposure
    assert loads[-1].unlimited == ("C20",)
    assert loads[-1].limited_w + loads[-1].unlimited_w <= yard.cap_at(partner.cpo.now) + 1, (
        "room is made for who refuses"
    )
    assert partner.newest("C20").state is RequestState.REJECTED
