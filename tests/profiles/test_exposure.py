"""What a session may draw at most, whatever became of what was sent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offpeak.ocpi.profile_types import AnswerType, ResultType
from offpeak.partners.model import PlanningDefaults
from offpeak.profiles.exposure import Hardware, exposure_of, held_from_before, is_in_doubt, may_hold
from offpeak.profiles.lifecycle import answered, claimed, given_up, resulted, superseded
from offpeak.profiles.model import Circuit, ProfileRequest, RequestKind, RequestState
from offpeak.profiles.power_steps import PowerSteps, cap_steps, flat, from_now, power_at
from tests.profiles.builders import REAL, a_profile, a_request
from tests.sessions.builders import at

HARDWARE_W = 11040
HARDWARE = Hardware(HARDWARE_W, HARDWARE_W)
SETTINGS = PlanningDefaults()
MINUTE = timedelta(minutes=1)
LATER = at(10)


def sent(number: float, *limits: tuple[float, float], **changes: Any) -> ProfileRequest:
    """The session's request of this number, planned in that minute, with one call made."""
    values: dict[str, Any] = {
        "request_id": f"request-{number}",
        "created_at": at(number),
        "profile": a_profile(*limits, minutes=number),
        "attempts": 1,
    }
    return a_request(**values | changes)


def confirmed(request: ProfileRequest, minutes: float | None = None) -> ProfileRequest:
    now = request.created_at if minutes is None else at(minutes)
    taken = answered(request, AnswerType.ACCEPTED, due_at=now + MINUTE, answered_at=REAL)
    return resulted(taken, ResultType.ACCEPTED, now=now, resulted_at=REAL)


def exposure(*requests: ProfileRequest, now: datetime = LATER, is_lost: bool = False) -> PowerSteps:
    return from_now(exposure_of(may_hold(requests), SETTINGS, HARDWARE, is_lost=is_lost), now)


def test_a_car_without_a_profile_counts_as_its_hardware_maximum() -> None:
    assert exposure() == ((at(10), HARDWARE_W),)


def test_until_its_first_profile_is_confirmed_too() -> None:
    assert exposure(sent(1, (0, 0))) == ((at(10), HARDWARE_W),)


def test_a_confirmed_profile_is_what_counts() -> None:
    profile = sent(1, (0, 0), (60, 5000))
    assert exposure(confirmed(profile)) == ((at(10), 0), (at(61), 5000))


def test_a_request_on_its_way_counts_as_the_larger_of_old_and_new() -> None:
    old, new = confirmed(sent(1, (0, 4000), (60, 0))), sent(5, (0, 0), (90, 8000))
    assert exposure(old, new) == ((at(10), 4000), (at(61), 0), (at(95), 8000))


@pytest.mark.parametrize("attempts", [0, 1])
def test_what_is_not_sent_yet_counts_as_if_it_were(attempts: int) -> None:
    old, new = confirmed(sent(1, (0, 0))), sent(5, (0, 8000), attempts=attempts)
    assert exposure(old, new) == ((at(10), 8000),)


def test_what_was_superseded_before_it_was_sent_never_counts() -> None:
    old, new = confirmed(sent(1, (0, 0))), sent(5, (0, 8000), attempts=0)
    assert exposure(old, superseded(new, detail="newer")) == ((at(10), 0),)


def test_what_was_superseded_after_it_was_sent_counts_until_a_newer_one_is_confirmed() -> None:
    old, lost, newer = confirmed(sent(1, (0, 0))), superseded(sent(5, (0, 8000)), detail="newer"), sent(6, (0, 100))
    assert exposure(old, lost, newer) == ((at(10), 8000),)
    answered_lost = answered(lost, AnswerType.ACCEPTED, due_at=at(7), answered_at=REAL)
    assert exposure(old, answered_lost, confirmed(newer)) == ((at(10), 100),)


def test_a_request_whose_fate_is_unknown_counts() -> None:
    old, new = confirmed(sent(1, (0, 0))), given_up(sent(5, (0, 8000)), detail="no answer")
    assert exposure(old, new) == ((at(10), 8000),)


def test_a_refusal_leaves_what_was_before() -> None:
    old = confirmed(sent(1, (0, 4000)))
    refused = answered(sent(5, (0, 8000)), AnswerType.REJECTED, due_at=at(6), answered_at=REAL)
    assert exposure(old, refused) == ((at(10), 4000),)
    taken = answered(sent(5, (0, 8000)), AnswerType.ACCEPTED, due_at=at(6), answered_at=REAL)
    not_taken = resulted(taken, ResultType.REJECTED, now=at(6), resulted_at=REAL)
    assert exposure(old, not_taken) == ((at(10), 4000),)


def test_the_refusal_of_a_repeated_call_tells_nothing_of_the_first() -> None:
    old = confirmed(sent(1, (0, 4000)))
    refused = answered(sent(5, (0, 8000), attempts=2), AnswerType.TOO_OFTEN, due_at=at(6), answered_at=REAL)
    assert exposure(old, refused) == ((at(10), 8000),)


