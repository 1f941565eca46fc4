"""Requests for access tokens are read as RFC 6749 has it, and refused in its words."""

from __future__ import annotations

import base64
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offpeak.errors import TokenRefused
from offpeak.oauth.token_request import FORM, TokenRequest, read_token_request

GRANT = {"grant_type": "client_credentials"}
SHOWN = {"client_id": "acme.1", "client_secret": "s3cret"}


def basic(text: str) -> str:
    return f"Basic {base64.b64encode(text.encode()).decode()}"


def error_of(content_type: str | None, body: str, authorization: str | None) -> str:
    with pytest.raises(TokenRefused) as refused:
        read_token_request(content_type, body, authorization)
    return refused.value.error


@pytest.mark.parametrize("content_type", [FORM, FORM.upper(), f"{FORM}; charset=UTF-8", f"{FORM};charset=utf-8"])
def test_a_client_shows_itself_in_the_form(content_type: str) -> None:
    asked = read_token_request(content_type, urlencode({**GRANT, **SHOWN, "audience": "a", "scope": "x"}), None)
    assert asked == TokenRequest("acme.1", "s3cret", "a")


@pytest.mark.parametrize("fields", [{}, {"client_id": "acme.1"}, {"client_secret": ""}])
def test_a_client_shows_itself_by_basic(fields: dict[str, str]) -> None:
    asked = read_token_request(FORM, urlencode({**GRANT, **fields}), basic("acme.1:s3cret"))
    assert asked == TokenRequest("acme.1", "s3cret", None)


def test_basic_is_form_encoded_inside() -> None:
    """RFC 6749, 2.3.1"""
    asked = read_token_request(FORM, urlencode(GRANT), basic("a%3Ab+c:p%40ss%25"))
    assert (asked.client_id, asked.client_secret) == ("a:b c", "p@ss%")


@pytest.mark.parametrize(
    ("content_type", "body", "authorization", "error"),
    [
        (None, urlencode({**GRANT, **SHOWN}), None, "invalid_request"),
        ("application/json", "{}", None, "invalid_request"),
        (FORM, "", None, "invalid_request"),
        (FORM, urlencode(SHOWN), None, "invalid_request"),
        (FORM, urlencode({**SHOWN, "grant_type": ""}), None, "invalid_request"),
        (FORM, urlencode({**SHOWN, "grant_type": "password"}), None, "unsupported_grant_type"),
        (FORM, urlencode({**GRANT, **SHOWN}) + "&grant_type=client_credentials", None, "invalid_request"),
        (FORM, urlencode(GRANT), None, "invalid_client"),
        (FORM, urlencode({**GRANT, "client_id": "acme.1"}), None, "invalid_client"),
        (FORM, urlencode(GRANT), "Bearer abc", "invalid_client"),
        (FORM, urlencode(GRANT), "Basic ???", "invalid_client"),
        (FORM, urlencode(GRANT), basic("no colon"), "invalid_client"),
        (FORM, urlencode(GRANT), basic(":"), "invalid_client"),
        (FORM, urlencode({**GRANT, **SHOWN}), basic("acme.1:s3cret"), "invalid_request"),
        (FORM, urlencode({**GRANT, "client_id": "other"}), basic("acme.1:s3cret"), "invalid_request"),
        (FORM, "&".join(f"f{number}=1" for number in range(50)), None, "invalid_request"),
        (FORM, "x=" + "a" * 10_000, None, "invalid_request"),
    ],
)
def test_a_wrong_request_is_refused(content_type: str | None, body: str, authorization: str | None, error: str) -> None:
    """RFC 6749, 5.2"""
    assert error_of(content_type, body, authorization) == error


@given(st.text(max_size=200), st.text(max_size=100) | st.none())
def test_no_text_makes_it_fail_in_another_way(body: str, authorization: str | None) -> None:
    errors = set()
    try:
        read_token_request(FORM, body, authorization)
    except TokenRefused as refused:
        errors.add(refused.error)
    assert errors <= {"invalid_request", "invalid_client", "unsupported_grant_type"}
