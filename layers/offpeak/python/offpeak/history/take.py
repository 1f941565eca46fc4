"""Merge a page of listed sessions, each as if it had been pushed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from offpeak.errors import InvalidMessage
from offpeak.history.listed import read_listed, session_id_in
from offpeak.history.model import Refusal, Taken, Tally
from offpeak.history.stop import StopRule
from offpeak.ocpi.merging import Outcome
from offpeak.ocpi.paging import newest
from offpeak.ocpi.wire_json import JsonValue
from offpeak.partners.model import Partner, Party
from offpeak.sessions.model import SessionMessage
from offpeak.sessions.plan_queue import PlanQueue
from offpeak.sessions.receive import receive_session
from offpeak.sessions.store import SessionStore
from offpeak.telemetry import logger


@dataclass(frozen=True, slots=True)
class Taker:
    """Where sessions go. `stop` says why a listed session must not come back, None where it may."""

    sessions: SessionStore
    plan_queue: PlanQueue
    stop: StopRule


def take_page(
    items: Iterable[JsonValue | InvalidMessage],
    partner: Partner,
    party: Party,
    by: Taker,
    *,
    now: datetime,
    received_at: datetime,
) -> Taken:
    """Merge the sessions of a page of `party`'s list; what cannot be taken is reported and spoils nothing (T10).

    `now` is the time sessions live in, `received_at` the real time. Raises ConcurrentChange when a session is being
    written by too many at once: the page comes again.
    """
    messages, refused, objects = _read(items, partner, now)
    outcomes: Counter[Outcome] = Counter()
    stopped = 0
    for message in newest(messages, lambda each: each.key.text, lambda each: each.last_updated).values():
        why = by.stop(message)
        if why is not None:
            stopped += 1
            logger.info("session_kept_out", partner_id=partner.partner_id, session_id=message.key.session_id, why=why)
            continue
        try:
            outcomes[_merge(message, partner, by, now, received_at)] += 1
        except InvalidMessage as error:
            refused.append(_refusal(partner, message.key.session_id, error))
    tally = Tally(
        objects=objects,
        created=outcomes[Outcome.CREATED],
        updated=outcomes[Outcome.UPDATED],
        unchanged=outcomes[Outcome.UNCHANGED],
        refused=len(refused),
        stopped=stopped,
    )
    is_mixed = any(not party.is_same_as(Party(each.country_code, each.party_id)) for each in messages)
    return Taken(tally, tuple(refused), is_mixed)


def _read(
    items: Iterable[JsonValue | InvalidMessage], partner: Partner, now: datetime
) -> tuple[list[SessionMessage], list[Refusal], int]:
    """Return the sessions that can be read, the objects that cannot, and how many there were."""
    messages: list[SessionMessage] = []
    refused: list[Refusal] = []
    for item in items:
        try:
            messages.append(read_listed(item, partner, now))
        except InvalidMessage as error:
            refused.append(_refusal(partner, session_id_in(item), error))
    return messages, refused, len(messages) + len(refused)


def _merge(message: SessionMessage, partner: Partner, by: Taker, now: datetime, received_at: datetime) -> Outcome:
    return receive_session(
        message,
        by.sessions,
        by.plan_queue,
        partner.flags.parking_time,
        now=now,
        received_at=received_at,
        is_pushed=False,
    )


def _refusal(partner: Partner, session_id: str | None, error: InvalidMessage) -> Refusal:
    logger.info(
        "listed_session_refused",
        partner_id=partner.partner_id,
        session_id=session_id,
        field=error.field,
        problem=error.problem,
    )
    return Refusal(session_id, error.field, error.problem)
