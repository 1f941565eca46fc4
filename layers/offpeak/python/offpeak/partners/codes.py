"""Codes that drivers type, and the regular expressions by which partners say what theirs look like. Pure.

Whoever writes a pattern may get it wrong, and whoever types a code may mean harm: `(a+)+` keeps a backtracking engine
busy for hours. So patterns run on the Rust engine inside pydantic, whose time is linear in the code's length whatever
the pattern; it knows no look-around and no back-references, which no code needs.
"""

from __future__ import annotations

from functools import lru_cache

from pydantic_core import SchemaError, SchemaValidator, ValidationError, core_schema

from offpeak.partners.model import Pairing

LONGEST_CODE = 64
"""Characters."""
LONGEST_PATTERN = 200


def problem_with_pattern(pattern: str) -> str | None:
    """Say what is wrong with a partner's pattern; None where nothing is."""
    if len(pattern) > LONGEST_PATTERN:
        return f"is longer than {LONGEST_PATTERN} characters"
    if not pattern.isascii() or not pattern.isprintable():
        return "holds more than printable ASCII, and so does no code"
    try:
        _engine(pattern)  # By itself first: "a)|(b" would escape from the group that anchors it.
        _anchored(pattern)
    except SchemaError as error:
        return f"is no regular expression that runs in linear time: {str(error).splitlines()[-1].strip()}"
    return None


def tidied(typed: str) -> str | None:
    """Return a code as it is meant, without the space around it; None for what is no code of anybody.

    Codes are visible ASCII: letters of other alphabets that look alike are refused here, before any pattern or CPO.
    """
    if len(typed) > 4 * LONGEST_CODE:
        return None
    code = typed.strip()
    fits = 0 < len(code) <= LONGEST_CODE and code.isascii() and code.isprintable()
    return code if fits else None


def fits(code: str, pairing: Pairing) -> bool:
    """Say whether a tidied code looks like one of a partner."""
    if pairing.code_pattern is None:
        return True
    try:
        _anchored(pairing.code_pattern).validate_python(code)
    except ValidationError:
        return False
    return True


@lru_cache(maxsize=64)
def _anchored(pattern: str) -> SchemaValidator:
    return _engine(f"^(?:{pattern})$")


def _engine(pattern: str) -> SchemaValidator:
    return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex", strict=True))
