"""Sessions that share a limit, from their messages to what their chargers have, in the real embedded database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from offpeak.groups.model import Group, Member, Place
from offpeak.groups.store import StoredTree, TreeChange
from offpeak.profiles.exposure import Hardware, exposure_of, may_hold
from offpeak.profiles.model import ProfileRequest, RequestState, Standing
from offpeak.profiles.power_steps import PowerSteps, power_at
from offpeak.sessions.model import SessionKey
from tests.profiles.world import World
from tests.sessions.builders import KEY, a_patch, a_put

MAX_W = 11040
HARDWARE = Hardware(MAX_W, MAX_W)


def key_of(number: int) -> SessionKey:
    return SessionKey(KEY.partner_id, f"S-{number}")


class Site:
    """A connection with chargers E1, E2, ... behind it."""

    def __init__(self, world: World, chargers: int, limit_w: int, **changes: Any) -> None:
        self.world = world
        self.group = Group("site", "The site", limit_w=limit_w, members=members(range(1, chargers + 1)), **changes)
        self.change(self.group)

    def change(self, group: Group) -> None:
        """Write the group as it is from now on, and ask for its plan, as the operators' API does."""
        stored = self.stored() if self.world.groups._table.get({"pk": "TREE#site", "sk": "ROOT"}) else None
        change = TreeChange("site", stored, {"site": group})
        self.group = group
        self.world.groups.save(change, now=self.world.now, received_at=self.world.real_now)
        self.world.plan_queue.ask_group("site", self.world.groups.tree_of("site").plan_wanted)

    def stored(self) -> StoredTree:
        return self.world.groups.load("site")

    def plug_in(self, *numbers: int) -> None:
        for number in numbers:
            self.world.receive(replace(a_put(0, evse_uid=f"E{number}"), key=key_of(number)))

    def tell(self, number: int, minutes: float, **fields: Any) -> None:
        self.world.receive(replace(a_patch(minutes, **fields), key=key_of(number)))

    def settle(self) -> None:
        """Deliver all messages and results, until nothing is on its way."""
        while self.world.deliver() or self.world.cpo.awaited:
            self.world.results()

    def standing(self, number: int) -> Standing:
        return self.world.profiles.standing(key_of(number))

    def newest(self, number: int) -> ProfileRequest:
        request = self.world.profiles.request(self.standing(number).newest_request_id or "")
        assert request
        return request

    def exposure(self, number: int) -> PowerSteps:
        held = [self.world.request(each) for each in self.standing(number).held]
        return exposure_of(may_hold(held), self.world.partner.planning, HARDWARE, is_lost=False)

    def highest_w(self, numbers: Iterable[int]) -> int:
        """The most that these sessions may draw together at any time from now on."""
        exposures = [self.exposure(number) for number in numbers]
        instants = {self.world.now, *(at for each in exposures for at, _ in each if at > self.world.now)}
        return max(sum(power_at(each, at) for each in exposures) for at in instants)


def members(numbers: Iterable[int]) -> tuple[Member, ...]:
    return tuple(Member(Place(KEY.partner_id, f"E{number}"), MAX_W, 3) for number in numbers)


def test_three_cars_behind_one_limit_are_planned_together_sent_and_confirmed(world: World) -> None:
    site = Site(world, 3, 12_000)
    site.plug_in(1, 2, 3)
    site.settle()
    assert [site.newest(number).state for number in (1, 2, 3)] == [RequestState.CHARGER_ACCEPTED] * 3
    assert 0 < site.highest_w((1, 2, 3)) <= 12_000
    assert [site.standing(number).root_id for number in (1, 2, 3)] == ["site"] * 3
    assert site.stored().tree.is_planned
    plans = [site.standing(number).plan for number in (1, 2, 3)]
    assert all(plan is not None and plan.shortfall_kwh == 0 for plan in plans), "the night is long enough for all"
