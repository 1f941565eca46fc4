"""What may be shown of an object that a partner sent: its form, and harmless values. Pure.

Nothing is shown because it looks harmless by name alone: a field has to be on the list, and its value has to look like
a number, an instant or a word of the specification. All else is told by its kind and length.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

SHOWN = frozenset(
    {
        *("status", "kwh", "currency", "auth_method", "start_date_time", "end_date_time", "last_updated"),
        *("start_datetime", "end_datetime", "type", "volume", "result", "timeout", "duration", "limit"),
        *("charging_rate_unit", "start_period", "min_charging_rate", "power_type", "standard", "format"),
        *("max_voltage", "max_amperage", "max_electric_power", "price", "vat", "step_size"),
    }
)
NAME = re.compile(r"[a-z][a-z_]{0,39}")
"""What a field of OCPI is called; other names may be anything, ids included."""
HARMLESS = re.compile(r"-?\d{1,12}(\.\d{1,6})?|\d{4}-\d\d-\d\d[Tt ][\d:.]{5,15}([Zz]|[+-]\d\d:\d\d)?|[A-Za-z_]{1,24}")
QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")

MOST_MEMBERS = 30
MOST_CHARACTERS = 800


def field_shown(path: str) -> str:
    """Return a field's path with everything that is no name of a field taken out."""
    return ".".join(part if part.isdecimal() or NAME.fullmatch(part) else "?" for part in path.split("."))[:120]


def problem_shown(problem: str) -> str:
    """Return what was wrong, with quoted values that could be anything told by their length."""

    def quote(match: re.Match[str]) -> str:
        text = match[1] if match[1] is not None else match[2]
        return f"'{text}'" if HARMLESS.fullmatch(text) else f"<text of {len(text)} characters>"

    return QUOTED.sub(quote, problem)[:300]


def excerpt(body: object, field: str) -> str:
    """Return the form of a parsed JSON body as text: in lists, only the item that leads to `field`."""
    text = json.dumps(_form(body, field.split("."), None), ensure_ascii=False)
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]} ..."


def _form(value: object, path: Sequence[str], name: str | None) -> object:
    if isinstance(value, dict):
        members = list(value.items())[:MOST_MEMBERS]
        return {
            _name(key): _form(each, path[1:] if path and path[0] == key else (), key if isinstance(key, str) else None)
            for key, each in members
        }
    if isinstance(value, list):
        place = int(path[0]) if path and path[0].isdecimal() else 0
        if place >= len(value):
            return f"<list of {len(value)}>"
        others = [f"<{len(value) - 1} more>"] if len(value) > 1 else []
        return [_form(value[place], path[1:], name), *others]
    if value is None or isinstance(value, bool):
        return value
    return _value(str(value), name in SHOWN, "text" if isinstance(value, str) else "number")


def _name(key: object) -> str:
    return key if isinstance(key, str) and NAME.fullmatch(key) else "?"


def _value(text: str, may_be_shown: bool, kind: str) -> str:
    if may_be_shown and HARMLESS.fullmatch(text):
        return text
    return f"<{kind} of {len(text)} characters>"
