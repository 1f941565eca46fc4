"""Answers of others' token endpoints."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from offpeak.errors import PeerUnusable
from offpeak.oauth.token_client import LONGEST_LIFETIME, USUAL_LIFETIME, Granted, read_grant

GRANT = {"access_token": "abc", "token_type": "Bearer", "expires_in": 3600}


@pytest.mark.parametrize(
    ("changes", "lifetime"),
    [
        ({}, timedelta(hours=1)),
        ({"token_type": "bearer", "expires_in": 1209600}, timedelta(days=14)),
        ({"expires_in": "3600"}, timedelta(hours=1)),
        ({"expires_in": None}, USUAL_LIFETIME),
        ({"expires_in": 10**15}, LONGEST_LIFETIME),
        ({"scope": "x", "refresh_token": "y"}, timedelta(hours=1)),
    ],
)
def test_a_grant_is_read(changes: dict[str, Any], lifetime: timedelta) -> None:
    assert read_grant({**GRANT, **changes}) == Granted("abc", lifetime)


def test_what_is_left_out_is_as_usual() -> None:
    assert read_grant({"access_token": "abc"}) == Granted("abc", USUAL_LIFETIME)


@pytest.mark.parametrize(
    "said",
    [
        None,
        [],
        "abc",
        {},
        {**GRANT, "access_token": ""},
        {**GRANT, "access_token": 7},
        {**GRANT, "access_token": "with blank"},
        {**GRANT, "access_token": "two\r\nHeader: lines"},
        {**GRANT, "access_token": "a" * 10_000},
        {**GRANT, "token_type": "mac"},
        {**GRANT, "token_type": None},
        {**GRANT, "expires_in": "soon"},
        {**GRANT, "expires_in": 0},
        {**GRANT, "expires_in": -5},
        {**GRANT, "expires_in": True},
    ],
)
def test_what_is_no_grant_is_refused(said: Any) -> None:
    with pytest.raises(PeerUnusable, match="the token endpoint answered"):
        read_grant(said)
