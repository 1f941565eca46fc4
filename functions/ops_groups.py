"""The operator API on limit groups, under /ops/v1/groups: connections, boards and feeders, the chargers behind them and
what else flows there. What is changed is planned by within seconds. The command `group` calls it, too."""

from __future__ import annotations

from aws_lambda_powertools.event_handler import Response

from offpeak import wiring
from offpeak.edge import json_body, rest_handler
from offpeak.groups.administer import trail_of
from offpeak.groups.model import GroupTree, Member, Place
from offpeak.groups.settings import (
    GroupChange,
    LoadTold,
    MembersChange,
    MemberSettings,
    NewGroup,
    member_of,
    place_named,
    place_of,
)
from offpeak.groups.show import group_in_list, group_shown
from offpeak.ocpi.fields import read_object
from offpeak.operator_edge import (
    answer,
    audit_answer,
    audit_asked,
    cursor_at,
    here,
    operator,
    operator_api,
    page_asked,
    seen_revision,
)
from offpeak.partners.show import verdict_shown

api = operator_api()
GROUPS = "/ops/v1/groups"
GROUP = f"{GROUPS}/<group_id>"
EVSE = f"{GROUP}/members/<partner_id>/<evse_uid>"
CONNECTOR = f"{EVSE}/<connector_id>"


@api.get(GROUPS)
def list_groups() -> Response[str]:
    after, limit = page_asked(api)
    groups, next_after = wiring.groups().page(after, limit)
    return answer({"groups": [group_in_list(each) for each in groups], "next": cursor_at(next_after)})


@api.post(GROUPS)
def make_group() -> Response[str]:
    said = read_object(NewGroup, json_body(api))
    made = wiring.group_administration().make(said, operator(api))
    return _shown(made, said.group_id, location=here(api, f"{GROUPS}/{said.group_id}"))


@api.get(GROUP)
def show_group(group_id: str) -> Response[str]:
    return _shown(wiring.group_administration().known(group_id), group_id)


@api.patch(GROUP)
def change_group(group_id: str) -> Response[str]:
    seen, said = seen_revision(api), read_object(GroupChange, json_body(api))
    return _shown(wiring.group_administration().change(group_id, said, operator(api), seen=seen), group_id)


@api.delete(GROUP)
def remove_group(group_id: str) -> Response[str]:
    wiring.group_administration().remove(group_id, operator(api), seen=seen_revision(api))
    return answer({"group_id": group_id})


@api.patch(f"{GROUP}/members")
def change_members(group_id: str) -> Response[str]:
    seen, said = seen_revision(api), read_object(MembersChange, json_body(api))
    put = [member_of(place_of(each), each) for each in said.put]
    return _changed(group_id, put, [place_of(each) for each in said.remove], seen)


@api.put(EVSE)
@api.put(CONNECTOR)
def put_member(group_id: str, **place: str) -> Response[str]:
    seen, said = seen_revision(api), read_object(MemberSettings, json_body(api))
    return _changed(group_id, [member_of(place_named(**place), said)], [], seen)


@api.delete(EVSE)
@api.delete(CONNECTOR)
def remove_member(group_id: str, **place: str) -> Response[str]:
    return _changed(group_id, [], [place_named(**place)], seen_revision(api))


@api.put(f"{GROUP}/load")
def tell_load(group_id: str) -> Response[str]:
    said = read_object(LoadTold, json_body(api))
    return _shown(wiring.group_administration().tell_load(group_id, said), group_id)


@api.get(f"{GROUP}/audit")
def show_audit(group_id: str) -> Response[str]:
    before, limit = audit_asked(api)
    trail = trail_of(wiring.groups().root_of_group(group_id))
    return audit_answer(wiring.group_trail().entries(trail, before=before, limit=limit))


@api.get(f"{GROUP}/audit/verification")
def verify_audit(group_id: str) -> Response[str]:
    return answer(verdict_shown(wiring.group_trail().verify(trail_of(wiring.groups().root_of_group(group_id)))))


def _changed(group_id: str, put: list[Member], remove: list[Place], seen: int | None) -> Response[str]:
    tree = wiring.group_administration().change_members(group_id, put, remove, operator(api), seen=seen)
    return _shown(tree, group_id)


def _shown(tree: GroupTree, group_id: str, *, location: str | None = None) -> Response[str]:
    shown = group_shown(tree, group_id, now=wiring.clock().now())
    return answer(shown, revision=tree.revision, location=location)


handler = rest_handler(api)
