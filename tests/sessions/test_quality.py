"""What a message about a session says of its sender's system."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest

from offpeak.partners.figures import Figures
from offpeak.sessions.merge import MergedSession, merge, session_of
from offpeak.sessions.model import SessionMessage
from offpeak.sessions.quality import figures_of
from tests.sessions.builders import a_patch, a_put, at, period


def noticed(*messages: SessionMessage, received: float | None = None) -> Figures:
    """The figures of the last message, received so many minutes after plug-in, or as soon as it was written."""
    before: MergedSession | None = None
    for message in messages[:-1]:
        before = merge(before, message)
    last = messages[-1]
    after = merge(before, last)
    now = last.last_updated if received is None else at(received)
    return Figures(figures_of(last, before, session_of(after), is_news=after != before, now=now))


@pytest.mark.parametrize(
    ("messages", "counted"),
    [
        ([a_put()], {"messages": 1, "puts": 1}),
        ([a_put(), a_patch(5)], {"patches": 1}),
        ([a_put(), a_put()], {"repeated": 1}),
        ([a_put(), a_patch(5), a_patch(2)], {"out_of_order": 1, "repeated": 0}),
        ([a_patch(5)], {"before_their_put": 1}),
        ([a_put(), a_patch(10, kwh=Decimal(2000))], {"in_wh": 1}),
        ([replace(a_put(), filled=("currency",), renamed=("start_datetime",))],
         {"filled.currency": 1, "renamed.start_datetime": 1}),
        ([a_put(0, period(0, POWER=11, TIME=1), period(5, TIME=1))],
         {"periods": 2, "periods_without_power": 1, "dimension.POWER": 1, "dimension.TIME": 2}),
        ([a_put(0, period(0, MAX_POWER=11))], {"periods_without_power": 0}),
    ],
    ids=["a PUT", "a PATCH", "a repetition", "an older one", "a PATCH before its PUT", "Wh for kWh", "mended fields",
         "dimensions", "power in other words"],
)  # fmt: skip
def test_what_is_noticed_is_counted(messages: list[SessionMessage], counted: Mapping[str, int]) -> None:
    figures = noticed(*messages)
    assert {name: figures[name] for name in counted} == counted


@pytest.mark.parametrize(
    ("minutes", "late"), [(5, 0), (5.4, 0), (5.6, 1), (60, 1)], ids=["5 min", "5.4 min", "5.6 min", "an hour"]
)
def test_the_time_between_updates_is_that_of_their_stamps(minutes: float, late: int) -> None:
    figures = noticed(a_put(), a_patch(minutes))
    assert (figures.timed("interval"), figures["interval.late"]) == (1, late)
    told = figures.quantile("interval", 0.5)
    assert told is not None
    assert abs(told / (at(minutes) - at(0)) - 1) < 0.05


@pytest.mark.parametrize(
    "messages",
    [[a_put()], [a_put(), a_put()], [a_put(), a_patch(10), a_patch(5)], [a_put(status="PENDING"), a_patch(600)]],
    ids=["the first", "a repetition", "an older one", "one of a session that was not running"],
)
def test_some_messages_tell_nothing_of_the_time_between_updates(messages: list[SessionMessage]) -> None:
    assert noticed(*messages).timed("interval") == 0


@pytest.mark.parametrize(
    ("received", "late", "ahead"),
    [(0.5, 0, 0), (3, 1, 0), (-0.05, 0, 0), (-2, 0, 1)],
    ids=["half a minute", "three minutes", "within what clocks differ by", "two minutes ahead"],
)
def test_delays_and_clocks_that_are_ahead_are_told_apart(received: float, late: int, ahead: int) -> None:
    figures = noticed(a_put(), received=received)
    assert (figures.timed("delay"), figures["delay.late"], figures["clock_ahead"]) == (1, late, ahead)
