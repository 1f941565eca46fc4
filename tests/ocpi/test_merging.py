"""Pushed objects merge the same in every order and number."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import reduce
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from offpeak.ocpi.merging import UNTOLD, Merged, Push, as_told, merge

FIELDS = ("status", "floor_level", "last_updated")
PARTS = ("e1", "e2", "e3")


def at(minutes: int) -> datetime:
    return datetime(2026, 1, 15, 17, tzinfo=UTC) + timedelta(minutes=minutes)


def put(minutes: int, parts: dict[str, Push] | None = None, **fields: object) -> Push:
    told = {name: as_told(fields.get(name)) for name in FIELDS}
    return Push(at(minutes), True, told, parts or {})


def patch(minutes: int, **fields: object) -> Push:
    return Push(at(minutes), False, {name: as_told(value) for name, value in fields.items()})


def of_part(part_id: str, part: Push) -> Push:
    """A message about a part alone."""
    return Push(part.stamp, parts={part_id: part})


def merged(*pushes: Push) -> Merged:
    return reduce(merge, pushes, UNTOLD)


minutes = st.integers(0, 6)
values = st.one_of(st.none(), st.sampled_from(["A", "B"]), st.integers(0, 2), st.just(Decimal("1.50")))
part_ids = st.sampled_from(PARTS)


@st.composite
def puts(draw: st.DrawFn, level: int = 2, since: int = 0) -> Push:
    """A PUT at most `level` levels deep; as at the edge, a part is never older than the whole it came in."""
    stamp = draw(st.integers(since, 8))
    inside = st.dictionaries(part_ids, puts(level - 1, stamp), max_size=2) if level else st.just({})
    return put(stamp, draw(inside), status=draw(values), floor_level=draw(values))


@st.composite
def patches(draw: st.DrawFn) -> Push:
    return patch(draw(minutes), **draw(st.dictionaries(st.sampled_from(FIELDS), values, max_size=2)))


pushes = st.one_of(
    puts(),
    patches(),
    st.builds(of_part, part_ids, st.one_of(puts(level=1), patches())),
    st.builds(of_part, part_ids, st.builds(of_part, part_ids, st.one_of(puts(level=0), patches()))),
)


@given(st.lists(pushes, max_size=6), st.randoms(use_true_random=False))
def test_any_order_and_repetition_of_messages_ends_in_the_same_object(told: list[Push], random: Random) -> None:
    """T14"""
    shuffled = [*told, *told[: len(told) // 2]]
    random.shuffle(shuffled)
    assert merged(*shuffled) == merged(*told)


@given(st.lists(pushes, max_size=5))
def test_a_message_that_comes_again_tells_nothing_new(told: list[Push]) -> None:
    """T14"""
    once = merged(*told)
    assert reduce(merge, told, once) == once


def test_an_older_message_overwrites_nothing_that_is_newer() -> None:
    """T14"""
    known = merged(put(0, status="AVAILABLE"), patch(5, status="CHARGING"), patch(3, status="BLOCKED", floor_level="2"))
    assert (known.value("status"), known.value("floor_level")) == ("CHARGING", "2")


def test_a_field_that_a_put_leaves_out_is_gone() -> None:
    known = merged(put(0, status="AVAILABLE", floor_level="2"), put(5, status="AVAILABLE"))
    assert known.value("floor_level") is None


def test_a_part_that_a_newer_put_of_the_whole_leaves_out_is_gone() -> None:
    known = merged(put(0, {"e1": put(0), "e2": put(0)}), put(5, {"e2": put(5)}))
    assert list(known.parts) == ["e2"]


def test_a_part_that_was_put_after_the_whole_stays() -> None:
    known = merged(put(0), of_part("e1", put(7, status="AVAILABLE")), put(5))
    assert known.parts["e1"].value("status") == "AVAILABLE"


def test_a_patch_alone_makes_nothing_known_and_is_not_lost() -> None:
    early = merged(patch(5, status="CHARGING"))
    assert not early.is_known
    known = merge(early, put(0, status="AVAILABLE"))
    assert known.is_known
    assert known.value("status") == "CHARGING"


def test_a_patch_of_a_part_that_is_gone_does_not_bring_it_back() -> None:
    known = merged(put(0, {"e1": put(0)}), put(5), of_part("e1", patch(8, status="CHARGING")))
    assert not known.parts["e1"].is_known


def test_messages_with_the_same_stamp_are_settled_by_what_they_say() -> None:
    assert merged(patch(1, status="A"), patch(1, status="B")) == merged(patch(1, status="B"), patch(1, status="A"))
    assert merged(patch(1, status=None), patch(1, status="A")).value("status") == "A"