def test_a_result_that_comes_late_settles_what_was_in_doubt() -> None:
    old, new = confirmed(sent(1, (0, 0))), given_up(sent(5, (0, 3000)), detail="no result")
    late = resulted(new, ResultType.ACCEPTED, now=at(9), resulted_at=REAL)
    assert exposure(old, late) == ((at(10), 3000),)


def test_a_call_without_an_answer_may_take_hold_after_its_successor_was_confirmed_and_stay() -> None:
    lost, newer = superseded(sent(5, (0, 8000)), detail="newer"), confirmed(sent(9, (0, 100)))
    assert exposure(lost, newer, now=at(9)) == ((at(9), 8000),)
    assert exposure(lost, newer, now=at(60)) == ((at(60), 8000),)
    assert exposure(lost, newer, confirmed(sent(9.5, (0, 50))), now=at(60)) == ((at(60), 8000),), "too early to tell"
    assert exposure(lost, newer, confirmed(sent(12, (0, 50))), now=at(60)) == ((at(60), 50),)


def test_doubt_is_settled_by_sending_again_what_was_confirmed_once_nothing_older_can_come() -> None:
    lost, newer = superseded(sent(5, (0, 8000)), detail="newer"), confirmed(sent(9, (0, 100)))
    held = may_hold((lost, newer))
    assert [is_in_doubt(held, at(minutes)) for minutes in (9, 9.9, 10)] == [False, False, True]
    assert not is_in_doubt(may_hold((confirmed(lost, 6), newer)), at(60)), "the older was confirmed in time"
    assert not is_in_doubt(may_hold((lost, sent(9))), at(60)), "the newer is on its way"


def test_of_two_whose_confirmations_cross_either_may_be_in_force() -> None:
    lost, newer = superseded(sent(5, (0, 8000)), detail="newer"), confirmed(sent(6, (0, 100)), minutes=7)
    late = resulted(lost, ResultType.ACCEPTED, now=at(8), resulted_at=REAL)
    assert exposure(late, newer, now=at(60)) == ((at(60), 8000),)
    assert exposure(late, newer, confirmed(sent(61, (0, 50))), now=at(90)) == ((at(90), 50),)


def test_when_limits_are_taken_away_the_hardware_counts_as_soon_as_it_may_have_happened() -> None:
    old = confirmed(sent(1, (0, 0)))
    clear = replace(sent(5), kind=RequestKind.CLEAR, profile=None)
    assert exposure(old, clear) == ((at(10), HARDWARE_W),)
    assert exposure(old, confirmed(clear)) == ((at(10), HARDWARE_W),)
    refused = answered(clear, AnswerType.REJECTED, due_at=at(6), answered_at=REAL)
    assert exposure(old, refused) == ((at(10), 0),)


def test_a_profile_that_ends_falls_back_to_the_hardware() -> None:
    profile = a_profile((0, 0), minutes=1, duration_s=3600)
    assert exposure(confirmed(sent(1, profile=profile))) == ((at(10), 0), (at(61), HARDWARE_W))


def test_a_charger_may_give_less_without_a_profile_than_with_one() -> None:
    modest = Hardware(11040, 4140)

    def counted(*requests: ProfileRequest, is_lost: bool = False) -> PowerSteps:
        return from_now(exposure_of(may_hold(requests), SETTINGS, modest, is_lost=is_lost), at(10))

    assert counted() == ((at(10), 4140),)
    assert counted(sent(1, (0, 8000))) == ((at(10), 8000),)
    assert counted(confirmed(sent(1, (0, 0))), replace(sent(5), profile=None)) == ((at(10), 4140),)
    assert counted(confirmed(sent(1, (0, 0))), is_lost=True) == ((at(10), 11040),)


def test_a_profile_that_the_charger_no_longer_has_limits_nothing() -> None:
    assert exposure(confirmed(sent(1, (0, 0))), is_lost=True) == ((at(10), HARDWARE_W),)


def test_amperes_count_on_the_phases_that_the_profile_was_made_for_and_on_three_where_nobody_knows() -> None:
    profile = a_profile((0, 10), minutes=1, unit="A")
    one = confirmed(sent(1, profile=profile, circuit=Circuit(1, 230, 3680)))
    unknown = confirmed(sent(1, profile=profile, circuit=Circuit(None, 230, 11040)))
    assert (exposure(one), exposure(unknown)) == (((at(10), 2300),), ((at(10), 6900),))


def test_nothing_counts_as_more_than_the_hardware_gives() -> None:
    assert exposure(confirmed(sent(1, (0, 22000)))) == ((at(10), HARDWARE_W),)


def test_a_cap_never_counts_as_more_than_it_is_within_a_second() -> None:
    half = timedelta(milliseconds=500)
    steps = cap_steps([(at(0), 10_000.9), (at(1) + half, 5000.0), (at(2) + half, 8000.0)])
    assert steps == ((at(0), 10_000.9), (at(1), 5000), (at(2) + timedelta(seconds=1), 8000))
    assert power_at(flat(7), at(0)) == 7


