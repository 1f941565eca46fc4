"""Why a session is sent no charging profile, in one word for a machine and a sentence for a person. Pure."""

from __future__ import annotations

from datetime import datetime

from offpeak.ocpi.profile_types import AnswerType
from offpeak.partners.model import Partner
from offpeak.profiles.control_path import receiver_of
from offpeak.profiles.model import PASSING, ProfileRequest, RequestState, Standing
from offpeak.profiles.outcome import SILENT_AFTER
from offpeak.profiles.sites import Site
from offpeak.profiles.situation import why_unmanaged
from offpeak.sessions.model import KnownSession, SessionStatus

TEXTS = {
    "session_over": "The session is over.",
    "session_silent": "Nothing was heard of the session for seven days, so it counts as over until something is.",
    "partner_suspended": "The partner is suspended: nothing is sent to its system.",
    "partner_not_connected": "There is no connection to the partner: its registration is not complete, or has ended.",
    "no_receiver": "The partner's system has no chargingprofiles interface that takes charging profiles.",
    "smart_charging_off": "Smart charging is switched off.",
    "unpaired": "The EVSE was un-paired, so it is left alone until somebody pairs it anew.",
    "not_paired": "Nobody has paired this EVSE, and of this partner only paired ones are managed.",
    "evse_not_capable": "The EVSE's capabilities lack CHARGING_PROFILE_CAPABLE, so it is sent no charging profiles.",
    "not_supported": "The CPO answered that this EVSE does not support charging profiles.",
    "refused": "The newest charging profile was refused; the next one that differs from it is sent again.",
    "backing_off": "The EVSE refused or did not answer lately, so it is left alone for a while.",
    "not_charging_yet": "The session has not begun to charge; profiles are sent once it is ACTIVE.",
}
"""What each word means. The first that holds is told."""


def why_no_profile(
    known: KnownSession,
    standing: Standing,
    newest: ProfileRequest | None,
    site: Site,
    partner: Partner,
    now: datetime,
    *,
    is_paired: bool,
    is_released: bool,
) -> str | None:
    """Return why a session is not managed at the moment, one of TEXTS, or None where it is.

    `partner` has its settings as the driver has them, if there is one, and `newest` is the session's newest SET or
    CLEAR request. The order is that of `intent_of`: what nobody at the charger could change comes first.
    """
    if not known.session.is_open:
        return "session_over"
    if now - known.session.last_updated > SILENT_AFTER:
        return "session_silent"
    if receiver_of(partner) is None:
        return _why_no_receiver(partner)
    if unmanaged := why_unmanaged(partner, is_paired=is_paired, is_released=is_released):
        return unmanaged
    if not site.takes_profiles(strict=partner.flags.strict):
        return "evse_not_capable"
    if newest is not None and newest.state is RequestState.REJECTED and newest.answer is AnswerType.NOT_SUPPORTED:
        return "not_supported"
    if standing.backoff_until is not None and now < standing.backoff_until:
        return "backing_off"
    if newest is not None and newest.state is RequestState.REJECTED and newest.answer not in PASSING:
        return "refused"
    return None if known.session.status is SessionStatus.ACTIVE else "not_charging_yet"


def _why_no_receiver(partner: Partner) -> str:
    if partner.is_suspended:
        return "partner_suspended"
    return "no_receiver" if partner.is_registered else "partner_not_connected"
