"""A request with a key is done once, however often it comes and whoever dies at it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from offpeak.errors import BeingDone, InvalidMessage
from offpeak.tenants.repeats import KEPT_FOR, WORKED_FOR, Asked, KeptAnswer, RepeatStore
from tests.conftest import MakeTable

NOW = datetime(2027, 3, 1, 18, tzinfo=UTC)
ASKED = Asked("hearth", "key-1", b"POST /v1/users\n{}")
ANSWER = KeptAnswer(201, {"ETag": '"1"', "Location": "/v1/users/usr_a"}, '{"user_id":"usr_a"}')


@pytest.fixture
def repeats(make_table: MakeTable) -> RepeatStore:
    return RepeatStore(make_table("app_requests"))


def done(repeats: RepeatStore, asked: Asked = ASKED, about: str | None = "usr_a") -> None:
    repeats.begin(asked, about, "a", now=NOW)
    repeats.finish(asked, about, ANSWER, now=NOW)


def test_what_comes_again_is_answered_as_before(repeats: RepeatStore) -> None:
    done(repeats)
    turn = repeats.begin(ASKED, "usr_b", "b", now=NOW + timedelta(hours=1))
    assert (turn.chance, turn.answered) == ("a", ANSWER)


def test_what_is_being_done_is_not_begun_by_another(repeats: RepeatStore) -> None:
    repeats.begin(ASKED, None, "a", now=NOW)
    with pytest.raises(BeingDone):
        repeats.begin(ASKED, None, "b", now=NOW + WORKED_FOR - timedelta(seconds=1))


def test_who_died_is_followed_by_one_alone_who_makes_the_same_ids(repeats: RepeatStore) -> None:
    repeats.begin(ASKED, None, "a", now=NOW)
    later = NOW + WORKED_FOR
    turn = repeats.begin(ASKED, None, "b", now=later)
    assert (turn.chance, turn.answered) == ("a", None)
    with pytest.raises(BeingDone):
        repeats.begin(ASKED, None, "c", now=later + timedelta(seconds=1))


def test_what_failed_may_be_done_again_at_once_by_the_same_chance(repeats: RepeatStore) -> None:
    repeats.begin(ASKED, None, "a", now=NOW)
    repeats.let_go(ASKED)
    assert repeats.begin(ASKED, None, "b", now=NOW).chance == "a"


@pytest.mark.parametrize("request_", [b"POST /v1/users\n{ }", b"POST /v1/webhooks\n{}", b""])
def test_a_key_is_good_for_one_request(repeats: RepeatStore, request_: bytes) -> None:
    done(repeats)
    with pytest.raises(InvalidMessage) as refusal:
        repeats.begin(Asked("hearth", "key-1", request_), None, "b", now=NOW)
    assert refusal.value.field == "Idempotency-Key"


def test_a_refused_request_leaves_its_key_to_a_better_one(repeats: RepeatStore) -> None:
    repeats.begin(ASKED, None, "a", now=NOW)
    repeats.refuse(ASKED)
    assert repeats.begin(Asked("hearth", "key-1", b"another"), None, "b", now=NOW).chance == "b"


def test_another_tenants_key_is_another_key(repeats: RepeatStore) -> None:
    done(repeats)
    assert repeats.begin(Asked("other", "key-1", ASKED.request), None, "b", now=NOW).answered is None


def test_a_key_is_forgotten_after_a_day_even_where_its_rows_are_still_there(repeats: RepeatStore) -> None:
    done(repeats, about=None)
    turn = repeats.begin(ASKED, None, "b", now=NOW + KEPT_FOR)
    assert (turn.chance, turn.answered) == ("b", None)
    later = NOW + KEPT_FOR + WORKED_FOR
    assert repeats.begin(ASKED, None, "c", now=later).answered is None, "nor does the old answer come back"


def test_what_is_kept_about_a_user_is_erased_with_him_and_nothing_else(repeats: RepeatStore) -> None:
    done(repeats)
    other = Asked("hearth", "key-2", b"POST /v1/users\n{}")
    done(repeats, other, "usr_other")
    assert repeats.erase("hearth", "usr_a") == 1
    assert repeats.erase("hearth", "usr_a") == 0
    answered = repeats.begin(ASKED, None, "b", now=NOW).answered
    assert answered is not None
    assert (answered.http_status, answered.body, answered.headers) == (410, None, {})
    kept = repeats.begin(other, None, "b", now=NOW).answered
    assert kept == ANSWER
