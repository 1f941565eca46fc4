"""JSON as it comes from and goes to peers: exact numbers, bounded everywhere, every refusal names its field.

The standard parser takes more than JSON and more than a database holds: NaN, 1e400, the same key twice, half a
surrogate pair, a thousand brackets. Here each of them is an InvalidMessage, so that nothing behind the edge meets one.
"""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import TypeAlias

from offpeak.errors import InvalidMessage, UnparseableBody
from offpeak.instants import format_instant

JsonValue: TypeAlias = "bool | int | Decimal | str | list[JsonValue] | dict[str, JsonValue] | None"
"""A parsed JSON value: whole numbers are int, all others Decimal."""

MOST_DIGITS = 38
"""Significant digits of a number; DynamoDB keeps no more."""

LARGEST_EXPONENT = 30
"""Numbers lie between 1e-30 and 1e30, or are zero: wider than any price, energy or price of energy."""

MOST_LEVELS = 24
"""Objects and lists inside each other; OCPI's deepest object has eight."""

LONGEST_NUMBER = 80
LONGEST_PATH = 120
MOST_DECIMALS = Decimal("0.0001")


class _Refused:
    """Stands in the tree where a value was that cannot be taken; the parser's hooks do not know where they are."""

    __slots__ = ("problem",)

    def __init__(self, problem: str) -> None:
        self.problem = problem


def read_json(text: str) -> JsonValue:
    """Parse one JSON document.

    Raises UnparseableBody for what is no JSON, and InvalidMessage naming the field for a value out of bounds.
    """
    tree = _parse(text)
    _check(tree)
    return tree  # type: ignore[return-value]


def read_list(text: str, member: str) -> tuple[dict[str, JsonValue], list[JsonValue | InvalidMessage]]:
    """Parse an object that holds a list: return it without the list, and each item, or what is wrong with that item.

    A value out of bounds spoils its own item and no other (CONFORMANCE T10). A list that is null or missing is empty.
    Raises UnparseableBody, and InvalidMessage for what is wrong outside of the items.
    """
    tree = _parse(text)
    if not isinstance(tree, dict):
        raise InvalidMessage("body", "must be a JSON object")
    items = tree.pop(member, None)
    _check(tree)
    if items is None:
        return tree, []
    if not isinstance(items, list):
        raise InvalidMessage(member, items.problem if isinstance(items, _Refused) else "must be a list")
    return tree, [_checked(item) for item in items]


def _parse(text: str) -> object:
    try:
        return json.loads(
            text.removeprefix("\ufeff"),
            parse_int=_whole_number,
            parse_float=_number,
            parse_constant=lambda name: _Refused(f"{name} is not a number of JSON"),
            object_pairs_hook=_object,
        )
    except RecursionError:
        raise InvalidMessage("body", f"is nested more than {MOST_LEVELS} levels deep") from None
    except ValueError as error:
        raise UnparseableBody(f"the body is not JSON: {error}") from None


def _checked(item: JsonValue) -> JsonValue | InvalidMessage:
    try:
        _check(item)
    except InvalidMessage as error:
        return error
    return item


def write_json(value: object) -> str:
    """Write a value as compact JSON: Decimals with at most four decimals (CONFORMANCE T16), instants in UTC (T12)."""
    return json.dumps(value, default=_plain, separators=(",", ":"), allow_nan=False)


def problem_with(value: Decimal) -> str | None:
    """Say why a finite number cannot be taken; None where it can."""
    if not value.is_zero() and abs(value.adjusted()) > LARGEST_EXPONENT:
        return "is a number out of all bounds"
    if len(value.as_tuple().digits) > MOST_DIGITS:
        return f"is a number of more than {MOST_DIGITS} digits"
    return None


def as_number(value: Decimal) -> int | float:
    """Return a Decimal as the number that is written for it: rounded to four decimals, whole where it can be."""
    rounded = value.quantize(MOST_DECIMALS) if abs(value) < 10**20 else value
    return int(rounded) if rounded == rounded.to_integral_value() else float(rounded)


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return as_number(value)
    if isinstance(value, datetime):
        return format_instant(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _whole_number(text: str) -> int | _Refused:
    if len(text.lstrip("-")) > MOST_DIGITS:
        return _Refused(f"is a number of more than {MOST_DIGITS} digits")
    value = int(text)
    return value if abs(value) < 10**LARGEST_EXPONENT else _Refused("is a number out of all bounds")


def _number(text: str) -> Decimal | _Refused:
    if len(text) > LONGEST_NUMBER:
        return _Refused(f"is a number of more than {MOST_DIGITS} digits")
    value = Decimal(text)
    if value.is_zero():
        return Decimal(0)
    problem = problem_with(value)
    return value if problem is None else _Refused(problem)


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members: dict[str, object] = {}
    for name, value in pairs:
        members[name] = _Refused("is there twice") if name in members else value
    return members


_Place: TypeAlias = "tuple[_Place, str | int] | None"


def _check(tree: object) -> None:
    """Walk the tree without recursion and raise for the first value that cannot be taken."""
    todo: list[tuple[object, _Place, int]] = [(tree, None, 0)]
    while todo:
        value, place, level = todo.pop()
        if isinstance(value, _Refused):
            raise InvalidMessage(_path(place), value.problem)
        if isinstance(value, str):
            _check_text(value, place)
        elif isinstance(value, (dict, list)):
            if level == MOST_LEVELS:
                raise InvalidMessage(_path(place), f"is nested more than {MOST_LEVELS} levels deep")
            members = value.items() if isinstance(value, dict) else enumerate(value)
            for name, member in members:
                if isinstance(name, str):
                    _check_text(name, place)
                todo.append((member, (place, name), level + 1))


def _check_text(text: str, place: _Place) -> None:
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidMessage(_path(place), "holds half of a surrogate pair, which is no character") from None


def _path(place: _Place) -> str:
    parts: list[str] = []
    while place is not None:
        place, name = place
        parts.append(str(name).encode(errors="replace").decode())
    path = ".".join(reversed(parts)) or "body"
    return path if len(path) <= LONGEST_PATH else path[:LONGEST_PATH] + "..."