# -- whatever happens


class Call(StrEnum):
    """What becomes of one call on the CPO."""

    CONFIRMED = "answered, and the charger tells that it took it"
    TAKEN = "answered, and nothing more is heard"
    REFUSED = "refused"
    NOT_TAKEN = "answered, and the charger refuses"
    LOST = "neither arrives nor is answered"
    UNHEARD = "takes hold at once without an answer"
    LATE = "takes hold some time later without an answer"
    LATE_CONFIRMED = "takes hold some time later, and only the charger tells"


@dataclass(frozen=True)
class Round:
    """A profile, the calls that carry it, and the seconds until the next one is planned."""

    limit_w: int
    calls: tuple[Call, ...]
    late_s: int
    gap_s: int


ROUNDS = st.lists(
    st.builds(
        Round,
        limit_w=st.sampled_from([0, 3000, 6000, 9000]),
        calls=st.lists(st.sampled_from(list(Call)), max_size=2).map(tuple),
        late_s=st.integers(1, 59),
        gap_s=st.sampled_from([1, 20, 90]),
    ),
    min_size=2,
    max_size=5,
)


@given(ROUNDS)
def test_what_is_in_force_is_never_more_than_what_counts(rounds: list[Round]) -> None:
    """Calls that nobody answered may take hold up to a minute after their successor was planned."""
    requests: list[ProfileRequest] = []
    late: list[tuple[datetime, int, bool]] = []
    in_force_w, now = HARDWARE_W, at(0)

    def check(what: str) -> None:
        counted = exposure_of(may_hold(requests), SETTINGS, HARDWARE, is_lost=False)
        assert in_force_w <= power_at(counted, now), what

    for number, each in enumerate(rounds):
        request = sent(0, (0, each.limit_w), request_id=f"{number}", created_at=now, attempts=0)
        requests.append(request)
        check("planned")
        for call in each.calls:
            if request.state is not RequestState.REQUESTED:
                break
            request = claimed(request, until=REAL, due_at=now, sent_at=REAL)
            if call in (Call.CONFIRMED, Call.TAKEN, Call.NOT_TAKEN):
                request = answered(request, AnswerType.ACCEPTED, due_at=now, answered_at=REAL)
            if call is Call.REFUSED:
                request = answered(request, AnswerType.REJECTED, due_at=now, answered_at=REAL)
            if call in (Call.CONFIRMED, Call.TAKEN, Call.UNHEARD):
                in_force_w = each.limit_w
            if call in (Call.CONFIRMED, Call.NOT_TAKEN):
                said = ResultType.ACCEPTED if call is Call.CONFIRMED else ResultType.REJECTED
                request = resulted(request, said, now=now, resulted_at=REAL)
            if call in (Call.LATE, Call.LATE_CONFIRMED):
                late.append((now + timedelta(seconds=each.gap_s + each.late_s), number, call is Call.LATE_CONFIRMED))
            requests[-1] = request
            check(call)
        until = now + timedelta(seconds=each.gap_s)
        for second in range(each.gap_s):
            now += timedelta(seconds=1)
            for due_at, place, is_told in late:
                if due_at == now:
                    in_force_w = rounds[place].limit_w
                    if is_told:
                        requests[place] = resulted(requests[place], ResultType.ACCEPTED, now=now, resulted_at=REAL)
                    check(f"late, {second} s after")
        assert now == until
        requests[-1] = superseded(given_up(requests[-1], detail="nothing came"), detail="newer")


COARSE = Hardware(HARDWARE_W, HARDWARE_W, slot_s=900)


def test_a_charger_that_obeys_at_quarter_hours_only_counts_as_before_until_the_next_one() -> None:
    """A fall in minute 67 of its profile is obeyed in minute 75; a profile that came in minute 64, then too."""
    ours = confirmed(sent(1, (0, 0), (30, 9000), (66, 0)))
    counted = exposure_of(may_hold((ours,)), SETTINGS, COARSE, is_lost=False)
    assert [power_at(counted, at(minute)) for minute in (20, 31, 67, 74, 75)] == [0, 9000, 9000, 9000, 0]
    taken = ((at(31), 9000), (at(64), 0))
    assert [power_at(held_from_before(taken, COARSE, at(65)), at(minute)) for minute in (65, 74, 75)] == [9000, 9000, 0]
    assert held_from_before(taken, HARDWARE, at(65)) == flat(0)


def test_a_charger_that_obeys_at_quarter_hours_only_draws_all_it_gives_until_its_first_profile_counts() -> None:
    """A first profile that was taken in minute 64 is obeyed in minute 75, and no charger draws more than it can."""
    taken, meek = ((at(64), 2 * HARDWARE_W),), replace(COARSE, unmanaged_w=3000)
    first = ((at(64), 0),)
    assert [power_at(held_from_before(first, meek, at(65)), at(minute)) for minute in (65, 74, 75)] == [3000, 3000, 0]
    assert power_at(held_from_before(taken, COARSE, at(65)), at(66)) == HARDWARE_W
