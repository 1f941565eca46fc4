"""The operator API on partners, under /ops/v1: the same as the operators' command, for programs. IAM says who may."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, ConfigDict, StringConstraints

from offpeak import wiring
from offpeak.edge import json_body, rest_handler
from offpeak.ocpi.fields import Text, read_object
from offpeak.ocpi.paths import VERSIONS_PATH
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
from offpeak.partners.invite import Invitation
from offpeak.partners.propose import attempt
from offpeak.partners.quality import quality_shown
from offpeak.partners.rotate import rotate
from offpeak.partners.settings import Change, Day, PartnerId
from offpeak.partners.show import attempt_shown, partner_in_list, partner_shown, verdict_shown

api = operator_api()
PARTNERS = "/ops/v1/partners"
PARTNER = f"{PARTNERS}/<partner_id>"


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")

    settings: Change = Change()


class NewPartner(Settings):
    partner_id: PartnerId


class Suspension(BaseModel):
    model_config = ConfigDict(extra="forbid")

    note: Annotated[Text, StringConstraints(min_length=1)] | None = None


class OneDay(BaseModel):
    day: Day | None = None


@api.get(PARTNERS)
def list_partners() -> Response[str]:
    after, limit = page_asked(api)
    partners, next_after = wiring.partners().page(after, limit)
    return answer({"partners": [partner_in_list(each) for each in partners], "next": cursor_at(next_after)})


@api.post(PARTNERS)
def invite_partner() -> Response[str]:
    asked = read_object(NewPartner, json_body(api))
    return _invited(wiring.administration().invite(asked.partner_id, asked.settings, operator(api), is_new=True))


@api.post(f"{PARTNER}/invitations")
def invite_again(partner_id: str) -> Response[str]:
    wiring.administration().known(partner_id)
    return _invited(wiring.administration().invite(partner_id, Change(), operator(api)))


@api.get(PARTNER)
def show_partner(partner_id: str) -> Response[str]:
    partner = wiring.administration().known(partner_id)
    return answer(partner_shown(partner), revision=partner.revision)


@api.patch(PARTNER)
def change_partner(partner_id: str) -> Response[str]:
    seen, asked = seen_revision(api), read_object(Settings, json_body(api))
    changed = wiring.administration().change(partner_id, asked.settings, operator(api), seen=seen)
    return answer(partner_shown(changed), revision=changed.revision)


@api.delete(PARTNER)
def remove_partner(partner_id: str) -> Response[str]:
    removed = wiring.administration().remove(partner_id, operator(api), seen=seen_revision(api))
    return answer(partner_shown(removed), revision=removed.revision)


@api.put(f"{PARTNER}/suspension")
def suspend_partner(partner_id: str) -> Response[str]:
    seen = seen_revision(api)
    note = read_object(Suspension, json_body(api)).note if api.current_event.body else None
    suspended = wiring.administration().suspend(partner_id, operator(api), note=note, seen=seen)
    return answer(partner_shown(suspended), revision=suspended.revision)


@api.delete(f"{PARTNER}/suspension")
def resume_partner(partner_id: str) -> Response[str]:
    resumed = wiring.administration().resume(partner_id, operator(api), seen=seen_revision(api))
    return answer(partner_shown(resumed), revision=resumed.revision)


@api.post(f"{PARTNER}/rotation")
def rotate_tokens(partner_id: str) -> Response[str]:
    partner = wiring.administration().known(partner_id)
    by = wiring.initiator(operator(api), partner)
    return answer(attempt_shown(attempt(lambda: rotate(partner, by), by.handshake)))


@api.get(f"{PARTNER}/quality")
def show_quality(partner_id: str) -> Response[str]:
    wiring.administration().known(partner_id)
    query = api.current_event.query_string_parameters or {}
    day = read_object(OneDay, {"day": query["day"]} if "day" in query else {}).day or wiring.clock().now().date()
    return answer(quality_shown(partner_id, day, wiring.quality().day(partner_id, day)))


@api.get(f"{PARTNER}/audit")
def show_audit(partner_id: str) -> Response[str]:
    before, limit = audit_asked(api)
    return audit_answer(wiring.audit_trail().entries(partner_id, before=before, limit=limit))


@api.get(f"{PARTNER}/audit/verification")
def verify_audit(partner_id: str) -> Response[str]:
    return answer(verdict_shown(wiring.audit_trail().verify(partner_id)))


def _invited(invitation: Invitation) -> Response[str]:
    partner = invitation.partner
    return answer(
        {
            "partner_id": partner.partner_id,
            "token_a": invitation.token,
            "versions_url": wiring.base_url() + VERSIONS_PATH,
        },
        revision=partner.revision,
        location=here(api, f"{PARTNERS}/{partner.partner_id}"),
    )


handler = rest_handler(api)
