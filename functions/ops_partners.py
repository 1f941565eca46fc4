"""The operators' command on partners: invite, show, change, shut out, remove. It has no address: operators invoke it.

{"action": "invite", "partner_id": "acme", "settings": {"name": "Acme", "parties": ["NL-ACM"]}, "who": "arn:..."}
{"action": "change", "partner_id": "acme", "settings": {"flags": {"strict": true}, "planning": {"need_kwh": 20}}}
{"action": "suspend", "partner_id": "acme", "note": "sends a thousand messages a second"}
{"action": "show", "partner_id": "acme"}, and so are resume, remove, audit and verify
{"action": "list"}, and so is restore_keys
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from offpeak import wiring
from offpeak.edge import command_handler
from offpeak.errors import InvalidMessage
from offpeak.ocpi.fields import Text, read_object
from offpeak.ocpi.paths import VERSIONS_PATH
from offpeak.ocpi.wire_json import JsonValue
from offpeak.partners.audit import Actor
from offpeak.partners.settings import Change, PartnerId
from offpeak.partners.show import entry_shown, partner_in_list, partner_shown, verdict_shown

NOT_SAID = "not said: CloudTrail knows who invoked the function"


class Command(BaseModel):
    """`who` is what STS told the command of its own identity."""

    model_config = ConfigDict(extra="forbid")

    action: Literal[
        "list", "invite", "show", "change", "suspend", "resume", "remove", "audit", "verify", "restore_keys"
    ]
    partner_id: PartnerId | None = None
    settings: Change = Change()
    note: Text | None = None
    who: Annotated[str, StringConstraints(pattern=r"^arn:[\x21-\x7e]{1,500}$")] | None = None
    before: Annotated[int, Field(ge=1)] | None = None


def run(event: JsonValue) -> object:
    command = read_object(Command, event)
    match command.action:
        case "list":
            return {"partners": [partner_in_list(each) for each in wiring.partners().all()]}
        case "restore_keys":
            return {"partners": wiring.administration().restore_keys()}
    if command.partner_id is None:
        raise InvalidMessage("partner_id", "is required")
    return _on_partner(command.partner_id, command)


def _on_partner(partner_id: str, command: Command) -> object:
    actor, by = Actor(command.who or NOT_SAID, "command"), wiring.administration()
    match command.action:
        case "invite":
            token = by.invite(partner_id, command.settings, actor).token
            return {"partner_id": partner_id, "token_a": token, "versions_url": wiring.base_url() + VERSIONS_PATH}
        case "audit":
            entries = wiring.audit_trail().entries(partner_id, before=command.before, limit=100)
            return {"entries": [entry_shown(each) for each in entries]}
        case "verify":
            return verdict_shown(wiring.audit_trail().verify(partner_id))
        case "change":
            return partner_shown(by.change(partner_id, command.settings, actor))
        case "suspend":
            return partner_shown(by.suspend(partner_id, actor, note=command.note))
        case "resume":
            return partner_shown(by.resume(partner_id, actor))
        case "remove":
            return partner_shown(by.remove(partner_id, actor))
        case _:
            return partner_shown(by.known(partner_id))


handler = command_handler(run)
