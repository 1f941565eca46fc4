"""Histograms that add up: bounded, exact to 5 %, the same in whatever order and from however many processes."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offpeak.partners.figures import LONGEST, Figures, timing

LIMIT = timedelta(seconds=10)
durations = st.integers(1, LONGEST // timedelta(milliseconds=1)).map(lambda ms: timedelta(milliseconds=ms))


def figures_of(*took: timedelta) -> Figures:
    counts: Counter[str] = Counter()
    for each in took:
        counts.update(timing("answer", each, late_after=LIMIT))
    return Figures(counts)


@given(st.lists(durations, min_size=1, max_size=60), st.sampled_from([0.5, 0.95, 1.0]))
def test_a_quantile_is_within_five_per_cent_of_the_true_one(took: list[timedelta], share: float) -> None:
    place = next(at for at in range(1, len(took) + 1) if at >= share * len(took))
    true = sorted(took)[place - 1]
    told = figures_of(*took).quantile("answer", share)
    assert told is not None
    assert abs(told - true) <= true * 0.05 + timedelta(milliseconds=1)


@given(st.lists(durations, max_size=40), st.integers(0, 40))
def test_parts_add_up_to_the_whole(took: list[timedelta], cut: int) -> None:
    parts = Counter(figures_of(*took[:cut]).counts)
    parts.update(figures_of(*took[cut:]).counts)
    assert parts == Counter(figures_of(*reversed(took)).counts)


@given(st.timedeltas())
def test_no_duration_needs_more_than_some_two_hundred_buckets(took: timedelta) -> None:
    [bucket] = [name for name in timing("delay", took, late_after=LIMIT) if "~" in name]
    assert 0 <= int(bucket.removeprefix("delay~")) < 215


@pytest.mark.parametrize(
    ("took", "late"),
    [(LIMIT, 0), (LIMIT + timedelta(milliseconds=1), 1), (timedelta(seconds=-3), 0)],
    ids=["just in time", "just too late", "before it began"],
)
def test_what_is_late_is_counted_exactly(took: timedelta, late: int) -> None:
    assert figures_of(took)["answer.late"] == late


def test_figures_of_nothing_are_nothing() -> None:
    assert (Figures()["messages"], Figures().timed("answer"), Figures().quantile("answer", 0.5)) == (0, 0, None)


def test_counters_of_a_kind_come_greatest_first() -> None:
    figures = Figures({"filled.currency": 2, "filled.auth_method": 7, "filled": 1, "renamed.x": 1})
    assert list(figures.below("filled").items()) == [("auth_method", 7), ("currency", 2)]
