"""Ask a CPO what its charger has, because an operator wants to know."""

from __future__ import annotations

from datetime import datetime

from offpeak.aws.queues import FairQueue
from offpeak.errors import InvalidMessage
from offpeak.partners.model import Party
from offpeak.profiles.model import ProfileRequest
from offpeak.profiles.send_queue import ask_to_send
from offpeak.profiles.settle import new_question
from offpeak.profiles.store import ProfileStore
from offpeak.sessions.model import Session
from offpeak.telemetry import logger


def ask_for_active_profile(
    session: Session,
    profiles: ProfileStore,
    send_queue: FairQueue,
    *,
    question_id: str,
    now: datetime,
    at: datetime,
) -> ProfileRequest:
    """Have the active profile asked for by the GET `question_id` (OCPI 2.2.1, 14.2.1.1), and return that request.

    What it brings is held against our newest profile, as after any other question. `now` is the session's time, `at`
    the real one. Raises InvalidMessage for a session that is not open: its profile is gone with it.
    """
    if not session.is_open:
        raise InvalidMessage("session_id", f"the session is {session.status.value}: no profile is active any more")
    newest_id = profiles.standing(session.key).newest_request_id
    party = Party(session.country_code, session.party_id)
    question = new_question(session.key, party, newest_id, question_id, now, at)
    profiles.save(question)
    logger.info(
        "active_profile_asked",
        request_id=question_id,
        partner_id=session.key.partner_id,
        session_id=session.key.session_id,
    )
    ask_to_send(send_queue, question)
    return question
