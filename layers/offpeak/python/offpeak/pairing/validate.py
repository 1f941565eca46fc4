"""Validates the code of a connect session behind the pairing queue: one partner is asked, and what it said is noted.

A message may come twice or late: only the attempt that its row still waits for is asked for, and linking the same
attempt again ends in the same charger. Linking changes the session's row, too: so no code is settled as unanswered that
was linked, and none is linked that was settled. What is lost on the way the sweep takes up again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from offpeak.aws.tables import Also
from offpeak.errors import ConcurrentChange, PeerUnavailable, UnknownObject
from offpeak.pairing import connect
from offpeak.pairing.accounts import AccountStore
from offpeak.pairing.connect import ConnectProblem, ConnectSession, ConnectState
from offpeak.pairing.connect_store import ConnectStore
from offpeak.pairing.link import Reason, Refused
from offpeak.pairing.model import Charger, ChargerKey, UserKey
from offpeak.partners.model import Partner
from offpeak.telemetry import count, logger

MOST_TRIES = 4
Link = Callable[[str, Partner, ChargerKey, str, str, Also], "Charger | Refused"]
"""Links a code of a partner, as a charger, to a charging location, in the name of an attempt, with what belongs to the
same transaction. Raises PeerUnavailable and ConcurrentChange where the same again may help."""

PROBLEMS: Mapping[Reason, ConnectProblem] = {
    Reason.ALREADY_LINKED: ConnectProblem.LINKED_ELSEWHERE,
    Reason.ALREADY_YOURS: ConnectProblem.ALREADY_YOURS,
    Reason.LOCATION_GONE: ConnectProblem.LOCATION_GONE,
}
"""What settles a code that led to no charger."""
PASSED_ON: Mapping[Reason, ConnectProblem] = {
    Reason.TOO_MANY_TRIES: ConnectProblem.TOO_MANY_TRIES,
    Reason.CPO_UNUSABLE: ConnectProblem.CPO_UNREACHABLE,
    Reason.PARTNER_NOT_CONNECTED: ConnectProblem.CPO_UNREACHABLE,
}
"""What settles nothing while there is another partner to ask. What is the partner's fault, or ours, is to the driver as
if nobody had answered."""


@dataclass(frozen=True, slots=True)
class Validator:
    """What it takes. `ask` has a session's code asked for, in so many seconds; `follow` does what follows from a
    charger's being linked."""

    connects: ConnectStore
    accounts: AccountStore
    partner: Callable[[str], Partner]
    link: Link
    follow: Callable[[Charger], object]
    ask: Callable[[ConnectSession, int], None]
    real_now: Callable[[], datetime]


def validate(user: UserKey, connect_id: str, attempt_id: str, by: Validator) -> None:
    """Ask the partner that is next for a session's code, and note what comes of it."""
    for number in range(MOST_TRIES):
        session = by.connects.load(user, connect_id)
        if session is None or session.state is not ConnectState.VALIDATING or session.attempt_id != attempt_id:
            logger.info("pairing_message_outdated", connect_id=connect_id)
            return
        after, pause_s = _asked(session, by, is_again=number > 0)
        try:
            saved = by.connects.save(after)
        except ConcurrentChange:
            assert session.charger is not None
            if by.accounts.charger(session.charger) is not None:
                continue  # It is linked, here or by a duplicate of the message.
            # Whoever wrote first has asked again, or has settled it: both are right.
            break
        if saved.state is ConnectState.VALIDATING:
            by.ask(saved, pause_s)
        else:
            report_settled(saved)
        return
    logger.info("pairing_outrun", connect_id=connect_id)


def _asked(session: ConnectSession, by: Validator, *, is_again: bool) -> tuple[ConnectSession, int]:
    """Return the session after its partner was asked, and in how many seconds to go on where it is not settled."""
    assert session.code is not None
    assert session.charger is not None
    linked = by.accounts.charger(session.charger)
    if linked is not None:
        if not is_again:
            by.follow(linked)  # Whoever linked it may have died before he could.
        return connect.paired(session), 0
    try:
        partner = by.partner(session.partner_ids[0])
        also = [by.connects.linking(session)]
        outcome = by.link(session.code, partner, session.charger, session.location_id, session.attempt_id, also)
    except UnknownObject:
        return connect.passed_on(session, ConnectProblem.UNKNOWN_CODE, by.real_now()), 0
    except (PeerUnavailable, ConcurrentChange) as error:
        logger.info("cpo_not_reached", connect_id=session.connect_id, asked=session.asked, problem=str(error))
        after, pause_s = connect.not_reached(session, by.real_now())
        return after, pause_s or 0
    if isinstance(outcome, Charger) or outcome.reason is Reason.UNPAIRED_SINCE:
        return connect.paired(session), 0
    if outcome.reason in PROBLEMS:
        return connect.refused(session, PROBLEMS[outcome.reason], outcome.charger_id), 0
    problem = PASSED_ON.get(outcome.reason, ConnectProblem.UNKNOWN_CODE)
    return connect.passed_on(session, problem, by.real_now()), 0


def report_settled(session: ConnectSession) -> None:
    """Say what became of a code."""
    problem = session.problem.value if session.problem else None
    logger.info("code_settled", connect_id=session.connect_id, state=session.state.value, problem=problem)
    if session.problem is ConnectProblem.CPO_UNREACHABLE:
        count("PairingsUnanswered")
