"""Keys follow each other so that every token can be checked for as long as it is good."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from offpeak.oauth.signing_keys import (
    PUBLISHED_BEFORE,
    SIGNS_FOR,
    TOKEN_LIFETIME,
    Keys,
    SigningKey,
    looked_after,
    signing,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
PROMISED = timedelta(days=15)


def making(now: Callable[[], datetime]) -> Callable[[], SigningKey]:
    numbers = count(1)
    return lambda: SigningKey(f"k{next(numbers)}", {}, "secret", now())


def after_looks(gaps_h: list[float]) -> list[tuple[datetime, Keys]]:
    """Look after the keys at moments so many hours apart; return when, and the keys then."""
    at, keys, looks = START, Keys(), []
    make = making(lambda: at)
    for gap_h in gaps_h:
        at += timedelta(hours=gap_h)
        keys = looked_after(keys, at, make)
        looks.append((at, keys))
    return looks


def test_the_first_key_signs_at_once() -> None:
    [(at, keys)] = after_looks([0])
    assert signing(keys, at) == keys[0]


def test_a_successor_is_published_for_a_day_before_it_signs() -> None:
    days = SIGNS_FOR.days - PUBLISHED_BEFORE.days
    first, second, third = after_looks([0, 24 * days, 24])
    assert [key.kid for key in second[1]] == ["k1", "k2"]
    assert signing(second[1], second[0]).kid == "k1"  # type: ignore[union-attr]
    assert signing(third[1], third[0]).kid == "k2"  # type: ignore[union-attr]
    assert first[1][0].private is not None


def test_a_key_that_signs_no_more_loses_its_private_half() -> None:
    at, keys = after_looks([0, 24 * 29, 24])[-1]
    assert [key.private for key in keys] == [None, "secret"]
    assert signing(keys, at) == keys[1]


def test_where_nothing_is_due_nothing_changes() -> None:
    (_, before), (_, after) = after_looks([0, 24 * 20])
    assert after == before


@given(st.lists(st.floats(0, 24 * 40), min_size=1, max_size=30))
def test_a_token_can_be_checked_for_fifteen_days_whoever_looks_how_rarely(gaps_h: list[float]) -> None:
    looks = after_looks([0, *gaps_h])
    for number, (signed_at, keys) in enumerate(looks):
        signer = signing(keys, signed_at)
        assert signer is not None
        assert signer.private is not None
        for later, published in looks[number:]:
            if later - signed_at <= PROMISED:
                assert signer.kid in {key.kid for key in published}
    assert PROMISED >= TOKEN_LIFETIME


@given(st.lists(st.floats(0.1, 24), min_size=100, max_size=200))
def test_a_key_that_is_looked_after_daily_signs_for_a_month_and_few_are_kept(gaps_h: list[float]) -> None:
    for at, keys in after_looks(gaps_h):
        signer = signing(keys, at)
        assert signer is not None
        assert at - signer.made_at <= SIGNS_FOR + PUBLISHED_BEFORE
        assert len(keys) <= 3
