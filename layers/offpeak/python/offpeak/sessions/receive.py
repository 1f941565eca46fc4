"""What happens when a partner tells us about a session."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from operator import itemgetter
from typing import TypeAlias

from offpeak.errors import ConcurrentChange, InvalidMessage
from offpeak.ocpi.merging import Outcome
from offpeak.partners.model import ParkingTimeMeaning
from offpeak.partners.watch import notice
from offpeak.sessions.charging_state import infer_charging_state
from offpeak.sessions.energy import delivered, state_of_charge
from offpeak.sessions.merge import MergedSession, merge, session_of
from offpeak.sessions.model import MessageKind, Session, SessionMessage
from offpeak.sessions.parse import MOST_PERIODS
from offpeak.sessions.plan_queue import PlanQueue
from offpeak.sessions.quality import figures_of
from offpeak.sessions.store import Inferred, SessionStore, StoredSession, count_periods
from offpeak.telemetry import count, logger

MOST_TRIES = 8
"""Writers of one session at the same moment are few; who loses so often is told to come again."""


Refuses: TypeAlias = Callable[[str, str, datetime | None], str | None]
"""Says of a partner's EVSE, and of when a session there began, why nothing of it is taken; None where it is."""


def receive_session(
    message: SessionMessage,
    store: SessionStore,
    queue: PlanQueue,
    parking_time: ParkingTimeMeaning,
    *,
    now: datetime,
    received_at: datetime,
    is_pushed: bool = True,
    refuses: Refuses | None = None,
) -> Outcome:
    """Merge one message into its session, store it, and ask for a plan when it told something new.

    `now` is the time sessions live in, `received_at` the real time; only what `is_pushed`, and not pulled, tells of its
    sender's punctuality. Raises ConcurrentChange when other writers were faster every time, InvalidMessage when the
    session would outgrow its bounds, is another party's, or is at an EVSE that `refuses` it: then nothing is kept.
    """
    for _ in range(MOST_TRIES):
        stored = store.load_newest(message.key)
        if stored is not None and not stored.is_whole and not suffices(stored, message):
            stored = store.load(message.key)
        merged = merge(stored.merged if stored else None, message)
        _check(stored, merged, message)
        session = session_of(merged)
        if refuses is not None:
            _check_evse(stored, merged, message, refuses, store, received_at)
        if stored is not None and merged == stored.merged and stored.is_settled:
            outcome = Outcome.UNCHANGED if session else Outcome.KEPT
            break
        inferred = _inferred(session, stored, parking_time, now) if session else None
        wants_plan = inferred is not None and is_cause(stored, merged, inferred)
        try:
            plan_wanted = store.save(stored, merged, inferred, wants_plan=wants_plan, now=now, received_at=received_at)
        except ConcurrentChange:
            continue
        outcome = _outcome(stored, session)
        if wants_plan:
            queue.ask(message.key, plan_wanted)
        break
    else:
        raise ConcurrentChange(f"session {message.key.session_id} is being written by too many at once")
    _report(message, session, outcome)
    if is_pushed:
        before, is_news = (stored.merged if stored else None), merged != (stored.merged if stored else None)
        notice(message.key.partner_id, now, figures_of(message, before, session, is_news=is_news, now=now))
    return outcome


def suffices(stored: StoredSession, message: SessionMessage) -> bool:
    """Say whether a message can be merged with the newest charging periods alone.

    A PUT replaces them all; a period from before them may be known by a newer word; a message that tells nothing new
    may have lost its first writer half-way; and without `kwh` the energy of all periods is summed up, unless it came to
    nothing so far. Pure.
    """
    if message.kind is MessageKind.PUT or not stored.merged.periods:
        return False
    oldest = min(stored.merged.periods)
    if any(period.start_at < oldest for period in message.periods):
        return False
    merged = merge(stored.merged, message)
    session = session_of(merged)
    if merged == stored.merged or session is None:
        return False
    return session.kwh > 0 or _has_taken_nothing(stored)


