"""Limit groups as operators see them: plain dicts. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from offpeak.groups.caps import NOTHING, cap_steps
from offpeak.groups.model import Course, Group, GroupTree, LoadStep, Member, Memberships, is_stale
from offpeak.groups.rows import group_row, member_row
from offpeak.groups.store import ListedGroup
from offpeak.instants import format_instant

SHOWN_AHEAD = timedelta(hours=24)


def group_shown(tree: GroupTree, group_id: str, *, now: datetime) -> dict[str, object]:
    """Return a group with all that is below it: limits, chargers, what flows, and what is available from `now` on.

    `revision` is what a change names as seen.
    """
    below = list(_below(tree, tree.groups[group_id]))
    memberships = Memberships(tree)
    at = {
        session.key: found[0].group_id
        for session in tree.sessions
        if (found := memberships.of(session.place)) is not None
    }
    return {
        "group_id": group_id,
        "root_id": tree.root_id,
        "revision": tree.revision,
        "is_planned": tree.is_planned,
        "groups": [
            {
                **group_row(group),
                "level": level,
                "members": [member_shown(each) for each in group.members],
                "base_load": _course_shown(group, group.base_load, now),
                "pv": _course_shown(group, group.pv, now),
                "available": [
                    {"start_at": format_instant(each.start_at), "power_w": int(each.power_w)}
                    for each in cap_steps(group, NOTHING, now, now + SHOWN_AHEAD)
                ],
                "sessions": [
                    {
                        "partner_id": each.partner_id,
                        "session_id": each.session_id,
                        "evse_uid": each.place.evse_uid,
                        "connector_id": each.place.connector_id,
                        "since": format_instant(each.since),
                    }
                    for each in tree.sessions
                    if at.get(each.key) == group.group_id
                ],
            }
            for level, group in below
        ],
    }


def group_in_list(group: ListedGroup) -> dict[str, object]:
    return {
        "group_id": group.group_id,
        "name": group.name,
        "kind": group.kind,
        "root_id": group.root_id,
        "parent_id": group.parent_id,
    }


def member_shown(member: Member) -> Mapping[str, object]:
    """Return a charger as it is put."""
    row = member_row("", member)
    del row["group_id"]
    return row


def _course_shown(group: Group, course: Course, now: datetime) -> dict[str, object]:
    return {
        "measured": _step_shown(course.measured) if course.measured else None,
        "is_stale": is_stale(course, group.stale_after_s, now),
        "forecast": [_step_shown(each) for each in course.forecast],
        "forecast_until": format_instant(course.forecast_until) if course.forecast_until else None,
    }


def _step_shown(step: LoadStep) -> dict[str, object]:
    return {"start_at": format_instant(step.start_at), "power_w": list(step.power_w)}


def _below(tree: GroupTree, group: Group, level: int = 0) -> list[tuple[int, Group]]:
    """Return a group and all below it, each right behind the one that it is in."""
    found = [(level, group)]
    for child in tree.children(group.group_id):
        found += _below(tree, child, level + 1)
    return found
