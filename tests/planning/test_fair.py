"""A shortfall is shared max-min fairly in proportion to need (docs/planning.md, Many sessions under one limit)."""

from __future__ import annotations

from random import Random

import pytest

from offpeak.planning.fair import fair_shares
from offpeak.planning.flow import Branch, tiers_of
from tests.planning.instances_group import GroupInstance, small
from tests.planning.oracles import group_optimum, most_for

SEEDS = range(150)


def shares_of(instance: GroupInstance) -> list[float]:
    tiers = tiers_of(instance.prices, instance.caps)
    return fair_shares(instance.rooms, instance.needs, instance.caps, tiers, branches=instance.branches)


@pytest.mark.parametrize("seed", SEEDS)
def test_nobody_can_be_given_more_without_taking_from_one_who_has_no_greater_share(seed: int) -> None:
    instance = small(Random(seed))
    given = shares_of(instance)
    assert sum(given) == pytest.approx(group_optimum(instance)[0], rel=1e-6, abs=1e-6)
    share = [energy / need if need > 1e-6 else 1.0 for energy, need in zip(given, instance.needs, strict=True)]
    for session, need in enumerate(instance.needs):
        if given[session] >= need - 1e-6:
            continue
        kept = [
            energy if other != session and share[other] <= share[session] + 1e-7 else 0.0
            for other, energy in enumerate(given)
        ]
        assert most_for(instance, session, kept) == pytest.approx(given[session], abs=1e-5)


def test_it_is_shared_in_proportion_to_need() -> None:
    assert shares_of(GroupInstance([0.1], [[9.0], [9.0]], [6.0, 3.0], [3.0])) == pytest.approx([2.0, 1.0])


def test_who_could_not_have_drawn_his_share_alone_leaves_the_rest_to_others() -> None:
    """The first leaves after one slot: it asks for 10 and could draw 2 of them."""
    instance = GroupInstance([0.1] * 3, [[2.0, 0.0, 0.0], [2.0] * 3], [10.0, 6.0], [2.5] * 3)
    assert shares_of(instance) == pytest.approx([2.0, 4.5])


def test_a_full_board_takes_nothing_from_those_on_other_boards() -> None:
    board = Branch([1.0], [0])
    instance = GroupInstance([0.1], [[9.0], [9.0], [9.0]], [4.0, 4.0, 2.0], [5.0], [board])
    assert shares_of(instance) == pytest.approx([1.0, 8 / 3, 4 / 3])


def test_where_all_fits_everybody_has_all() -> None:
    assert shares_of(GroupInstance([0.1, 0.2], [[2.0, 2.0]] * 2, [2.0, 2.0], [2.0, 2.0])) == [2.0, 2.0]
