"""Every session that is sent no charging profile says why: a sentence a case, the first reason that holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from offpeak.locations.model import Charger
from offpeak.ocpi.profile_types import AnswerType, ResultType
from offpeak.partners.model import Endpoint, Flags, Partner, PartnerStatus
from offpeak.profiles.model import ProfileRequest, RequestKind, RequestState
from offpeak.profiles.show import session_shown
from offpeak.profiles.sites import NOWHERE, Site
from offpeak.profiles.unmanaged import TEXTS, why_no_profile
from offpeak.sessions.model import SessionStatus
from tests.profiles.builders import REAL, a_request, a_standing
from tests.profiles.test_show import KNOWN
from tests.profiles.world import a_partner
from tests.sessions.builders import at

CONNECTED = replace(
    a_partner(None), endpoints=(Endpoint("chargingprofiles", "RECEIVER", "https://cpo.example.com/profiles"),)
)
INCAPABLE = Site(Charger(takes_profiles=False))
REJECTED = a_request(state=RequestState.REJECTED)

CASES: list[tuple[str, str | None, dict[str, Any]]] = [
    ("a_session_that_is_sent_profiles_has_no_reason", None, {}),
    ("one_whose_profile_was_taken_has_none_either", None, {"newest": a_request(state=RequestState.OBSERVED)}),
    (
        "a_session_that_ended_is_over",
        "session_over",
        {"known": replace(KNOWN, session=replace(KNOWN.session, status=SessionStatus.COMPLETED))},
    ),
    (
        "a_session_that_nobody_tells_of_any_more_is_silent",
        "session_silent",
        {"now": KNOWN.session.last_updated + timedelta(days=7, seconds=1)},
    ),
    ("a_suspended_partner_is_sent_nothing", "partner_suspended", {"partner": replace(CONNECTED, suspended_at=REAL)}),
    (
        "a_partner_that_left_is_sent_nothing",
        "partner_not_connected",
        {"partner": replace(CONNECTED, status=PartnerStatus.LEFT)},
    ),
    ("a_partner_without_the_interface_is_sent_nothing", "no_receiver", {"partner": a_partner(None)}),
    (
        "smart_charging_may_be_switched_off",
        "smart_charging_off",
        {"partner": replace(CONNECTED, planning=replace(CONNECTED.planning, smart_charging=False))},
    ),
    (
        "of_some_partners_only_paired_evses_are_managed",
        "not_paired",
        {"partner": replace(CONNECTED, flags=Flags(only_paired=True))},
    ),
    (
        "there_one_that_a_driver_paired_is_managed",
        None,
        {"partner": replace(CONNECTED, flags=Flags(only_paired=True)), "is_paired": True},
    ),
    ("an_evse_that_was_unpaired_is_left_alone", "unpaired", {"is_released": True}),
    ("an_evse_may_not_take_profiles", "evse_not_capable", {"site": INCAPABLE}),
    (
        "a_cpo_may_say_so_only_when_asked",
        "not_supported",
        {"newest": replace(REJECTED, answer=AnswerType.NOT_SUPPORTED)},
    ),
    (
        "an_evse_that_refused_is_left_alone_for_a_while",
        "backing_off",
        {"newest": REJECTED, "standing": a_standing(backoff_until=at(30), backoff_steps=1)},
    ),
    (
        "afterwards_the_same_profile_is_not_sent_again",
        "refused",
        {"newest": replace(REJECTED, result=ResultType.REJECTED), "standing": a_standing(backoff_until=at(19))},
    ),
    (
        "a_refusal_that_passes_is_none",
        None,
        {"newest": replace(REJECTED, answer=AnswerType.TOO_OFTEN)},
    ),
    (
        "a_car_that_has_not_begun_is_waited_for",
        "not_charging_yet",
        {"known": replace(KNOWN, session=replace(KNOWN.session, status=SessionStatus.PENDING))},
    ),
    (
        "what_nobody_at_the_charger_can_change_is_told_first",
        "partner_suspended",
        {"partner": replace(CONNECTED, suspended_at=REAL), "site": INCAPABLE, "newest": REJECTED},
    ),
]


@pytest.mark.parametrize(("reason", "changes"), [each[1:] for each in CASES], ids=[each[0] for each in CASES])
def test_why_no_profile(reason: str | None, changes: dict[str, Any]) -> None:
    said = {
        "known": KNOWN,
        "standing": a_standing(),
        "newest": None,
        "site": NOWHERE,
        "partner": CONNECTED,
        "now": at(20),
        "is_paired": False,
        "is_released": False,
    }
    assert why_no_profile(**{**said, **changes}) == reason


def test_every_reason_has_a_case_and_a_sentence() -> None:
    assert {reason for _, reason, _ in CASES if reason} == set(TEXTS)
    assert all(text.endswith(".") for text in TEXTS.values())


def test_the_newest_request_that_sets_or_clears_tells_and_questions_do_not() -> None:
    question: ProfileRequest = replace(a_request(request_id="ask"), kind=RequestKind.GET, profile=None)
    refused = replace(REJECTED, answer=AnswerType.NOT_SUPPORTED)
    assert unmanaged_shown(CONNECTED, question, refused) == {"reason": "not_supported", "text": TEXTS["not_supported"]}
    assert unmanaged_shown(CONNECTED, a_request(), refused) is None


def unmanaged_shown(partner: Partner, *requests: ProfileRequest) -> object:
    return session_shown(KNOWN, a_standing(), requests, NOWHERE, partner, now=at(20))["unmanaged"]
