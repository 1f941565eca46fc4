"""What sessions may draw together: a tree of caps over time (charger < board < connection < feeder)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from math import inf


@dataclass(frozen=True, slots=True)
class CapStep:
    """From `start_at` until the next step, at most `power_w`; less than nothing counts as nothing."""

    start_at: datetime
    power_w: float


@dataclass(frozen=True, slots=True)
class CapNode:
    """What the sessions named in `members` and all those below `children` may draw together.

    A cap is what is left for them: limit - base load + PV. `steps` ascend; without steps the node sets no cap, and
    the first step holds before its time, too, since nothing else is known. A session is a member of one node.
    """

    name: str
    steps: tuple[CapStep, ...] = ()
    children: tuple[CapNode, ...] = ()
    members: tuple[str, ...] = ()


CapTree = CapNode
"""The root of a tree of caps."""


def cap_at(node: CapNode, at: datetime) -> float:
    """Return the cap of a node at an instant, W; infinite where the node sets none."""
    found = node.steps[0].power_w if node.steps else inf
    for step in node.steps:
        if step.start_at > at:
            break
        found = step.power_w
    return max(0.0, found)


def nodes_of(tree: CapTree) -> Iterator[CapNode]:
    """Yield every node, each before its children."""
    yield tree
    for child in tree.children:
        yield from nodes_of(child)


def path_to(tree: CapTree, key: str) -> tuple[CapNode, ...]:
    """Return the nodes whose caps hold for a session, the root first; empty where no node names it."""
    if key in tree.members:
        return (tree,)
    for child in tree.children:
        path = path_to(child, key)
        if path:
            return (tree, *path)
    return ()
