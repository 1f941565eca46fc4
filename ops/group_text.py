"""A limit group as text: the tree with the power that is available now, its chargers, and the hours to come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

Shown = Mapping[str, Any]
HEAD = ("GROUP", "KIND", "LIMIT", "AVAILABLE", "BASE LOAD", "PV", "CHARGERS", "SESSIONS")


def group_text(shown: Shown) -> str:
    """Return a group, as the operator API shows it, as a table."""
    return "\n".join(_lines(shown))


def _lines(shown: Shown) -> Iterator[str]:
    groups: Sequence[Shown] = shown["groups"]
    planned = "planned" if shown["is_planned"] else "a plan is on its way"
    yield f"{groups[0]['name']} (tree {shown['root_id']}, revision {shown['revision']}, {planned})"
    yield from _table([HEAD, *(tuple(_row(each)) for each in groups)])
    sessions: dict[str, list[str]] = {}
    for each in (each for group in groups for each in group["sessions"]):
        sessions.setdefault(_place(each), []).append(each["session_id"])
    chargers = [
        (f"{group['group_id']}: {_place(each)}", *_charger(each), ", ".join(sessions.get(_place(each), [])))
        for group in groups
        for each in group["members"]
    ]
    if chargers:
        yield ""
        yield from _table([("CHARGER", "HARDWARE", "PHASES", "UNMANAGED", "SESSION"), *chargers])
    ahead = groups[0]["available"]
    if len(ahead) > 1:
        yield ""
        yield f"available in {groups[0]['group_id']}: " + ", ".join(
            f"{_kw(each['power_w'])} from {datetime.fromisoformat(each['start_at']):%d %b %H:%M} UTC" for each in ahead
        )


def _row(group: Shown) -> Iterator[str]:
    yield "  " * group["level"] + group["group_id"]
    yield group["kind"]
    yield f"{group['limit_a']:g} A x {group['phases']}" if group["limit_a"] is not None else _kw(group["limit_w"])
    yield _kw(group["available"][0]["power_w"])
    yield _flow(group["base_load"])
    yield _flow(group["pv"])
    yield str(len(group["members"]))
    yield str(len(group["sessions"]))


def _flow(course: Shown) -> str:
    measured = course["measured"]
    if measured is None:
        return "forecast" if course["forecast"] else "-"
    told = " + ".join(_kw(each) for each in measured["power_w"])
    return f"{told} (stale)" if course["is_stale"] else told


def _charger(member: Shown) -> tuple[str, str, str]:
    phases = "+".join(member["phase_order"]) if member["phase_order"] else str(member["phases"] or "?")
    unmanaged_w = member["max_power_w"] if member["unmanaged_w"] is None else member["unmanaged_w"]
    return _kw(member["max_power_w"]), phases, _kw(unmanaged_w)


def _place(shown: Shown) -> str:
    connector = f" {shown['connector_id']}" if shown["connector_id"] is not None else ""
    return f"{shown['partner_id']} {shown['evse_uid']}{connector}"


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _kw(power_w: int) -> str:
    return f"{power_w / 1000:.1f} kW"
