"""The operators' command on partners: invite, show, list and change them. It has no address: operators invoke it.

{"action": "invite", "partner_id": "acme", "settings": {"name": "Acme", "parties": ["NL-ACM"]}}
{"action": "change", "partner_id": "acme", "settings": {"flags": {"strict": true}, "planning": {"need_kwh": 20}}}
{"action": "show", "partner_id": "acme"}
{"action": "list"}
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

from offpeak import wiring
from offpeak.edge import command_handler
from offpeak.errors import InvalidMessage, UnknownObject
from offpeak.ocpi.fields import read_object
from offpeak.ocpi.paths import VERSIONS_PATH
from offpeak.ocpi.tokens import new_token
from offpeak.ocpi.wire_json import JsonValue
from offpeak.partners.invite import invite
from offpeak.partners.model import Partner
from offpeak.partners.settings import Change, changed, settings_of
from offpeak.profiles.replan import ask_for_plans
from offpeak.telemetry import logger


class Command(BaseModel):
    model_config = ConfigDict(extra="forbid")

    action: Literal["invite", "show", "list", "change"]
    partner_id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")] | None = None
    settings: Change = Change()


def run(event: JsonValue) -> object:
    command = read_object(Command, event)
    if command.action == "list":
        return {"partners": [_summary(partner) for partner in wiring.partners().all()]}
    if command.partner_id is None:
        raise InvalidMessage("partner_id", "is required")
    if command.action == "invite":
        return _invite(command.partner_id, command.settings)
    partner = wiring.partners().load(command.partner_id)
    if partner is None:
        raise UnknownObject(f"there is no partner {command.partner_id}")
    return settings_of(_change(partner, command.settings) if command.action == "change" else partner)


def _invite(partner_id: str, change: Change) -> object:
    invitation = invite(partner_id, change, wiring.partners(), wiring.usage_plan(), new_token)
    return {
        "partner_id": partner_id,
        "token_a": invitation.token,
        "versions_url": wiring.base_url() + VERSIONS_PATH,
    }


def _change(partner: Partner, change: Change) -> Partner:
    """Save the change, and have the partner's running sessions planned anew by it."""
    saved = wiring.partners().save(changed(partner, change))
    logger.info("partner_changed", partner_id=partner.partner_id, revision=saved.revision)
    ask_for_plans([partner.partner_id], wiring.replan_queue())
    return saved


def _summary(partner: Partner) -> object:
    return {"partner_id": partner.partner_id, "name": partner.name, "status": partner.status.value}


handler = command_handler(run)
