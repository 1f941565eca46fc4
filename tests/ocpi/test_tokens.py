"""Tokens in the Authorization header, as peers of all habits write them."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offpeak.ocpi.tokens import authorization, is_token, new_token, tokens_in

TOKENS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=64)


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@given(TOKENS, st.booleans())
def test_a_token_is_found_in_the_header_that_carries_it_in_either_form(token: str, raw: bool) -> None:
    """T1, T2"""
    assert token in tokens_in(authorization(token, raw=raw))


@given(TOKENS)
def test_the_base64_reading_comes_first(token: str) -> None:
    """T1"""
    assert tokens_in(f"Token {encoded(token)}")[0] == token


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Token",
        "Token ",
        "Bearer abc",
        "abc",
        "Token two words",
        "Token \u00e4",
        " Token abc",
        "Token abc\n",
        f"Token {'a' * 600}",
        f"Token {'a' * 65}",
    ],
)
def test_a_header_without_a_possible_token_means_none(header: str | None) -> None:
    """T1"""
    assert tokens_in(header) == ()


def test_nothing_is_stripped_from_a_token_that_was_encoded_with_a_newline() -> None:
    """T2"""
    assert tokens_in(f"Token {encoded('secret' + chr(10))}") == (encoded("secret\n"),)


@pytest.mark.parametrize("scheme", ["Token", "token", "TOKEN"])
def test_the_scheme_is_written_in_any_case(scheme: str) -> None:
    assert "abc" in tokens_in(f"{scheme} abc")


@given(st.text(max_size=700))
def test_any_header_has_at_most_two_readings_and_each_is_a_token(header: str) -> None:
    readings = tokens_in(header)
    assert len(readings) <= 2
    assert all(is_token(each) for each in readings)


def test_our_own_tokens_use_all_that_ocpi_allows() -> None:
    """C5"""
    tokens = {new_token() for _ in range(20)}
    assert len(tokens) == 20
    assert all(is_token(token) and len(token) == 64 for token in tokens)
