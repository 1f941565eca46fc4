"""P10, P11, P12: what a fresh plan means for the charger, by a table of all that can be."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from offpeak.ocpi.profile_types import AnswerType, ResultType
from offpeak.profiles.intent import Action, intent_of
from offpeak.profiles.model import ProfileRequest, RequestKind, RequestState, Standing
from offpeak.sessions.model import SessionStatus
from tests.profiles.builders import a_profile, a_request, a_standing
from tests.sessions.builders import at

SAME = a_profile((0, 0), (60, 11040))
OTHER = a_profile((0, 0), (120, 11040))


def intent(
    newest: ProfileRequest | None, fresh: Any = SAME, standing: Standing | None = None, **changes: Any
) -> tuple[Action, str]:
    told: dict[str, Any] = {
        "status": SessionStatus.ACTIVE,
        "unmanaged": None,
        "has_receiver": True,
        "newest": newest,
        "standing": standing or a_standing(),
        "now": at(5),
    }
    found = intent_of(fresh, **(told | changes))
    return found.action, found.why


def sent(state: RequestState, **changes: Any) -> ProfileRequest:
    return a_request(state=state, attempts=1, profile=SAME, **changes)


def in_words(value: object) -> str:
    if not isinstance(value, ProfileRequest):
        return str(value)
    return f"{value.kind} {value.state} {value.answer} {value.attempts} {value.after}"


CLEARED = a_request(state=RequestState.CHARGER_ACCEPTED, attempts=1, kind=RequestKind.CLEAR, profile=None)


@pytest.mark.parametrize(
    ("newest", "same", "other"),
    [
        (None, "first", "first"),
        (a_request(profile=SAME), None, "changed"),
        (sent(RequestState.CPO_ACCEPTED), None, "changed"),
        (sent(RequestState.CHARGER_ACCEPTED), None, "changed"),
        (sent(RequestState.OBSERVED), None, "changed"),
        (sent(RequestState.UNKNOWN), "again", "changed"),
        (sent(RequestState.SUPERSEDED), "again", "changed"),
        (sent(RequestState.REJECTED, answer=AnswerType.TOO_OFTEN), "again", "changed"),
        (sent(RequestState.REJECTED, answer=AnswerType.UNKNOWN_SESSION), "again", "changed"),
        (sent(RequestState.REJECTED, answer=AnswerType.REJECTED), None, "changed"),
        (sent(RequestState.REJECTED, answer=AnswerType.ACCEPTED, result=ResultType.REJECTED), None, "changed"),
        (sent(RequestState.REJECTED, answer=AnswerType.NOT_SUPPORTED), None, None),
        (CLEARED, "first", "first"),
    ],
    ids=in_words,
)
def test_a_profile_goes_out_when_it_changes_something(
    newest: ProfileRequest | None, same: str | None, other: str | None
) -> None:
    """P10: an identical profile is not sent again, P11"""
    for fresh, expected in ((SAME, same), (OTHER, other)):
        action, why = intent(newest, fresh)
        assert (action is Action.SET) == (expected is not None)
        assert expected in (None, why)


@pytest.mark.parametrize(
    ("fresh", "is_less"),
    [
        (a_profile((0, 0), (60, 11039.9)), True),
        (a_profile((0, 0), (60.4, 11040)), True),
        (a_profile((0, 0), (60, 11040.1)), False),
        (a_profile((0, 0), (59.6, 11040)), False),
    ],
    ids=["a step less", "25 s later", "a step more", "25 s sooner"],
)
def test_a_little_less_than_is_in_force_is_sent_where_the_grid_or_others_count_on_it(fresh: Any, is_less: bool) -> None:
    newest = sent(RequestState.CHARGER_ACCEPTED)
    assert intent(newest, fresh) == (Action.KEEP, "same")
    held = (Action.SET, "changed") if is_less else (Action.KEEP, "same")
    assert intent(newest, fresh, is_capped=True) == held
    assert intent(newest, fresh, a_standing(root_id="site")) == held


@pytest.mark.parametrize("status", [SessionStatus.PENDING, SessionStatus.RESERVATION])
def test_a_session_that_does_not_run_yet_gets_no_profile(status: SessionStatus) -> None:
    assert intent(None, status=status) == (Action.KEEP, "not_charging_yet")


def test_a_partner_without_the_interface_gets_no_profile() -> None:
    assert intent(None, has_receiver=False) == (Action.KEEP, "no_receiver")


def test_an_evse_that_wants_peace_gets_it_until_the_end_of_its_time() -> None:
    """P10"""
    standing = a_standing(backoff_until=at(6), backoff_steps=1)
    refused = sent(RequestState.REJECTED, answer=AnswerType.TOO_OFTEN)
    waiting = intent_of(
        OTHER,
        status=SessionStatus.ACTIVE,
        unmanaged=None,
        has_receiver=True,
        newest=refused,
        standing=standing,
        now=at(5),
    )
    assert (waiting.action, waiting.why, waiting.wake_at) == (Action.KEEP, "backing_off", at(6))
    assert intent(refused, standing=standing, now=at(6)) == (Action.SET, "again")


@pytest.mark.parametrize(
    ("newest", "action"),
    [
        (None, Action.KEEP),
        (a_request(), Action.END),
        (a_request(after="request-0"), Action.CLEAR),
        (sent(RequestState.CPO_ACCEPTED), Action.CLEAR),
        (sent(RequestState.OBSERVED), Action.CLEAR),
        (sent(RequestState.REJECTED), Action.CLEAR),
        (CLEARED, Action.KEEP),
        (a_request(kind=RequestKind.CLEAR, state=RequestState.UNKNOWN), Action.CLEAR),
        (a_request(kind=RequestKind.CLEAR, state=RequestState.REJECTED, answer=AnswerType.TOO_OFTEN), Action.CLEAR),
        (a_request(kind=RequestKind.CLEAR, state=RequestState.REJECTED, answer=AnswerType.REJECTED), Action.CLEAR),
        (a_request(kind=RequestKind.CLEAR, state=RequestState.REJECTED, answer=AnswerType.ACCEPTED), Action.CLEAR),
        (a_request(kind=RequestKind.CLEAR, state=RequestState.REJECTED, answer=AnswerType.NOT_SUPPORTED), Action.KEEP),
    ],
    ids=lambda value: (
        f"{value.kind} {value.state} {value.attempts} {value.answer}"
        if isinstance(value, ProfileRequest)
        else str(value)
    ),
)
def test_what_was_sent_is_taken_back_when_smart_charging_is_switched_off_until_that_is_confirmed(
    newest: ProfileRequest | None, action: Action
) -> None:
    assert intent(newest, unmanaged="smart_charging_off")[0] is action


def test_a_profile_that_waited_too_long_is_planned_anew_but_one_that_was_taken_is_not() -> None:
    waiting = a_request(profile=a_profile((0, 11040)))
    fresh = a_profile((0, 11040), minutes=11)
    assert intent(waiting, fresh, now=at(11)) == (Action.SET, "too_old")
    assert intent(waiting, waiting.profile, now=at(9))[0] is Action.KEEP
    taken = sent(RequestState.CHARGER_ACCEPTED, created_at=at(-60))
    assert intent(taken, now=at(11))[0] is Action.KEEP


@pytest.mark.parametrize(
    ("state", "action"),
    [
        (RequestState.CHARGER_ACCEPTED, Action.SET),
        (RequestState.OBSERVED, Action.SET),
        (RequestState.CPO_ACCEPTED, Action.KEEP),
    ],
)
def test_an_overridden_profile_is_sent_again_when_that_was_found_to_make_sense(
    state: RequestState, action: Action
) -> None:
    assert intent(sent(state), standing=a_standing(wants_renewal=True))[0] is action


def test_the_fresh_plan_counts_as_the_charger_s_only_when_it_is() -> None:
    def is_in_effect(newest: ProfileRequest | None, fresh: Any, now: datetime) -> bool:
        standing = a_standing(backoff_until=at(6))
        return intent_of(
            fresh,
            status=SessionStatus.ACTIVE,
            unmanaged=None,
            has_receiver=True,
            newest=newest,
            standing=standing,
            now=now,
        ).in_effect

    assert is_in_effect(sent(RequestState.OBSERVED), SAME, at(7))
    assert is_in_effect(sent(RequestState.OBSERVED), OTHER, at(7))
    assert not is_in_effect(sent(RequestState.REJECTED, answer=AnswerType.TOO_OFTEN), OTHER, at(5))
    assert not is_in_effect(sent(RequestState.REJECTED, answer=AnswerType.REJECTED), SAME, at(7))
