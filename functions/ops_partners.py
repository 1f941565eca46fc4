"""The operators' command on partners: invite, show, change, shut out, remove. It has no address: operators invoke it.

{"action": "invite", "partner_id": "acme", "settings": {"name": "Acme", "parties": ["NL-ACM"]}, "who": "arn:..."}
{"action": "change", "partner_id": "acme", "settings": {"flags": {"strict": true}, "planning": {"need_kwh": 20}}}
{"action": "suspend", "partner_id": "acme", "note": "sends a thousand messages a second"}
{"action": "register", "partner_id": "acme", "versions_url": "https://...", "token_a": "...", "settings": {...}}
{"action": "rotate", "partner_id": "acme"}
{"action": "unregister", "partner_id": "acme", "force": false}
{"action": "quality", "partner_id": "acme", "day": "2027-03-01"}
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
from offpeak.partners.invite import agreed, invited
from offpeak.partners.join import register_at
from offpeak.partners.model import Partner
from offpeak.partners.part import withdraw
from offpeak.partners.propose import attempt
from offpeak.partners.quality import quality_shown
from offpeak.partners.rotate import rotate
from offpeak.partners.settings import Change, Day, PartnerId
from offpeak.partners.show import attempt_shown, entry_shown, partner_in_list, partner_shown, verdict_shown

NOT_SAID = "not said: CloudTrail knows who invoked the function"


class Command(BaseModel):
    """`who` is what STS told the command of its own identity."""

    model_config = ConfigDict(extra="forbid")

    action: Literal[
        "list",
        "invite",
        "register",
        "rotate",
        "unregister",
        "show",
        "change",
        "suspend",
        "resume",
        "remove",
        "audit",
        "verify",
        "quality",
        "restore_keys",
    ]
    partner_id: PartnerId | None = None
    settings: Change = Change()
    note: Text | None = None
    who: Annotated[str, StringConstraints(pattern=r"^arn:[\x21-\x7e]{1,500}$")] | None = None
    before: Annotated[int, Field(ge=1)] | None = None
    day: Day | None = None
    versions_url: Text = ""
    token_a: str = ""
    force: bool = False


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
        case "register":
            return _register(partner_id, command, actor)
        case "rotate" | "unregister":
            return _call(partner_id, command, actor)
        case "audit":
            entries = wiring.audit_trail().entries(partner_id, before=command.before, limit=100)
            return {"entries": [entry_shown(each) for each in entries]}
        case "verify":
            return verdict_shown(wiring.audit_trail().verify(partner_id))
        case "quality":
            by.known(partner_id)
            day = command.day or wiring.clock().now().date()
            return quality_shown(partner_id, day, wiring.quality().day(partner_id, day))
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


def _register(partner_id: str, command: Command, actor: Actor) -> object:
    """Register at a CPO. A partner that is new to us gets its throttling key once the CPO has shown itself."""
    before = wiring.partners().load(partner_id)
    by = wiring.initiator(actor, before)
    agreed(partner_id, before, command.settings)

    def begin() -> Partner:
        return invited(partner_id, before, command.settings, lambda: wiring.usage_plan().add_key(partner_id))

    done = attempt(lambda: register_at(command.versions_url, command.token_a, begin, by), by.handshake)
    return attempt_shown(done)


def _call(partner_id: str, command: Command, actor: Actor) -> object:
    """Renew the tokens; or tell the CPO that we go and then wipe them, with `force` whatever it answers."""
    partner = wiring.administration().known(partner_id)
    by = wiring.initiator(actor, partner)
    if command.action == "rotate":
        return attempt_shown(attempt(lambda: rotate(partner, by), by.handshake))
    done = attempt(lambda: withdraw(partner, by), by.handshake)
    if done.problem is None or command.force:
        wiring.administration().remove(partner_id, actor)
    return attempt_shown(done)


handler = command_handler(run)
