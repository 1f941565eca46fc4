"""What operators may say of groups, their chargers and what else flows there: checked by name."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from math import ceil, floor
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints

from offpeak.errors import InvalidMessage
from offpeak.groups.model import (
    MOST_STEPS,
    Course,
    Group,
    GroupKind,
    LoadStep,
    Member,
    Phase,
    Place,
    measured_too,
)
from offpeak.ocpi.fields import Instant, read_object
from offpeak.ocpi.wire_json import JsonValue
from offpeak.partners.settings import PartnerId

LARGEST_W = 100_000_000
"""A big transformer."""
LARGEST_A = 100_000

CLOCKS_DIFFER = timedelta(minutes=5)
"""A meter's clock may be so far ahead of ours."""

UNNAMED: Any = None
"""Stands where a change does not name a setting; it is never read."""

GroupId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
Name = Annotated[
    str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]*$")
]
ObjectId = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]
Watts = Annotated[int, Field(ge=0, le=LARGEST_W)]
Amperes = Annotated[Decimal, Field(ge=0, le=LARGEST_A, allow_inf_nan=False, decimal_places=3)]


class _Said(BaseModel):
    """A name that does not exist is a mistake, not a wish."""

    model_config = ConfigDict(extra="forbid")


class GroupChange(_Said):
    """A change names only what it sets. `limit_a` holds on each phase, `limit_w` in all: naming one takes the place of
    the other."""

    name: Name = UNNAMED
    kind: GroupKind = UNNAMED
    parent_id: GroupId | None = UNNAMED
    limit_a: Amperes | None = UNNAMED
    limit_w: Watts | None = UNNAMED
    phases: Annotated[int, Field(ge=1, le=3)] = UNNAMED
    voltage_v: Annotated[int, Field(ge=100, le=100_000)] = UNNAMED
    reserve_w: Watts = UNNAMED
    assumed_load_w: Watts | None = UNNAMED
    is_balanced: StrictBool = UNNAMED
    stale_after_s: Annotated[int, Field(ge=10, le=86_400)] = UNNAMED


class NewGroup(GroupChange):
    group_id: GroupId
    name: Name


class MemberSettings(_Said):
    """`max_power_w` is what the hardware draws at most, over all phases; `unmanaged_w` what a car gets without a
    profile: by default all of that."""

    max_power_w: Annotated[int, Field(ge=1, le=LARGEST_W)]
    phases: Annotated[int, Field(ge=1, le=3)] | None = None
    phase_order: list[Phase] | None = None
    unmanaged_w: Watts | None = None


class MemberPlace(_Said):
    """`connector_id` is left out where the EVSE is a member with all its connectors."""

    partner_id: PartnerId
    evse_uid: ObjectId
    connector_id: ObjectId | None = None


class NewMember(MemberPlace, MemberSettings):
    pass


class MembersChange(_Said):
    """Chargers to take in, from other groups too, and chargers to let go."""

    put: Annotated[list[NewMember], Field(max_length=1000)] = Field(default_factory=list)
    remove: Annotated[list[MemberPlace], Field(max_length=1000)] = Field(default_factory=list)


class Flow(_Said):
    """`power_w`, in all or for each phase, or `current_a`, for each phase; a single figure needs no list."""

    power_w: Watts | Annotated[list[Watts], Field(min_length=1, max_length=3)] | None = None
    current_a: Amperes | Annotated[list[Amperes], Field(min_length=1, max_length=3)] | None = None


class Measured(Flow):
    at: Instant | None = None
    """Now, where it is left out."""


class ForecastStep(Flow):
    start_at: Instant


class Forecast(_Said):
    """Each step holds until the next one starts, the last until `until`."""

    steps: Annotated[list[ForecastStep], Field(min_length=1, max_length=MOST_STEPS)]
    until: Instant


class CourseTold(_Said):
    """What is left out stays as it is; null takes it away."""

    measured: Measured | None = UNNAMED
    forecast: Forecast | None = UNNAMED


class LoadTold(_Said):
    """What else flows behind a limit: the load of all but the chargers, and the yield of PV."""

    base_load: CourseTold = CourseTold()
    pv: CourseTold = CourseTold()


def new_group(said: NewGroup) -> Group:
    """Return the group that is asked for."""
    return changed(Group(said.group_id, said.name), said)


def changed(group: Group, change: GroupChange) -> Group:
    """Return the group with those settings changed that `change` names."""
    named = {name: getattr(change, name) for name in change.model_fields_set if name != "group_id"}
    if named.get("limit_a") is not None and "limit_w" not in named:
        named["limit_w"] = None
    if named.get("limit_w") is not None and "limit_a" not in named:
        named["limit_a"] = None
    return replace(group, **named)


def place_of(said: MemberPlace) -> Place:
    return Place(said.partner_id, said.evse_uid, said.connector_id)


def place_named(partner_id: str, evse_uid: str, connector_id: str | None = None) -> Place:
    """Return the place that a path names. Raises InvalidMessage."""
    named: dict[str, JsonValue] = {"partner_id": partner_id, "evse_uid": evse_uid, "connector_id": connector_id}
    return place_of(read_object(MemberPlace, named))


def member_of(place: Place, said: MemberSettings) -> Member:
    order = tuple(said.phase_order) if said.phase_order is not None else None
    return Member(place, said.max_power_w, said.phases, order, said.unmanaged_w)


def told(group: Group, said: LoadTold, *, now: datetime) -> tuple[Course, Course]:
    """Return a group's base load and PV with what was told of them. Raises InvalidMessage naming the field."""
    base_load = _told_course(group, group.base_load, said.base_load, "base_load", now)
    pv = _told_course(group, group.pv, said.pv, "pv", now)
    return base_load, replace(pv, peaks=())


def _told_course(group: Group, course: Course, said: CourseTold, where: str, now: datetime) -> Course:
    is_load = where == "base_load"
    if "forecast" in said.model_fields_set:
        steps = said.forecast.steps if said.forecast else []
        course = replace(
            course,
            forecast=tuple(
                LoadStep(each.start_at, _power(group, each, f"{where}.forecast.steps.{number}", is_load))
                for number, each in enumerate(steps)
            ),
            forecast_until=said.forecast.until if said.forecast else None,
        )
    if "measured" not in said.model_fields_set:
        return course
    if said.measured is None:
        return replace(course, measured=None)
    at = said.measured.at or now
    if at > now + CLOCKS_DIFFER:
        raise InvalidMessage(f"{where}.measured.at", "is in the future: a forecast is told as one")
    return measured_too(course, LoadStep(at, _power(group, said.measured, f"{where}.measured", is_load)))


def _power(group: Group, flow: Flow, where: str, is_load: bool) -> tuple[int, ...]:
    """Return a flow in watts. Amperes count as if all of them were real power, and a fraction of a watt against us."""
    if (flow.power_w is None) == (flow.current_a is None):
        raise InvalidMessage(f"{where}.power_w", "or current_a is what is told: one of them, and not both")
    if flow.power_w is not None:
        power_w = (flow.power_w,) if isinstance(flow.power_w, int) else tuple(flow.power_w)
        widths = {1, group.phases}
    else:
        amperes = flow.current_a if isinstance(flow.current_a, list) else [flow.current_a or Decimal(0)]
        to_watts = ceil if is_load else floor
        power_w = tuple(to_watts(each * group.voltage_v) for each in amperes)
        widths = {group.phases}
    if len(power_w) not in widths:
        raise InvalidMessage(where, f"has {len(power_w)} figures, and the group {group.phases} phases")
    return power_w