def _has_taken_nothing(stored: StoredSession) -> bool:
    """Say whether all periods so far tell no energy; where the car may feed the grid, a sum of 0 does not say so."""
    feeds = any("ENERGY_EXPORT" in each.period.dimensions for each in stored.merged.periods.values())
    return stored.inferred is not None and stored.inferred.delivered_kwh == 0 and not feeds


def is_cause(stored: StoredSession | None, merged: MergedSession, inferred: Inferred) -> bool:
    """Say whether what a message told is a cause of a plan. Pure.

    Most messages of a night say that a car that waits still waits. That time has passed is no news: the clock plans
    for it.
    """
    if stored is None or stored.inferred is None or stored.is_watched:
        return True
    said, known = merged.fields, stored.merged.fields
    has_news = any(name not in known or known[name].value != said[name].value for name in said)
    return has_news or inferred != stored.inferred or _newest_tariff_id(merged) != _newest_tariff_id(stored.merged)


def _newest_tariff_id(merged: MergedSession) -> str | None:
    """Return the tariff that the session's plan may go by."""
    told = ((start_at, each.period.tariff_id) for start_at, each in merged.periods.items() if each.period.tariff_id)
    return max(told, default=(None, None), key=itemgetter(0))[1]


def _inferred(
    session: Session, stored: StoredSession | None, parking_time: ParkingTimeMeaning, now: datetime
) -> Inferred:
    charged = state_of_charge(session)
    if charged is None and stored is not None and not stored.is_whole and stored.inferred is not None:
        charged = stored.inferred.state_of_charge  # An older period has told it.
    state = infer_charging_state(session, parking_time, stored.limit_w(now) if stored else None)
    return Inferred(state, delivered(session).kwh, charged)


def _check(stored: StoredSession | None, merged: MergedSession, message: SessionMessage) -> None:
    if count_periods(merged, stored) > MOST_PERIODS:
        raise InvalidMessage("charging_periods", f"would bring the session to more than {MOST_PERIODS} periods")
    if stored is None:
        return
    for name, said in (("country_code", message.country_code), ("party_id", message.party_id)):
        known = stored.merged.fields[name].value
        if isinstance(known, str) and known.casefold() != said.casefold():
            raise InvalidMessage(name, f"is {said!r}, but this session id belongs to {known!r}")


def _check_evse(
    stored: StoredSession | None,
    merged: MergedSession,
    message: SessionMessage,
    refuses: Refuses,
    store: SessionStore,
    received_at: datetime,
) -> None:
    """Hold a message against the EVSE that it names and the one at which its session is known to be, or was refused."""
    said = _value(merged, "start_date_time")
    began = said if isinstance(said, datetime) else None
    named = [_value(merged, "evse_uid"), _value(stored.merged, "evse_uid") if stored else None]
    told = [each for each in dict.fromkeys(named) if isinstance(each, str)]
    if not told and (refused := store.refused(message.key)):
        told, began = [refused[0]], began or refused[1]
    for evse_uid in told:
        why = refuses(message.key.partner_id, evse_uid, began)
        if why is not None:
            if stored is None or stored.merged.replaced_at is None:
                store.refuse(message.key, evse_uid, began, received_at)
            count("SessionMessagesOfUnpaired")
            raise InvalidMessage("evse_uid", why)


def _value(merged: MergedSession, name: str) -> object:
    return merged.fields[name].value if name in merged.fields else None


def _outcome(stored: StoredSession | None, session: Session | None) -> Outcome:
    if session is None:
        return Outcome.KEPT
    was_known = stored is not None and stored.merged.replaced_at is not None
    return Outcome.UPDATED if was_known else Outcome.CREATED


def _report(message: SessionMessage, session: Session | None, outcome: Outcome) -> None:
    logger.info(
        "session_message_received",
        partner_id=message.key.partner_id,
        session_id=message.key.session_id,
        kind=message.kind.value,
        outcome=outcome.value,
        filled=list(message.filled),
        renamed=list(message.renamed),
        was_wh=session is not None and delivered(session).was_wh,
    )
    count("SessionMessagesReceived")
    if message.filled or message.renamed:
        count("SessionMessagesMended")
