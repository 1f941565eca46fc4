"""Groups, chargers, loads and sessions as rows of the limit_groups table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from offpeak.aws.tables import Item, Key
from offpeak.groups.model import (
    NO_COURSE,
    Course,
    Group,
    GroupKind,
    LoadStep,
    Member,
    OpenSession,
    Phase,
    Place,
)
from offpeak.instants import format_instant, parse_instant


def tree_pk(root_id: str) -> str:
    return f"TREE#{root_id}"


def root_key(root_id: str) -> Key:
    return {"pk": tree_pk(root_id), "sk": "ROOT"}


def group_key(root_id: str, group_id: str) -> Key:
    return {"pk": tree_pk(root_id), "sk": f"GROUP#{group_id}"}


def load_key(root_id: str, group_id: str) -> Key:
    return {"pk": tree_pk(root_id), "sk": f"LOAD#{group_id}"}


def member_key(root_id: str, place: Place) -> Key:
    return {"pk": tree_pk(root_id), "sk": f"MEMBER#{place.text}"}


def session_key(root_id: str, key: str) -> Key:
    return {"pk": tree_pk(root_id), "sk": f"SESSION#{key}"}


def address_key(group_id: str) -> Key:
    """Where it stands which tree a group is in."""
    return {"pk": f"GROUP#{group_id}", "sk": "GROUP"}


def evse_key(place: Place) -> Key:
    """Where it stands which trees the connectors of an EVSE are in."""
    return {"pk": f"EVSE#{place.evse_text}", "sk": "EVSE"}


def partner_key(partner_id: str) -> Key:
    """What is there once an EVSE of a partner has been in a group."""
    return {"pk": f"PARTNER#{partner_id}", "sk": "PARTNER"}


def group_row(group: Group) -> dict[str, Any]:
    """Return a group without what has rows of its own: its chargers and its loads."""
    return {
        "group_id": group.group_id,
        "name": group.name,
        "kind": group.kind.value,
        "parent_id": group.parent_id,
        "limit_a": group.limit_a,
        "limit_w": group.limit_w,
        "phases": group.phases,
        "voltage_v": group.voltage_v,
        "reserve_w": group.reserve_w,
        "assumed_load_w": group.assumed_load_w,
        "is_balanced": group.is_balanced,
        "stale_after_s": group.stale_after_s,
    }


def group_from(row: Item, members: Sequence[Member] = (), load: Item | None = None) -> Group:
    base_load, pv = courses_from(load)
    return Group(
        group_id=row["group_id"],
        name=row["name"],
        kind=GroupKind(row["kind"]),
        parent_id=row.get("parent_id"),
        limit_a=row.get("limit_a"),
        limit_w=_whole(row.get("limit_w")),
        phases=int(row["phases"]),
        voltage_v=int(row["voltage_v"]),
        reserve_w=int(row["reserve_w"]),
        assumed_load_w=_whole(row.get("assumed_load_w")),
        is_balanced=row["is_balanced"],
        stale_after_s=int(row["stale_after_s"]),
        members=tuple(sorted(members, key=lambda each: each.place.text)),
        base_load=base_load,
        pv=pv,
    )


def member_row(group_id: str, member: Member) -> dict[str, Any]:
    return {
        "group_id": group_id,
        **place_row(member.place),
        "max_power_w": member.max_power_w,
        "phases": member.phases,
        "phase_order": [each.value for each in member.phase_order] if member.phase_order else None,
        "unmanaged_w": member.unmanaged_w,
    }


def member_from(row: Item) -> Member:
    order = row.get("phase_order")
    return Member(
        place_from(row),
        int(row["max_power_w"]),
        _whole(row.get("phases")),
        tuple(Phase(each) for each in order) if order else None,
        _whole(row.get("unmanaged_w")),
    )


def session_row(session: OpenSession) -> dict[str, Any]:
    return {
        "session_id": session.session_id,
        "session_partner_id": session.partner_id,
        **place_row(session.place),
        "since": format_instant(session.since),
    }


def session_from(row: Item) -> OpenSession:
    return OpenSession(
        key=row["sk"].removeprefix("SESSION#"),
        partner_id=row["session_partner_id"],
        session_id=row["session_id"],
        place=place_from(row),
        since=parse_instant(row["since"]),
    )


def place_row(place: Place) -> dict[str, Any]:
    return {"partner_id": place.partner_id, "evse_uid": place.evse_uid, "connector_id": place.connector_id}


def place_from(row: Item) -> Place:
    return Place(row["partner_id"], row["evse_uid"], row.get("connector_id"))


def load_row(base_load: Course, pv: Course) -> dict[str, Any]:
    return {"base_load": _course_row(base_load), "pv": _course_row(pv)}


def courses_from(row: Item | None) -> tuple[Course, Course]:
    """Return the base load and the PV of a group of which nothing need have been told."""
    if row is None:
        return NO_COURSE, NO_COURSE
    return _course_from(row["base_load"]), _course_from(row["pv"])


def _course_row(course: Course) -> dict[str, Any]:
    row = {
        "measured": _step_row(course.measured) if course.measured else None,
        "forecast": [_step_row(each) for each in course.forecast],
        "forecast_until": format_instant(course.forecast_until) if course.forecast_until else None,
        "peaks": [_step_row(each) for each in course.peaks],
    }
    return {name: value for name, value in row.items() if value}


def _course_from(row: Mapping[str, Any]) -> Course:
    return Course(
        measured=_step_from(row["measured"]) if "measured" in row else None,
        forecast=tuple(_step_from(each) for each in row.get("forecast", ())),
        forecast_until=parse_instant(row["forecast_until"]) if "forecast_until" in row else None,
        peaks=tuple(_step_from(each) for each in row.get("peaks", ())),
    )


def _step_row(step: LoadStep) -> dict[str, Any]:
    return {"at": format_instant(step.start_at), "w": list(step.power_w)}


def _step_from(row: Mapping[str, Any]) -> LoadStep:
    return LoadStep(parse_instant(row["at"]), tuple(int(each) for each in row["w"]))


def _whole(value: Decimal | None) -> int | None:
    return None if value is None else int(value)
