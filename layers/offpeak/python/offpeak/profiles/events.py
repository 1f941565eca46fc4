"""What tenants are told of profiles, and by what ids events go. Pure.

An event's id is made of the session and of what happened to it, so that whoever tells it again tells the same.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from offpeak.events.model import Event, EventKind, Stream, Told
from offpeak.instants import format_instant
from offpeak.pairing.model import ChargerKey
from offpeak.profiles.model import ProfileRequest, RequestKind, RequestState, Standing

ENDS = {
    RequestState.CHARGER_ACCEPTED: EventKind.PROFILE_CONFIRMED,
    RequestState.REJECTED: EventKind.PROFILE_FAILED,
    RequestState.UNKNOWN: EventKind.PROFILE_FAILED,
}


def profile_event(before: ProfileRequest, after: ProfileRequest, standing: Standing, now: datetime) -> Event | None:
    """Return what it means for a tenant that a request changed; None where nobody's session is concerned, where nothing
    was settled, and of requests that set no profile."""
    kind = None if after.state is before.state else ENDS.get(after.state)
    charger = standing.charger
    if kind is None or charger is None or after.kind is not RequestKind.SET:
        return None
    told: dict[str, Told] = {
        "charger_id": charger.charger_id,
        "session_id": after.key.session_id,
        "request_id": after.request_id,
        "state": after.state.value,
        "answer": after.answer.value if after.answer else None,
        "result": after.result.value if after.result else None,
        "steps": {step.value: format_instant(at) for step, at in after.steps.items()},
    }
    event_id = event_id_of(after.key.text, charger, kind, f"{after.request_id}#{after.state.value}")
    return Event(event_id, stream_of(charger), kind, now, told)


def event_id_of(session_key: str, charger: ChargerKey, kind: EventKind, what: str) -> str:
    """Return the id of what happened to a session: always the same, and telling nothing."""
    said = "\n".join((session_key, charger.text, kind.value, what))
    return f"evt_{sha256(said.encode()).hexdigest()[:40]}"


def stream_of(charger: ChargerKey) -> Stream:
    return Stream(charger.user.tenant_id, charger.user.user_id, charger.charger_id)
