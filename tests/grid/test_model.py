"""What signals ask where they meet."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offpeak.grid.model import Condition, Conditions, Scope, Signal, SignalKind, concerns_now, conditions, group_caps
from tests.grid.builders import DEPOT, NOON, ZONE, a_signal, at

CAP, ADDER, CARBON, CONGESTION = SignalKind


def asked(*signals: Signal, groups: tuple[str, ...] = ()) -> Conditions:
    return conditions(signals, "DE-LU", groups, at(12), at(24))


def told(found: Conditions) -> list[tuple[float, float, object]]:
    """Each span in hours of the day, with what it asks beside what is usual."""
    usual = Condition(at(0), at(0))
    names = ("power_w", "share", "adder_eur_per_kwh", "g_per_kwh")
    return [
        (
            (each.start_at - at(0)) / timedelta(hours=1),
            (each.end_at - at(0)) / timedelta(hours=1),
            {name: float(getattr(each, name)) for name in names if getattr(each, name) != getattr(usual, name)},
        )
        for each in found.spans
    ]


@pytest.mark.parametrize(
    ("signals", "expected"),
    [
        pytest.param([], [], id="nobody says anything"),
        pytest.param([a_signal()], [(17, 19, {"power_w": 4100})], id="one cap"),
        pytest.param(
            [a_signal("a"), a_signal("b", CAP, 6000, hours=(18,), end=20)],
            [(17, 19, {"power_w": 4100}), (19, 20, {"power_w": 6000})],
            id="the lowest cap wins",
        ),
        pytest.param(
            [a_signal("a", ADDER, "0.1"), a_signal("b", ADDER, "-0.03", hours=(18,), end=20)],
            [
                (17, 18, {"adder_eur_per_kwh": 0.1}),
                (18, 19, {"adder_eur_per_kwh": 0.07}),
                (19, 20, {"adder_eur_per_kwh": -0.03}),
            ],
            id="adders add up",
        ),
        pytest.param(
            [a_signal("a", CONGESTION, "0.5"), a_signal("b", CONGESTION, "0.3", end=18)],
            [(17, 18, {"share": 0.3}), (18, 19, {"share": 0.5})],
            id="the smallest share wins",
        ),
        pytest.param(
            [a_signal("feed.carbon.DE-LU", CARBON, 900), a_signal("ours", CARBON, 300, end=18)],
            [(17, 18, {"g_per_kwh": 300}), (18, 19, {"g_per_kwh": 900})],
            id="an operator's intensity stands before a feed's",
        ),
        pytest.param(
            [a_signal("a", CARBON, 300), a_signal("b", CARBON, 400)],
            [(17, 19, {"g_per_kwh": 400})],
            id="of two intensities of the same rank the higher counts",
        ),
        pytest.param([a_signal(end=None)], [(17, 24, {"power_w": 4100})], id="what has no end stands"),
        pytest.param(
            [a_signal("a", CAP, 4100, 0, 8000, hours=(10, 17, 18))],
            [(12, 17, {"power_w": 4100}), (17, 18, {"power_w": 0}), (18, 19, {"power_w": 8000})],
            id="each step until the next, the one that has begun before included",
        ),
        pytest.param(
            [a_signal("a", CAP, 4100, 4100, hours=(17, 18))],
            [(17, 19, {"power_w": 4100})],
            id="steps that change nothing are one",
        ),
        pytest.param([a_signal(end=12, hours=(10,)), a_signal(hours=(24,), end=25)], [], id="another time"),
        pytest.param([a_signal(scope=Scope(zone="NL"))], [], id="another zone"),
        pytest.param([a_signal(scope=DEPOT)], [], id="a group that the session is not in"),
    ],
)
def test_what_is_asked_of_a_session(signals: list[Signal], expected: list[object]) -> None:
    assert told(asked(*signals)) == expected
    assert told(asked(*reversed(signals))) == expected, "in whatever order they are told"


def test_of_its_group_a_session_is_steered_and_the_group_as_a_whole_is_capped() -> None:
    signals = [
        a_signal("cap", CAP, 50_000, scope=DEPOT),
        a_signal("share", CONGESTION, "0.5", scope=DEPOT),
        a_signal("adder", ADDER, "0.1", scope=DEPOT),
        a_signal("zone"),
    ]
    assert told(asked(*signals, groups=("board", "depot"))) == [(17, 19, {"power_w": 4100, "adder_eur_per_kwh": 0.1})]
    assert told(group_caps(signals, "depot", at(12), at(24))) == [(17, 19, {"power_w": 50_000, "share": 0.5})]
    assert group_caps(signals, "garage", at(12), at(24)).spans == ()


@pytest.mark.parametrize(
    ("power_w", "share", "cap_w"),
    [(None, "0.5", 5520), (4100, "0.5", 4100), (8000, "0.5", 5520), (20_000, "1", 11_040), (None, "0", 0)],
)
def test_a_session_keeps_the_least_of_its_share_and_the_cap(power_w: int | None, share: str, cap_w: int) -> None:
    said = Condition(at(17), at(19), None if power_w is None else Decimal(power_w), Decimal(share))
    assert said.cap_w(11_040) == cap_w


def test_what_is_asked_names_the_signals_that_it_comes_of_and_no_other() -> None:
    [span] = asked(
        a_signal("low"), a_signal("high", CAP, 9000), a_signal("rain", ADDER, "0.1"), a_signal("oil", CARBON, 500)
    ).spans
    assert (span.power_ids, span.share_ids, span.steer_ids) == (("low",), (), ("rain", "oil"))


HOURS = st.integers(0, 40)
SIGNALS = st.builds(
    lambda number, kind, first, length, values: a_signal(
        f"s{number}",
        kind,
        *values,
        hours=tuple(first + place for place in range(len(values))),
        end=None if length is None else first + len(values) + length,
    ),
    st.integers(0, 99),
    st.sampled_from(list(SignalKind)),
    HOURS,
    st.none() | st.integers(0, 10),
    st.lists(st.integers(0, 3), min_size=1, max_size=4),
)


@given(st.lists(SIGNALS, max_size=6, unique_by=lambda each: each.signal_id), HOURS, st.integers(1, 30))
def test_at_each_instant_what_is_asked_is_what_the_signals_say_then(
    signals: list[Signal], first: int, length: int
) -> None:
    found = conditions(signals, "DE-LU", (), at(first), at(first + length)).spans
    assert all(one.end_at <= other.start_at for one, other in pairwise(found))
    for half_hours in range(2 * length):
        instant = at(first + half_hours / 2)
        said = [(each.kind, value) for each in signals if (value := each.value_at(instant)) is not None]
        spans = [each for each in found if each.start_at <= instant < each.end_at]
        assert len(spans) == bool(said)
        for span in spans:
            assert span.power_w == min((value for kind, value in said if kind is CAP), default=None)
            assert span.share == min((value for kind, value in said if kind is CONGESTION), default=1)
            assert span.adder_eur_per_kwh == sum(value for kind, value in said if kind is ADDER)
            assert span.g_per_kwh == max((value for kind, value in said if kind is CARBON), default=None)


@pytest.mark.parametrize(
    ("first", "end", "expected"),
    [(17, 19, True), (10, 13, True), (10, None, True), (10, 12, False), (12 + 8 * 24, None, False), (24, 30, True)],
)
def test_a_signal_of_another_time_wants_no_plans_now(first: float, end: float | None, expected: bool) -> None:
    assert concerns_now([a_signal(hours=(first,), end=end)], NOON) is expected


def test_a_scope_is_a_zone_or_a_group() -> None:
    assert (ZONE.text, DEPOT.text) == ("ZONE#DE-LU", "GROUP#depot")
    for wrong in ({}, {"zone": "NL", "group": "depot"}):
        with pytest.raises(AssertionError):
            Scope(**wrong)


def test_the_span_of_a_signal_is_half_open() -> None:
    signal = a_signal()
    instants: list[datetime] = [at(16.9), at(17), at(18.9), at(19)]
    assert [signal.value_at(each) for each in instants] == [None, 4100, 4100, None]
