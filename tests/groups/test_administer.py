"""Operators at the same groups at the same time, and those who die half-way."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from offpeak.aws.tables import Table
from offpeak.errors import ConcurrentChange, OffpeakError
from offpeak.groups.administer import GroupAdministration, trail_head, trail_of
from offpeak.groups.model import Member, Place
from offpeak.groups.settings import GroupChange, LoadTold, NewGroup
from offpeak.groups.store import GroupStore, TreeChange
from offpeak.ocpi.fields import read_object
from offpeak.partners.audit import Actor
from offpeak.partners.trail import AuditTrail

NOW = datetime(2027, 3, 1, 18, tzinfo=UTC)
ALICE, BOB = Actor("alice", "api"), Actor("bob", "api")


class World:
    """Two trees, `a` and `b`, whose plans and whose partners' plans are asked for."""

    def __init__(self, groups: Table, audit: Table) -> None:
        self.store, self.trail = GroupStore(groups), AuditTrail(audit, groups, trail_head)
        self.plans, self.partners = list[tuple[str, int]](), list[str]()
        for group_id in ("a", "b"):
            self.by().make(NewGroup(group_id=group_id, name=group_id.upper(), limit_w=50_000), ALICE)
        self.plans.clear()

    def by(self, store: GroupStore | None = None) -> GroupAdministration:
        return GroupAdministration(
            store or self.store,
            self.trail,
            ask_plan=lambda root_id, wanted: self.plans.append((root_id, wanted)),
            plan_anew=self.partners.append,
            now=lambda: NOW,
            real_now=lambda: NOW,
        )

    def members(self, root_id: str) -> set[str]:
        return {member.place.evse_uid for _, member in self.store.tree_of(root_id).members()}

    def check(self) -> None:
        """Each charger is where its EVSE's row says; both trails are whole; each tree's newest cause was asked for."""
        for root_id in ("a", "b"):
            tree = self.store.tree_of(root_id)
            for _, member in tree.members():
                assert self.store.root_of_member(member.place) == root_id
            assert self.trail.verify(trail_of(root_id)).problems == ()
            if tree.plan_wanted > 1:
                assert (root_id, tree.plan_wanted) in self.plans
        assert not self.members("a") & self.members("b")


@pytest.fixture
def world(make_table: Callable[[str], Table]) -> World:
    return World(make_table("limit_groups"), make_table("audit"))


def chargers(first: int, end: int) -> list[Member]:
    return [Member(Place("acme", f"E{number}"), 11_040, 3) for number in range(first, end)]


def test_operators_who_change_the_same_tree_at_the_same_time_lose_nothing(world: World) -> None:
    def work(number: int) -> bool:
        by = world.by(GroupStore(world.store._table))
        try:
            by.change_members("a", chargers(number, number + 1), [], ALICE)
            by.tell_load("a", read_object(LoadTold, {"base_load": {"measured": {"power_w": number}}}))
        except ConcurrentChange:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(work, range(8)))
    missing = [number for number, is_done in enumerate(done) if not is_done]
    assert all(map(work, missing))
    assert world.members("a") == {f"E{number}" for number in range(8)}
    world.check()


def test_a_charger_that_two_trees_take_at_the_same_time_is_in_one(world: World) -> None:
    def take(group_id: str) -> None:
        by = world.by(GroupStore(world.store._table))
        for _ in range(4):
            with suppress(ConcurrentChange):
                by.change_members(group_id, chargers(0, 3), [], BOB)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(take, ("a", "b")))
    assert world.members("a") | world.members("b") == {"E0", "E1", "E2"}
    world.check()


class ProcessDied(Exception):
    pass


class Dying(GroupStore):
    """A process that dies right after its save number `survives`."""

    def __init__(self, table: Table, survives: int) -> None:
        super().__init__(table)
        self.left = survives

    def save(self, *changes: TreeChange, **options: Any) -> None:
        super().save(*changes, **options)
        self.left -= 1
        if self.left == 0:
            raise ProcessDied


@pytest.mark.parametrize("survives", [1, 2, 3])
def test_who_dies_half_way_may_say_it_again(world: World, survives: int) -> None:
    world.by().change_members("b", chargers(0, 30), [], ALICE)
    with pytest.raises(ProcessDied):
        world.by(Dying(world.store._table, survives)).change_members("a", chargers(0, 60), [], ALICE)
    assert len(world.members("a") | world.members("b")) >= 30
    assert not world.members("a") & world.members("b")
    for root_id in ("a", "b"):
        tree = world.store.tree_of(root_id)
        assert not tree.is_planned, "the sweep finds the plan that the dead one did not ask for"
    world.by().change_members("a", chargers(0, 60), [], ALICE)
    assert world.members("a") == {f"E{number}" for number in range(60)}
    assert world.store.root_now("acme", "E7", None) == "a"
    assert world.trail.verify(trail_of("a")).problems == ()


def test_a_change_that_cannot_be_whole_changes_nothing(world: World) -> None:
    many = [*chargers(0, 60), replace(chargers(60, 61)[0], unmanaged_w=99_999)]
    with pytest.raises(OffpeakError):
        world.by().change_members("a", many, [], ALICE)
    assert world.members("a") == set()
    assert world.plans == []


def test_a_full_tree_takes_no_more_chargers(world: World) -> None:
    with pytest.raises(OffpeakError, match="1000"):
        world.by().change_members("a", chargers(0, 1001), [], ALICE)


def test_a_plan_that_was_in_the_making_is_void_once_a_limit_changes(world: World) -> None:
    seen = world.store.tree_of("a")
    world.by().change("a", GroupChange(limit_w=10_000), BOB)
    with pytest.raises(OffpeakError):
        world.store.planned("a", seen.plan_wanted, seen.revision)
    assert not world.store.tree_of("a").is_planned
