"""Codes that drivers type: what is none, what is one of a partner, and how long that takes to say."""

from __future__ import annotations

import time

import pytest

from offpeak.partners.codes import fits, problem_with_pattern, tidied
from offpeak.partners.model import Pairing

PATTERN = Pairing(code_pattern="[A-Z]{2}-?[0-9]{6}")

HOSTILE = [
    "",
    "   ",
    "AB-12345",
    "AB-1234567",
    "xAB-123456",
    "AB-123456\nAB-123456",
    "AB-123456\x00",
    "AB-12345\u0666",
    "\u0410B-123456",
    "AB\u2010123456",
    "\uff21B-123456",
    "AB-123456\u200b",
    "<script>alert(1)</script>",
    "' OR 1=1; DROP TABLE users; --",
    "../../evse/E1/unpair",
    "%0d%0aX: y",
    "${jndi:ldap://x}",
    "A" * 5_000_000,
    "\U0001f4a5" * 100_000,
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!",
]


@pytest.mark.parametrize("typed", HOSTILE)
def test_what_is_no_code_of_a_partner_is_refused_in_a_millisecond(typed: str) -> None:
    began = time.perf_counter()
    code = tidied(typed)
    assert code is None or not fits(code, PATTERN)
    assert time.perf_counter() - began < 0.005


def test_a_code_is_taken_with_the_space_around_it_left_out() -> None:
    code = tidied(" AB-123456\t\n")
    assert code == "AB-123456"
    assert fits(code, PATTERN)
    assert fits(code, Pairing())


@pytest.mark.parametrize(
    "pattern", ["(a+)+", "(a|aa)+", "(.*a){20}", "([a-z]+)*", "(a?){50}a{50}", "(?:(?:[a-z]*)*)*x"]
)
def test_a_pattern_that_keeps_others_busy_for_hours_is_matched_at_once(pattern: str) -> None:
    assert problem_with_pattern(pattern) is None
    pairing = Pairing(code_pattern=pattern)
    fits("warm", pairing)
    began = time.perf_counter()
    assert not fits("a" * 63 + "!", pairing)
    assert time.perf_counter() - began < 0.02


@pytest.mark.parametrize("pattern", ["a|b", "a|b$|c", "(?i)a|b", "(?m)^a$|b", "(?x)a | b # either"])
def test_a_pattern_has_to_match_all_of_a_code(pattern: str) -> None:
    pairing = Pairing(code_pattern=pattern)
    if problem_with_pattern(pattern) is None:
        assert fits("a", pairing)
        assert fits("b", pairing)
        assert not any(fits(code, pairing) for code in ("ab", "xa", "bx", "a\nb", "a\n"))
    else:
        assert "#" in pattern, "only a comment that swallows the anchor may be refused"
