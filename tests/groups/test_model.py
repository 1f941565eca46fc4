"""Limits, loads and trees: what is available when, and which trees are none."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offpeak.errors import InvalidMessage
from offpeak.grid.model import Condition, Conditions
from offpeak.groups.caps import EVENLY, NOTHING, cap_steps, cap_tree, divided
from offpeak.groups.model import (
    Course,
    Group,
    GroupTree,
    LoadStep,
    Member,
    Phase,
    Place,
    measured_too,
    spread,
    validate,
)
from offpeak.planning.captree import CapNode, cap_at, nodes_of

NOW = datetime(2027, 3, 1, 18, tzinfo=UTC)
END = NOW + timedelta(hours=12)
SITE = Group("site", "The site", limit_a=Decimal(50))
BOARD = Group("board", "A board", parent_id="site", limit_w=20_000)
"""50 A of 230 V on each of three phases: 11 500 W on each, 34 500 W in all."""


def measured(*power_w: int) -> Course:
    return measured_too(Course(), LoadStep(NOW, power_w))


def steps(group: Group, *asked: Condition) -> list[tuple[float, float]]:
    """Hours after NOW, and watts."""
    caps = cap_steps(group, Conditions(asked), NOW, END)
    return [((each.start_at - NOW) / timedelta(hours=1), each.power_w) for each in caps]


@pytest.mark.parametrize(
    ("why", "group", "expected"),
    [
        ("the whole limit is available where nothing else flows", SITE, [(0, 34_500)]),
        ("the worst phase counts for all", replace(SITE, base_load=measured(500, 1500, 0)), [(0, 30_000)]),
        ("a load in one figure may all be on one phase", replace(SITE, base_load=measured(1500)), [(0, 30_000)]),
        (
            "a load in one figure is spread where the operator says so",
            replace(SITE, base_load=measured(1500), is_balanced=True),
            [(0, 33_000)],
        ),
        ("PV of an unknown phase helps nobody", replace(SITE, pv=measured(6000), stale_after_s=10**6), [(0, 34_500)]),
        ("PV on one phase does not help the others", replace(SITE, pv=measured(6000, 0, 100)), [(0, 34_500)]),
        (
            "PV on all phases counts until it is stale",
            replace(SITE, pv=measured(100, 100, 200), stale_after_s=3600),
            [(0, 34_800), (1, 34_500)],
        ),
        ("more load than the limit leaves nothing", replace(SITE, base_load=measured(20_000)), [(0, 0)]),
        ("a reserve is kept free", replace(SITE, reserve_w=4500), [(0, 30_000)]),
        ("a limit in watts holds in all", replace(BOARD, base_load=measured(1000, 2000, 0)), [(0, 17_000)]),
        (
            "after a stale measurement the forecast counts, and after its end the highest of the day",
            replace(
                BOARD,
                base_load=measured_too(
                    Course(
                        measured_too(Course(), LoadStep(NOW - timedelta(hours=3), (9000,))).measured,
                        (LoadStep(NOW, (2000,)), LoadStep(NOW + timedelta(hours=1), (3000,))),
                        NOW + timedelta(hours=2),
                        (LoadStep(NOW - timedelta(hours=3), (9000,)),),
                    ),
                    LoadStep(NOW, (1000,)),
                ),
            ),
            [(0, 19_000), (0.25, 18_000), (1, 17_000), (2, 11_000)],
        ),
        (
            "an assumption that is named counts instead of the highest of the day",
            replace(BOARD, base_load=measured_too(Course(), LoadStep(NOW, (9000,))), assumed_load_w=500),
            [(0, 11_000), (0.25, 19_500)],
        ),
        (
            "what was measured long ago does not count, but the highest of that day does",
            replace(BOARD, base_load=measured_too(Course(), LoadStep(NOW - timedelta(days=9), (700,)))),
            [(0, 19_300)],
        ),
        (
            "a forecast that has not begun yet tells nothing of before",
            replace(
                BOARD, base_load=Course(None, (LoadStep(NOW + timedelta(hours=1), (500,)),), END + timedelta(days=1))
            ),
            [(0, 20_000), (1, 19_500)],
        ),
    ],
)
def test_what_is_available_over_time(why: str, group: Group, expected: list[tuple[float, float]]) -> None:
    assert steps(group) == expected, why


def test_the_highest_of_each_hour_is_kept_for_a_day() -> None:
    course = Course()
    for hours, power_w in ((-30, 9000), (-24, 800), (-3, 500), (-2.9, 700), (0, 100)):
        course = measured_too(course, LoadStep(NOW + timedelta(hours=hours), (power_w,)))
    assert [each.power_w for each in course.peaks] == [(800,), (700,), (100,)]
    assert course.measured == LoadStep(NOW, (100,))


def test_a_measurement_that_comes_late_replaces_no_newer_one() -> None:
    course = measured_too(measured(100), LoadStep(NOW - timedelta(hours=1), (9000,)))
    assert course.measured == LoadStep(NOW, (100,))
    assert [each.power_w for each in course.peaks] == [(9000,), (100,)]


@given(
    st.integers(0, 40_000),
    st.lists(st.tuples(st.integers(0, 200), st.lists(st.integers(0, 50_000), min_size=3, max_size=3)), max_size=8),
    st.lists(st.tuples(st.integers(0, 200), st.lists(st.integers(0, 50_000), min_size=3, max_size=3)), max_size=8),
    st.integers(0, 5000),
)
def test_no_phase_is_ever_promised_more_than_its_fuse_lets_through(
    limit_w: int, loads: list[tuple[int, list[int]]], yields: list[tuple[int, list[int]]], reserve_w: int
) -> None:
    def course(told: list[tuple[int, list[int]]]) -> Course:
        by_start = {NOW + timedelta(minutes=10 * minutes): tuple(power_w) for minutes, power_w in told}
        forecast = tuple(LoadStep(at, by_start[at]) for at in sorted(by_start))
        return Course(None, forecast, END + timedelta(days=9))

    limit_a = Decimal(limit_w) / 1000
    group = Group("g", "G", limit_a=limit_a, base_load=course(loads), pv=course(yields), reserve_w=reserve_w)
    validate({"g": group})
    caps = cap_steps(group, NOTHING, NOW, END)
    assert caps[0].start_at == NOW

    def told(course: Course, at: datetime) -> tuple[int, ...]:
        return next((each.power_w for each in reversed(course.forecast) if each.start_at <= at), (0, 0, 0))

    for minute in range(0, 720, 30):
        at = NOW + timedelta(minutes=minute)
        each_w = Fraction(cap_at(CapNode("g", caps), at)) / 3
        for base, sun in zip(told(group.base_load, at), told(group.pv, at), strict=True):
            assert each_w == 0 or each_w + base - sun <= limit_a * 230


def test_a_sound_tree_tells_its_root() -> None:
    assert validate(tree(SITE, BOARD).groups) == "site"


WALLBOX = Member(Place("acme", "EVSE-1"), 11_040, 3)


@pytest.mark.parametrize(
    ("field", "groups"),
    [
        ("limit_a", [replace(SITE, limit_a=None)]),
        ("limit_a", [replace(SITE, limit_w=1)]),
        ("phases", [replace(SITE, phases=2)]),
        ("parent_id", [replace(SITE, parent_id="board"), BOARD]),
        ("parent_id", [replace(SITE, parent_id="site")]),
        ("parent_id", [SITE, replace(BOARD, parent_id="nowhere")]),
        ("parent_id", [SITE, replace(BOARD, parent_id=None)]),
        (
            "parent_id",
            [SITE, *(replace(BOARD, group_id=f"g{n}", parent_id=f"g{n - 1}" if n else "site") for n in range(4))],
        ),
        ("parent_id", [SITE, *(replace(BOARD, group_id=f"g{n}") for n in range(50))]),
        ("members", [replace(SITE, members=(WALLBOX,)), replace(BOARD, members=(WALLBOX,))]),
        ("members", [replace(SITE, members=(WALLBOX, Member(Place("acme", "evse-1", "1"), 1000)))]),
        ("members", [replace(SITE, members=tuple(Member(Place("acme", str(n)), 1) for n in range(1001)))]),
        ("phases", [replace(SITE, phases=1), replace(BOARD, members=(WALLBOX,))]),
        ("phase_order", [replace(SITE, members=(replace(WALLBOX, phase_order=(Phase.L1,)),))]),
        ("phase_order", [replace(SITE, members=(Member(Place("a", "b"), 1, 2, (Phase.L1, Phase.L1)),))]),
        ("unmanaged_w", [replace(SITE, members=(replace(WALLBOX, unmanaged_w=11_041),))]),
        ("base_load", [replace(SITE, base_load=measured(1, 2))]),
        ("pv.forecast.steps", [replace(SITE, pv=Course(None, (LoadStep(NOW, (1,)), LoadStep(NOW, (2,))), END))]),
        ("pv.forecast.until", [replace(SITE, pv=Course(None, (LoadStep(NOW, (1,)),), NOW))]),
    ],
)
def test_a_tree_that_is_none_is_refused_by_the_field(field: str, groups: list[Group]) -> None:
    with pytest.raises(InvalidMessage) as refused:
        validate({each.group_id: each for each in groups})
    assert refused.value.field == field


def test_a_session_belongs_to_its_connector_or_its_whole_evse() -> None:
    whole, one, two = (
        Member(Place("acme", *ids), power) for ids, power in ((("E",), 1), (("F", "1"), 2), (("F", "2"), 3))
    )
    known = tree(replace(SITE, members=(whole, one, two)))
    asked = (("e", "7"), ("E", None), ("f", "1"), ("F", None), ("F", "3"), ("G", None))
    found = [known.member_at(Place("acme", *each)) for each in asked]
    assert [each and each[1] for each in found] == [whole, whole, one, two, None, None]


def test_ids_cannot_be_made_to_look_like_others() -> None:
    places = [
        Place("a", "b#c"),
        Place("a", "b", "c"),
        Place("a", "b", "c#"),
        Place("a", "b#c", ""),
        Place("a", "b%23c"),
    ]
    assert len({each.text for each in places}) == 5 - 1  # Without a connector, and with an empty one, is the same.


@pytest.mark.parametrize(
    ("member", "phases", "expected"),
    [
        (Member(Place("a", "b"), 1, 3), 3, (Fraction(1, 3),) * 3),
        (Member(Place("a", "b"), 1, 1, (Phase.L2,)), 3, (0, 1, 0)),
        (Member(Place("a", "b"), 1, 1), 3, (1, 1, 1)),
        (Member(Place("a", "b"), 1), 3, (1, 1, 1)),
        (Member(Place("a", "b"), 1, 2, (Phase.L3, Phase.L1)), 3, (Fraction(1, 2), 0, Fraction(1, 2))),
        (Member(Place("a", "b"), 1, 1), 1, (1,)),
    ],
)
def test_a_draw_counts_on_its_phases_and_on_all_where_they_are_not_known(
    member: Member, phases: int, expected: tuple[Fraction, ...]
) -> None:
    assert spread(member, phases) == expected


def test_chargers_that_load_all_phases_alike_are_planned_in_the_groups_own_tree() -> None:
    known = tree(SITE, replace(BOARD, members=(WALLBOX,)))
    caps = cap_tree(known, {"s": WALLBOX.place, "elsewhere": Place("acme", "X")}, {}, NOW, END)
    assert [(each.name, each.members, cap_at(each, NOW)) for each in nodes_of(caps)] == [
        ("site", (), 34_500),
        ("board", ("s",), 20_000),
    ]


def test_a_reserve_is_no_greater_than_what_free_chargers_would_give() -> None:
    small = Member(Place("acme", "EVSE-2"), 11_040, 3, None, 4140)
    known = tree(replace(SITE, reserve_w=11_000, members=(WALLBOX, small)))
    assert cap_at(cap_tree(known, {"s": WALLBOX.place}, {}, NOW, END), NOW) == 34_500 - 4140
    assert cap_at(cap_tree(known, {"s": WALLBOX.place, "t": small.place}, {}, NOW, END), NOW) == 34_500


chargers = st.builds(
    lambda power_w, phases, order: (power_w, phases, order if order is None or phases is None else order[:phases]),
    st.integers(1000, 50_000),
    st.sampled_from([None, 1, 2, 3]),
    st.one_of(st.none(), st.permutations(tuple(Phase)).map(tuple)),
)


fractions = st.sampled_from([Decimal(0), Decimal("0.25"), Decimal(1)])
in_all = st.one_of(st.none(), st.integers(0, 30_000).map(Decimal))


@given(
    st.lists(chargers, min_size=1, max_size=8),
    st.lists(st.integers(0, 20_000), min_size=3, max_size=3),
    st.fixed_dictionaries({name: st.tuples(in_all, fractions) for name in ("site", "board")}),
)
def test_whatever_chargers_load_which_phase_no_fuse_carries_more_than_its_limit_and_signals_let_it(
    hardware: list[tuple[int, int | None, tuple[Phase, ...] | None]],
    loads: list[int],
    signals: dict[str, tuple[Decimal | None, Decimal]],
) -> None:
    members = tuple(Member(Place("acme", str(n)), *each) for n, each in enumerate(hardware))
    inner, outer = members[::2], members[1::2]
    board = Group("board", "A board", parent_id="site", limit_a=Decimal(32), members=inner)
    known = tree(replace(SITE, members=outer, base_load=measured(*loads)), board)
    asked = {name: Conditions((Condition(NOW, END, *each),)) for name, each in signals.items()}
    places = {str(n): each.place for n, each in enumerate(members)}
    caps = cap_tree(known, places, asked, NOW, NOW + timedelta(minutes=5))
    found = sorted(key for node in nodes_of(caps) for key in node.members)
    assert found == sorted(str(n) for n in range(len(members)))
    for group in known.groups.values():
        power_w, share = signals[group.group_id]
        nodes = [each for each in nodes_of(caps) if each.name.split()[0] == group.group_id]
        parts = [each for each in nodes if " " in each.name] or nodes
        on_top = [cap_at(each, NOW) for each in nodes if each not in parts]
        assert power_w is None or min([sum(cap_at(each, NOW) for each in parts), *on_top]) <= power_w
        for phase, load_w in enumerate(loads if group.group_id == "site" else (0, 0, 0)):
            # Each way of loading uses all that it is given.
            drawn = sum(
                Fraction(cap_at(each, NOW)) * spread(first, 3)[phase]
                for each in parts
                if (first := _first_below(each, members)) is not None
            )
            assert drawn <= max(group.limits_w[phase] - load_w, 0) * Fraction(share)


ON_ONE = Member(Place("acme", "EVSE-3"), 7360, 1)


@pytest.mark.parametrize(
    ("chargers", "limits_w"), [((WALLBOX,), [5520]), ((WALLBOX, ON_ONE), [1840, 1226])], ids=["alike", "not alike"]
)
def test_congestion_leaves_a_share_however_chargers_load_the_phases(
    chargers: tuple[Member, ...], limits_w: list[int]
) -> None:
    """32 A of three phases are 22 080 W, which chargers of different kinds share by what they can draw."""
    known = tree(replace(SITE, limit_a=Decimal(32), members=chargers))
    until = NOW + timedelta(hours=1)
    asked = {"site": Conditions((Condition(NOW, until, share=Decimal("0.25")),))}
    places = {each.place.text: each.place for each in chargers}

    def left_w(at: datetime) -> list[float]:
        return [cap_at(each, at) for each in nodes_of(cap_tree(known, places, asked, NOW, END)) if each.steps]

    assert left_w(NOW) == limits_w
    assert sum(left_w(until)) == pytest.approx(4 * sum(limits_w), abs=4)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (Condition(NOW, NOW + timedelta(hours=1), Decimal(30_000)), [(0, 30_000), (1, 34_500)]),
        (Condition(NOW, NOW + timedelta(hours=1), Decimal(40_000)), [(0, 34_500)]),
        (Condition(NOW + timedelta(hours=1), END, Decimal(30_000), Decimal("0.5")), [(0, 34_500), (1, 17_250)]),
    ],
)
def test_signals_lower_a_limit_while_they_hold_and_what_holds_at_the_end_stays(
    asked: Condition, expected: list[tuple[float, float]]
) -> None:
    assert steps(SITE, asked) == expected


def test_what_one_way_of_loading_cannot_use_the_others_get() -> None:
    on_l1, on_any = (Fraction(1), Fraction(0), Fraction(0)), (Fraction(1),) * 3
    room = [Fraction(each) for each in (1000, 9000, 9000)]
    parts = divided(room, {EVENLY: 9000, on_l1: 3000, on_any: 0})
    assert (parts[EVENLY], parts[on_l1], parts[on_any]) == (1500, 500, 0)
    assert divided(room, {EVENLY: 9000})[EVENLY] == 3000


def _first_below(node: CapNode, members: tuple[Member, ...]) -> Member | None:
    return next((members[int(key)] for each in nodes_of(node) for key in each.members), None)


def tree(*groups: Group) -> GroupTree:
    return GroupTree("site", 1, {each.group_id: each for each in groups})
