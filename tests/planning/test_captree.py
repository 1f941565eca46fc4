"""A tree of caps over time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import inf

from offpeak.planning.captree import CapNode, CapStep, cap_at, nodes_of, path_to

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)

BOARD = CapNode("board", (CapStep(NOON, 20_000.0), CapStep(NOON + HOUR, 11_000.0)), members=("a", "b"))
TREE = CapNode("connection", children=(BOARD, CapNode("other", members=("c",))), members=("d",))


def test_a_cap_holds_from_its_step_until_the_next_one() -> None:
    assert [cap_at(BOARD, NOON + part * HOUR) for part in (0.0, 0.99, 1.0, 9.0)] == [20_000, 20_000, 11_000, 11_000]


def test_the_first_cap_holds_before_its_time_too() -> None:
    assert cap_at(BOARD, NOON - HOUR) == 20_000


def test_a_node_without_steps_sets_no_cap() -> None:
    assert cap_at(TREE, NOON) == inf


def test_a_base_load_above_the_limit_leaves_nothing() -> None:
    assert cap_at(CapNode("board", (CapStep(NOON, -500.0),)), NOON) == 0.0


def test_every_node_comes_before_its_children() -> None:
    assert [node.name for node in nodes_of(TREE)] == ["connection", "board", "other"]


def test_the_caps_of_a_session_are_those_on_its_way_to_the_root() -> None:
    assert [node.name for node in path_to(TREE, "b")] == ["connection", "board"]
    assert [node.name for node in path_to(TREE, "d")] == ["connection"]
    assert path_to(TREE, "nobody") == ()
