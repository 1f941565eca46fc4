"""Trees of groups in their table: what is written together, what outruns what, and who is told of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from offpeak.aws.tables import Put, Table, write_together
from offpeak.errors import ConcurrentChange, InvalidMessage, UnknownObject
from offpeak.groups.model import Course, Group, LoadStep, Member, OpenSession, Place
from offpeak.groups.store import SHARDS, GroupStore, StoredTree, TreeChange, shard_of

NOW = datetime(2027, 3, 1, 18, tzinfo=UTC)
SITE = Group("site", "The site", limit_a=Decimal(63))
BOARD = Group("board", "A board", parent_id="site", limit_w=20_000)
CHARGER = Member(Place("acme", "EVSE-1"), 11_040, 3)
SESSION = OpenSession("acme#s-1", "acme", "S-1", CHARGER.place, NOW)


@pytest.fixture
def table(make_table: Callable[[str], Table]) -> Table:
    return make_table("limit_groups")


@pytest.fixture
def store(table: Table) -> GroupStore:
    return GroupStore(table)


def test_a_tree_is_read_as_it_was_written(store: GroupStore) -> None:
    board = replace(BOARD, members=(CHARGER, Member(Place("acme", "evse-2", "1"), 3680, 1, None, 1380)))
    save(store, None, SITE, board)
    tree = store.tree_of("site")
    assert tree.groups == {"site": SITE, "board": board}
    assert (tree.revision, tree.plan_wanted, tree.plan_done, tree.sessions) == (1, 1, 0, ())


def test_every_change_of_limits_and_memberships_raises_the_revision_and_wants_a_plan(store: GroupStore) -> None:
    save(store, None, SITE)
    save(store, store.load("site"), replace(SITE, limit_a=Decimal(50)))
    save(store, store.load("site"), replace(SITE, limit_a=Decimal(50), members=(CHARGER,)))
    save(store, store.load("site"), replace(SITE, limit_a=Decimal(50)))
    tree = store.tree_of("site")
    assert (tree.revision, tree.plan_wanted, tree.root.members) == (4, 4, ())


def test_of_two_who_change_the_same_tree_the_second_has_to_look_again(store: GroupStore) -> None:
    save(store, None, SITE)
    seen = store.load("site")
    save(store, seen, replace(SITE, members=(CHARGER,)))
    with pytest.raises(ConcurrentChange):
        save(store, seen, replace(SITE, limit_a=Decimal(10)))
    assert store.tree_of("site").root == replace(SITE, members=(CHARGER,))


def test_a_charger_that_moves_raises_both_trees_revisions_and_both_want_a_plan(store: GroupStore) -> None:
    other = Group("other", "Another", limit_w=5000)
    save(store, None, replace(SITE, members=(CHARGER,)))
    save(store, None, other)
    site, there = store.load("site"), store.load("other")
    store.save(change(site, SITE), change(there, replace(other, members=(CHARGER,))), now=NOW, received_at=NOW)
    assert [(each.revision, each.plan_wanted) for each in map(store.tree_of, ("site", "other"))] == [(2, 2), (2, 2)]
    assert store.root_now("acme", "evse-1", None) == "other"


def test_a_charger_is_taken_into_one_of_two_trees_at_the_same_time(store: GroupStore) -> None:
    other = Group("other", "Another", limit_w=5000)
    save(store, None, SITE)
    save(store, None, other)
    site, there = store.load("site"), store.load("other")

    class Outrun(GroupStore):
        """Another writer comes in after this one has looked where the charger is."""

        def _evse_writes(self, changes):  # type: ignore[no-untyped-def]
            writes = list(super()._evse_writes(changes))
            save(store, site, replace(SITE, members=(CHARGER,)))
            return writes

    with pytest.raises(ConcurrentChange):
        save(Outrun(store._table), there, replace(other, members=(CHARGER,)))
    assert store.tree_of("other").root.members == ()
    assert store.root_now("acme", "EVSE-1", "1") == "site"


def test_an_evse_is_a_member_as_a_whole_or_by_its_connectors(store: GroupStore) -> None:
    other = Group("other", "Another", limit_w=5000, members=(Member(Place("acme", "EVSE-1", "1"), 5000),))
    save(store, None, replace(SITE, members=(CHARGER,)))
    with pytest.raises(InvalidMessage):
        save(store, None, other)


def test_a_charger_is_never_in_two_trees_though_whoever_takes_it_has_not_seen_the_first(store: GroupStore) -> None:
    save(store, None, replace(SITE, members=(CHARGER,)))
    with pytest.raises(ConcurrentChange):
        save(store, None, Group("other", "Another", limit_w=5000, members=(CHARGER,)))
    assert store.root_now("acme", "EVSE-1", None) == "site"


def test_a_planner_of_an_older_revision_writes_nothing(store: GroupStore, table: Table) -> None:
    save(store, None, replace(SITE, members=(CHARGER,)))
    seen = store.tree_of("site").revision
    save(store, store.load("site"), SITE)
    plan = (table, Put({"pk": "A plan", "sk": "PLAN"}))
    with pytest.raises(ConcurrentChange):
        write_together([plan, store.holds("site", seen)])
    with pytest.raises(ConcurrentChange):
        store.planned("site", 1, seen)
    with pytest.raises(ConcurrentChange):
        store.add_sessions("site", [SESSION], seen, now=NOW, received_at=NOW)
    assert table.get({"pk": "A plan", "sk": "PLAN"}) is None
    write_together([plan, store.holds("site", seen + 1)])
    assert table.get({"pk": "A plan", "sk": "PLAN"}) is not None


def test_sessions_come_and_go_once_each_and_every_time_a_plan_is_wanted(store: GroupStore) -> None:
    save(store, None, replace(SITE, members=(CHARGER,)))
    assert store.add_sessions("site", [SESSION], 1, now=NOW, received_at=NOW) == 2
    with pytest.raises(ConcurrentChange):
        store.add_sessions("site", [SESSION], 1, now=NOW, received_at=NOW)
    assert store.tree_of("site").sessions == (SESSION,)
    assert store.remove_session("site", SESSION.key, now=NOW, received_at=NOW) == 3
    assert store.remove_session("site", SESSION.key, now=NOW, received_at=NOW) is None
    tree = store.tree_of("site")
    assert (tree.sessions, tree.plan_wanted, tree.revision) == ((), 3, 1)


def test_what_else_flows_wants_a_plan_and_leaves_the_revision(store: GroupStore) -> None:
    save(store, None, SITE)
    course = Course(LoadStep(NOW, (100, 200, 300)), (LoadStep(NOW, (5,)),), NOW + timedelta(hours=1))
    assert store.save_load(store.load_group("site"), course, Course(), now=NOW, received_at=NOW) == 2
    tree = store.tree_of("site")
    assert (tree.root.base_load, tree.revision) == (course, 1)


def test_of_two_words_on_a_load_the_second_has_to_be_said_again(store: GroupStore) -> None:
    save(store, None, SITE)
    seen = store.load_group("site")
    store.save_load(seen, Course(LoadStep(NOW, (1,))), Course(), now=NOW, received_at=NOW)
    with pytest.raises(ConcurrentChange):
        store.save_load(seen, Course(LoadStep(NOW, (2,))), Course(), now=NOW, received_at=NOW)
    assert store.tree_of("site").root.base_load.measured == LoadStep(NOW, (1,))


def test_a_load_of_a_group_that_is_gone_is_not_kept(store: GroupStore) -> None:
    save(store, None, SITE, BOARD)
    seen = store.load_group("board")
    save(store, store.load("site"), SITE)
    with pytest.raises(ConcurrentChange):
        store.save_load(seen, Course(LoadStep(NOW, (1,))), Course(), now=NOW, received_at=NOW)
    assert store.tree_of("site").groups == {"site": SITE}


def test_a_tree_of_which_half_a_change_is_seen_is_read_again(store: GroupStore, table: Table) -> None:
    save(store, None, replace(SITE, members=(CHARGER,)))
    member = table.get({"pk": "TREE#site", "sk": f"MEMBER#{CHARGER.place.text}"})
    assert member is not None
    save(store, store.load("site"), SITE)

    class HalfSeen(Table):
        """The first query sees the charger though it has left."""

        readings = 0

        def query(self, *arguments, **options):  # type: ignore[no-untyped-def]
            self.readings += 1
            yield from super().query(*arguments, **options)
            if self.readings == 1:
                yield member

    half_seen = HalfSeen(table._client, table.name)
    assert GroupStore(half_seen).tree_of("site").root.members == ()
    assert half_seen.readings == 2


def test_a_tree_that_wants_a_plan_is_found_until_it_is_planned(store: GroupStore) -> None:
    save(store, None, SITE)
    assert wanting(store) == [("site", 1)]
    store.planned("site", 1, 1)
    assert wanting(store) == []
    assert store.want_plan("site", now=NOW, received_at=NOW) == 2
    assert wanting(store) == [("site", 2)]


def test_a_plan_that_one_more_cause_outran_is_noted_and_one_more_is_wanted(store: GroupStore) -> None:
    save(store, None, SITE)
    store.want_plan("site", now=NOW, received_at=NOW)
    store.planned("site", 1, 1)
    tree = store.tree_of("site")
    assert (tree.plan_wanted, tree.plan_done, wanting(store)) == (2, 1, [("site", 2)])


def test_nobody_plans_what_is_gone(store: GroupStore) -> None:
    save(store, None, SITE)
    save(store, store.load("site"))
    assert store.want_plan("site", now=NOW, received_at=NOW) is None
    assert store.want_plan("none", now=NOW, received_at=NOW) is None
    assert wanting(store) == []
    with pytest.raises(UnknownObject):
        store.tree_of("site")
    with pytest.raises(UnknownObject):
        store.root_of_group("site")


def test_a_tree_that_is_made_again_is_no_older_than_it_was(store: GroupStore) -> None:
    save(store, None, replace(SITE, members=(CHARGER,)))
    store.add_sessions("site", [SESSION], 1, now=NOW, received_at=NOW)
    save(store, store.load("site"))
    save(store, None, SITE)
    tree = store.tree_of("site")
    assert (tree.revision, tree.groups, tree.sessions) == (3, {"site": SITE}, ())


def test_a_charger_is_found_for_half_a_minute_where_it_was(table: Table) -> None:
    at_s = 1000.0
    store = GroupStore(table, lambda: at_s)
    save(store, None, replace(SITE, members=(CHARGER,)))
    assert store.root_of("acme", "evse-1", "2") == "site"
    save(store, store.load("site"), SITE)
    assert store.root_of("acme", "evse-1", "2") == "site"
    assert store.root_now("acme", "evse-1", "2") is None
    assert store.root_of("acme", "evse-1", "2", changed_at=datetime.fromtimestamp(at_s, UTC)) is None


def test_a_partner_without_groups_costs_one_look_for_all_its_chargers(table: Table) -> None:
    reads = list[str]()

    class Counting(Table):
        def get(self, key, *, consistent=True):  # type: ignore[no-untyped-def]
            reads.append(key["pk"])
            return super().get(key, consistent=consistent)

    store = GroupStore(Counting(table._client, table.name))
    assert [store.root_of("acme", f"evse-{number}", None) for number in range(5)] == [None] * 5
    assert reads == ["PARTNER#acme"]


def test_a_session_without_a_connector_finds_the_tree_of_its_evses_connectors(store: GroupStore) -> None:
    save(store, None, replace(SITE, members=(Member(Place("acme", "EVSE-1", "1"), 5000),)))
    assert store.root_now("acme", "EVSE-1", None) == "site"
    assert store.root_now("acme", "EVSE-1", "2") is None
    assert store.root_now("other", "EVSE-1", "1") is None


def test_groups_are_listed_tree_by_tree(store: GroupStore) -> None:
    save(store, None, SITE, BOARD)
    save(store, None, Group("attic", "The attic", limit_w=1))
    first, place = store.page(None, 2)
    second, end = store.page(place, 2)
    assert [(each.root_id, each.group_id) for each in (*first, *second)] == [
        ("attic", "attic"),
        ("site", "board"),
        ("site", "site"),
    ]
    assert end is None


def save(store: GroupStore, before: StoredTree | None, *groups: Group) -> None:
    store.save(change(before, *groups), now=NOW, received_at=NOW)


def change(before: StoredTree | None, *groups: Group) -> TreeChange:
    root_id = before.tree.root_id if before else groups[0].group_id
    return TreeChange(root_id, before, {each.group_id: each for each in groups})


def wanting(store: GroupStore) -> list[tuple[str, int]]:
    found = [list(store.wanting(shard, NOW - timedelta(days=1), NOW, 10)) for shard in range(SHARDS)]
    assert all(not roots or shard == shard_of(roots[0][0]) for shard, roots in enumerate(found))
    return [each for roots in found for each in roots]
