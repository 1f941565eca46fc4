"""The operators' command on a partner's lists: have one pulled, or show how pulling goes. It has no address.

{"action": "pull", "partner_id": "acme", "from": "2026-01-01T00:00:00Z", "to": "2026-01-08T00:00:00Z"}
{"action": "pull", "partner_id": "acme", "objects": "locations"}
{"action": "show", "partner_id": "acme"}
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from offpeak import wiring
from offpeak.edge import command_handler
from offpeak.errors import UnknownObject
from offpeak.history.begin import order_run
from offpeak.history.model import Module
from offpeak.history.show import run_shown
from offpeak.ocpi.fields import Instant, read_object
from offpeak.ocpi.wire_json import JsonValue
from offpeak.partners.model import Partner


class Command(BaseModel):
    model_config = ConfigDict(extra="forbid")

    action: Literal["pull", "show"]
    partner_id: str
    objects: Module = Module.SESSIONS
    since: Annotated[Instant | None, Field(alias="from")] = None
    until: Annotated[Instant | None, Field(alias="to")] = None


def run(event: JsonValue) -> object:
    command = read_object(Command, event)
    partner = wiring.partners().load(command.partner_id)
    if partner is None:
        raise UnknownObject(f"there is no partner {command.partner_id}")
    return _pull(partner, command) if command.action == "pull" else _show(partner)


def _pull(partner: Partner, command: Command) -> object:
    now = wiring.clock().now()
    until = command.until or (now if command.since else None)
    return run_shown(order_run(partner, command.objects, command.since, until, wiring.history_beginner(), now))


def _show(partner: Partner) -> object:
    return {"runs": [run_shown(each) for each in wiring.history().runs(partner.partner_id).values()]}


handler = command_handler(run)
