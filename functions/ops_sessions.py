"""The operators' command on one session: show it, ask its CPO what the charger has, or tell it what the driver wants.
It has no address.

{"action": "show", "partner_id": "acme", "session_id": "S-1"}
{"action": "ask", "partner_id": "acme", "session_id": "S-1"}
{"action": "prefer", "partner_id": "acme", "session_id": "S-1", "preferences": {"profile_type": "CHEAP",
 "departure_time": "2027-03-02T06:30:00Z", "energy_need": 22.5, "discharge_allowed": false}}
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints

from offpeak import wiring
from offpeak.edge import command_handler
from offpeak.errors import InvalidMessage, UnknownObject
from offpeak.ocpi.charging_preferences import Preferences, ProfileType
from offpeak.ocpi.envelope import RequestIds
from offpeak.ocpi.fields import Instant, Number, read_object
from offpeak.ocpi.wire_json import JsonValue
from offpeak.partners.model import Partner
from offpeak.profiles.ask import ask_for_active_profile
from offpeak.profiles.show import session_shown
from offpeak.sessions.model import LONGEST_ID, KnownSession, SessionKey
from offpeak.sessions.prefer import prefer

MOST_REQUESTS = 50
"""The newest requests that are shown; a session seldom has ten."""


class WantedPreferences(BaseModel):
    """A ChargingPreferences object (OCPI 2.2.1, 9.3.2)."""

    model_config = ConfigDict(extra="forbid")

    profile_type: ProfileType
    departure_time: Instant | None = None
    energy_need: Annotated[Number, Field(ge=0)] | None = None
    discharge_allowed: StrictBool | None = None


class Command(BaseModel):
    model_config = ConfigDict(extra="forbid")

    action: Literal["show", "ask", "prefer"]
    partner_id: str
    session_id: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_ID)]
    preferences: WantedPreferences | None = None


def run(event: JsonValue) -> object:
    command = read_object(Command, event)
    partner = wiring.partners().load(command.partner_id)
    if partner is None:
        raise UnknownObject(f"there is no partner {command.partner_id}")
    known = wiring.sessions().known(SessionKey(partner.partner_id, command.session_id))
    if known is None:
        raise UnknownObject(f"{partner.partner_id} has told nothing of a session {command.session_id}")
    if command.action == "prefer":
        return _prefer(partner, known, command.preferences)
    return _ask(known) if command.action == "ask" else _show(partner, known)


def _show(partner: Partner, known: KnownSession) -> object:
    key, profiles, now = known.session.key, wiring.profiles(), wiring.clock().now()
    return session_shown(
        known,
        profiles.standing(key),
        islice(profiles.requests_of(key), MOST_REQUESTS),
        wiring.sites().of(known.session, partner, now),
        partner,
        wiring.drivers().at(known.session),
        now=now,
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


def _prefer(partner: Partner, known: KnownSession, wanted: WantedPreferences | None) -> object:
    if wanted is None:
        raise InvalidMessage("preferences", "are what there is to tell")
    preferences = Preferences(wanted.profile_type, wanted.departure_time, wanted.energy_need, wanted.discharge_allowed)
    request_id = secrets.token_urlsafe(24)
    answer = prefer(
        known.session,
        preferences,
        partner,
        wiring.preferences_teller(),
        RequestIds(request_id, request_id),
        now=wiring.clock().now(),
    )
    return {"answer": answer.value}


handler = command_handler(run)
