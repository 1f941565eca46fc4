"""The operators' command on one session: show it, or ask its CPO what the charger has. It has no address.

{"action": "show", "partner_id": "acme", "session_id": "S-1"}
{"action": "ask", "partner_id": "acme", "session_id": "S-1"}
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

from offpeak import wiring
from offpeak.edge import command_handler
from offpeak.errors import UnknownObject
from offpeak.ocpi.fields import read_object
from offpeak.ocpi.wire_json import JsonValue
from offpeak.partners.model import Partner
from offpeak.profiles.ask import ask_for_active_profile
from offpeak.profiles.show import session_shown
from offpeak.sessions.model import LONGEST_ID, KnownSession, SessionKey

MOST_REQUESTS = 50
"""The newest requests that are shown; a session seldom has ten."""


class Command(BaseModel):
    model_config = ConfigDict(extra="forbid")

    action: Literal["show", "ask"]
    partner_id: str
    session_id: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_ID)]


def run(event: JsonValue) -> object:
    command = read_object(Command, event)
    partner = wiring.partners().load(command.partner_id)
    if partner is None:
        raise UnknownObject(f"there is no partner {command.partner_id}")
    known = wiring.sessions().known(SessionKey(partner.partner_id, command.session_id))
    if known is None:
        raise UnknownObject(f"{partner.partner_id} has told nothing of a session {command.session_id}")
    return _ask(known) if command.action == "ask" else _show(partner, known)


def _show(partner: Partner, known: KnownSession) -> object:
    key, profiles = known.session.key, wiring.profiles()
    return session_shown(
        known,
        profiles.standing(key),
        islice(profiles.requests_of(key), MOST_REQUESTS),
        time_zone=partner.planning.time_zone,
        now=wiring.clock().now(),
    )


def _ask(known: KnownSession) -> object:
    question = ask_for_active_profile(
        known.session,
        wiring.profiles(),
        wiring.send_queue(),
        question_id=secrets.token_urlsafe(24),
        now=wiring.clock().now(),
        at=datetime.now(UTC),
    )
    return {"request_id": question.request_id}


handler = command_handler(run)
