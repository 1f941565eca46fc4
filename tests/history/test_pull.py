"""A partner's history, pulled page by page from a real server into real tables (CONFORMANCE T9, T10, T11, S1)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from offpeak.errors import InvalidMessage
from offpeak.history.begin import look_for_unknown, order_run, sync_partner
from offpeak.history.model import MOST_ATTEMPTS, Module, RunKind, RunState, Tally
from offpeak.history.schedule import EVERY, FIRST_LOOK_BACK, OVERLAP, STALLED_AFTER
from offpeak.history.stop import outlived
from offpeak.instants import format_instant, parse_instant
from offpeak.ocpi.wire_json import read_json
from offpeak.partners.model import Endpoint, Flags, Party
from offpeak.sessions.model import MessageKind, SessionKey, SessionMessage
from offpeak.sessions.parse import parse_session_message
from tests.history.world import NOW, PARTNER, PARTY, REAL_START, Json, World, listed
from tests.ocpi.peer import Answering, ocpi, text
from tests.profiles.world import ProcessDied

IDS = [f"S-{number}" for number in range(25)]


def sync(world: World) -> None:
    sync_partner(world.partner, world.begin, world.now)


def message(kind: MessageKind, body: Json, session_id: str = "S-1") -> SessionMessage:
    return parse_session_message(
        kind,
        read_json(json.dumps(body)),
        key=SessionKey(PARTNER, session_id),
        country_code=PARTY.country_code,
        party_id=PARTY.party_id,
        strict=False,
        now=NOW,
    )


def test_a_new_partners_last_week_is_pulled_page_by_page(world: World) -> None:
    """T9, T11"""
    world.cpo.objects = [listed(each) for each in IDS] + [listed("old", NOW - FIRST_LOOK_BACK - timedelta(days=1))]
    sync(world)
    world.deliver()
    assert world.known_ids(*IDS, "old") == set(IDS)
    assert world.run().state is RunState.DONE
    assert world.run().tally == Tally(objects=25, created=25)
    assert len(world.cpo.asked) == 3
    assert world.cpo.asked[0] == {"date_from": format_instant(NOW - FIRST_LOOK_BACK), "limit": "100"}


def test_the_next_run_asks_from_the_last_success_minus_an_overlap(world: World) -> None:
    """T11"""
    sync(world)
    world.deliver()
    world.pass_time(seconds=EVERY.total_seconds())
    sync(world)
    world.deliver()
    assert [each["date_from"] for each in world.cpo.asked] == [
        format_instant(NOW - FIRST_LOOK_BACK),
        format_instant(NOW - OVERLAP),
    ]


def test_a_failed_run_leaves_the_next_one_to_begin_where_the_last_good_one_did(world: World) -> None:
    """T11"""
    sync(world)
    world.deliver()
    world.cpo.pages = {1: ocpi(http_status=403)}
    world.pass_time(seconds=EVERY.total_seconds())
    sync(world)
    world.deliver()
    assert world.run().state is RunState.FAILED
    assert "HTTP 403" in (world.run().problem or "")
    world.pass_time(seconds=EVERY.total_seconds())
    sync(world)
    assert world.run().since == NOW - OVERLAP


def test_between_a_partners_moments_nothing_is_asked(world: World) -> None:
    sync(world)
    world.deliver()
    for _ in range(5):
        sync(world)
    world.deliver()
    assert len(world.cpo.asked) == 1


def test_a_partner_without_a_list_or_that_left_is_left_alone(world: World) -> None:
    world.change_partner(endpoints=(Endpoint("chargingprofiles", "RECEIVER", world.cpo.url),))
    sync(world)
    assert world.messages == []


def test_a_partner_that_leaves_meanwhile_is_not_called_again(world: World) -> None:
    world.cpo.objects = [listed(each) for each in IDS]
    sync(world)
    world.change_partner(endpoints=())
    world.deliver()
    assert world.run().state is RunState.FAILED
    assert world.cpo.asked == []


# -- killed in the middle


def test_a_run_that_is_killed_anywhere_goes_on_and_ends_the_same(world: World) -> None:
    """T9, T11"""
    world.cpo.page_size = 2
    deaths = 0
    for effects in range(0, 34, 2):
        ids = [f"S-{effects}-{number}" for number in range(6)]
        world.cpo.objects = [listed(each) for each in ids]
        order_run(world.partner, Module.SESSIONS, NOW - timedelta(days=1), NOW, world.begin, NOW)
        world.life.left = effects
        try:
            world.deliver()
        except ProcessDied:
            deaths += 1
            world.life.left = None
            world.real_now += timedelta(minutes=6)  # until SQS shows the message again
            world.deliver()
        world.life.left = None
        assert world.run(RunKind.ORDERED).state is RunState.DONE
        assert world.known_ids(*ids) == set(ids)
        assert world.run(RunKind.ORDERED).tally.objects == 6, "each page counts once"
    assert deaths > 10


def test_a_page_that_kills_whoever_takes_it_is_given_up(world: World) -> None:
    sync(world)
    [(_, first)] = world.messages
    for _ in range(MOST_ATTEMPTS):
        world.life.left = 3
        with pytest.raises(ProcessDied):
            world.work(first)
    world.life.left = None
    world.work(first)
    assert world.run().state is RunState.FAILED
    assert "never ended" in (world.run().problem or "")


def test_a_message_that_was_lost_is_sent_again_by_the_clock(world: World) -> None:
    world.cpo.objects = [listed("S-1")]
    world.queue_loses = True
    sync(world)
    world.queue_loses = False
    world.pass_time(minutes=9)
    sync(world)
    assert world.messages == []
    world.pass_time(seconds=STALLED_AFTER.total_seconds())
    sync(world)
    world.deliver()
    assert world.known_ids("S-1") == {"S-1"}


def test_messages_that_come_twice_pull_no_page_twice(world: World) -> None:
    world.cpo.objects = [listed(each) for each in IDS]
    sync(world)
    while world.messages:
        _, one = world.messages.pop(0)
        world.work(one)
        world.work(one)
    assert len(world.cpo.asked) == 3
    assert world.run().tally.objects == 25


def test_two_workers_at_one_page_move_the_run_on_once(world: World) -> None:
    world.cpo.objects = [listed(each) for each in IDS]
    sync(world)
    [(_, one)] = world.messages
    world.messages.clear()

    def meanwhile(it: Answering) -> None:
        world.work(one)
        world.cpo.serve(it)

    world.cpo.pages = {0: meanwhile}
    world.work(one)
    assert (world.run().step, world.run().tally.objects) == (1, 10)
    assert len(world.messages) == 1
    world.deliver()
    assert world.run().tally.objects == 25


# -- what goes wrong at the partner


def test_a_partner_that_is_down_is_tried_again_ever_later_and_then_left(world: World) -> None:
    world.cpo.pages = {number: ocpi(http_status=503) for number in range(100)}
    sync(world)
    world.run_all()
    assert world.run().state is RunState.FAILED
    assert len(world.cpo.asked) == MOST_ATTEMPTS
    assert timedelta(minutes=15) < world.real_now - REAL_START < timedelta(minutes=30)
    assert world.gates._load(PARTNER).failures == 0, "the circuit is for profiles"


def test_a_partner_that_comes_back_is_walked_to_the_end(world: World) -> None:
    world.cpo.objects = [listed(each) for each in IDS]
    world.cpo.pages = {1: ocpi(http_status=503), 2: ocpi(http_status=503)}
    sync(world)
    world.run_all()
    assert world.run().state is RunState.DONE
    assert world.run().tally == Tally(objects=25, created=25)


def test_a_token_that_is_refused_is_tried_again_where_another_can_be_had(world: World) -> None:
    world.cpo.objects = [listed("S-1")]
    world.cpo.pages = {0: ocpi(http_status=401)}
    world.tokens.renewable = True
    sync(world)
    world.run_all()
    assert world.known_ids("S-1") == {"S-1"}


def test_a_token_that_is_refused_for_good_ends_the_run(world: World) -> None:
    world.cpo.pages = {0: ocpi(http_status=401)}
    sync(world)
    world.run_all()
    assert world.run().state is RunState.FAILED
    assert len(world.cpo.asked) == 1


@pytest.mark.parametrize(
    ("page", "problem"),
    [
        (ocpi([], status=2001), "OCPI 2001"),
        (text("<html>"), "not readable"),
        (text('{"status_code": 1000, "data": []}', Link='<https://evil.example/>; rel="next"'), "another server"),
        (text(" " * (5 * 1024 * 1024)), "bytes"),
    ],
)
def test_a_page_that_is_no_good_ends_the_run_and_says_why(
    world: World, page: Callable[[Answering], None], problem: str
) -> None:
    """T9"""
    world.cpo.pages = {0: page}
    sync(world)
    world.deliver()
    assert world.run().state is RunState.FAILED
    assert problem in (world.run().problem or "")


def test_a_list_that_leads_in_a_circle_is_left(world: World) -> None:
    """T9"""
    world.cpo.objects = [listed(each) for each in IDS]
    back = text('{"status_code": 1000, "data": []}', Link=f'<{world.cpo.url}?date_from=2020&limit=10>; rel="next"')
    world.cpo.pages = dict.fromkeys(range(2, 200, 2), back)
    sync(world)
    world.deliver()
    assert world.run().state is RunState.FAILED
    assert "circle" in (world.run().problem or "")
    assert len(world.cpo.asked) < 12


def test_a_bad_object_is_reported_and_spoils_nothing(world: World) -> None:
    """T10"""
    good, other = listed("S-1"), listed("S-2")
    foreign = listed("S-3", country_code="DE", party_id="XXX")
    world.cpo.objects = [good, {"last_updated": good["last_updated"]}, listed("S-4", kwh=-1), foreign, other]
    sync(world)
    world.deliver()
    assert world.known_ids("S-1", "S-2", "S-3", "S-4") == {"S-1", "S-2"}
    assert world.run().tally == Tally(objects=5, created=2, refused=3)
    assert [(each.object_id, each.field) for each in world.run().samples] == [
        (None, "id"),
        ("S-4", "kwh"),
        ("S-3", "party_id"),
    ]


def test_of_an_object_that_is_listed_twice_the_newest_is_taken(world: World) -> None:
    """T9"""
    older = listed("S-1", NOW - timedelta(hours=2), kwh=1)
    world.cpo.objects = [listed("S-1", kwh=2), older]
    sync(world)
    world.deliver()
    assert world.run().tally == Tally(objects=2, created=1)
    merged = world.merged("S-1")
    assert merged is not None
    assert merged.fields["kwh"].value == 2


def test_what_must_not_come_back_stays_out(world: World) -> None:
    world.stop = lambda message: "is gone" if message.key.session_id == "S-2" else None
    world.cpo.objects = [listed("S-1"), listed("S-2")]
    sync(world)
    world.deliver()
    assert world.known_ids("S-1", "S-2") == {"S-1"}
    assert world.run().tally == Tally(objects=2, created=1, stopped=1)


def test_a_session_older_than_we_keep_them_does_not_come_back(world: World) -> None:
    world.stop = lambda message: outlived(message, NOW)
    world.cpo.objects = [listed("S-1", NOW - timedelta(days=399)), listed("S-2", NOW - timedelta(days=401))]
    order_run(world.partner, Module.SESSIONS, NOW - timedelta(days=500), NOW, world.begin, NOW)
    world.deliver()
    assert world.known_ids("S-1", "S-2") == {"S-1"}


# -- the same as pushes


PERIOD = {"start_date_time": format_instant(NOW - timedelta(hours=2)), "dimensions": [{"type": "ENERGY", "volume": 1}]}
LATER = {"start_date_time": format_instant(NOW - timedelta(hours=1)), "dimensions": [{"type": "ENERGY", "volume": 2}]}


@pytest.mark.parametrize("pushed_first", [0, 1, 2, 3])
def test_history_and_pushes_in_any_order_end_in_the_same_session(world: World, pushed_first: int) -> None:
    """S1, T11"""
    stamps = [format_instant(NOW - timedelta(minutes=minutes)) for minutes in (120, 60, 30)]
    put = listed("S-1", status="ACTIVE", kwh=0, last_updated=stamps[0], charging_periods=[PERIOD])
    patch = {"kwh": 2, "charging_periods": [LATER], "last_updated": stamps[1]}
    end = {"status": "COMPLETED", "last_updated": stamps[2]}
    whole = {**put, "kwh": 2, "status": "COMPLETED", "last_updated": stamps[2], "charging_periods": [PERIOD, LATER]}
    pushes = [message(MessageKind.PUT, put), message(MessageKind.PATCH, patch), message(MessageKind.PATCH, end)]
    world.cpo.objects = [whole]
    for each in pushes[:pushed_first]:
        world.push(each)
    sync(world)
    world.deliver()
    for each in pushes[pushed_first:]:
        world.push(each)
    merged = world.merged("S-1")
    assert merged is not None
    assert {name: register.value for name, register in merged.fields.items() if name in ("status", "kwh")} == {
        "status": "COMPLETED",
        "kwh": 2,
    }
    assert list(merged.periods) == [parse_instant(each["start_date_time"]) for each in (PERIOD, LATER)]


def test_a_second_walk_over_the_same_list_changes_nothing(world: World) -> None:
    world.cpo.objects = [listed(each) for each in IDS]
    sync(world)
    world.deliver()
    order_run(world.partner, Module.SESSIONS, NOW - timedelta(days=1), NOW, world.begin, NOW)
    world.deliver()
    assert world.run(RunKind.ORDERED).tally == Tally(objects=25, unchanged=25)


# -- on demand


def test_an_ordered_range_asks_for_just_that(world: World) -> None:
    """T9"""
    world.cpo.objects = [listed("S-1", NOW - timedelta(days=3)), listed("S-2", NOW - timedelta(days=1))]
    order_run(world.partner, Module.SESSIONS, NOW - timedelta(days=4), NOW - timedelta(days=2), world.begin, NOW)
    world.deliver()
    assert world.known_ids("S-1", "S-2") == {"S-1"}
    assert world.cpo.asked[0]["date_to"] == format_instant(NOW - timedelta(days=2))


def test_a_range_that_shrinks_under_the_walk_is_walked_again(world: World) -> None:
    """T9"""
    world.cpo.objects = [listed(each, NOW - timedelta(days=3)) for each in IDS]
    moved = {**world.cpo.objects[0], "last_updated": format_instant(NOW)}

    def change_one(it: Answering) -> None:
        world.cpo.objects[0] = moved
        world.cpo.serve(it)

    world.cpo.pages = {1: change_one}
    order_run(world.partner, Module.SESSIONS, NOW - timedelta(days=4), NOW - timedelta(days=2), world.begin, NOW)
    world.deliver()
    assert world.known_ids(*IDS) == set(IDS), "the session at the edge of a page was not missed"
    assert world.run(RunKind.ORDERED).walks == 2


@pytest.mark.parametrize("days", [(2, 2), (2, 3), (-1, -2)])
def test_a_range_must_lie_in_the_past(world: World, days: tuple[int, int]) -> None:
    since, until = (NOW - timedelta(days=each) for each in days)
    with pytest.raises(InvalidMessage, match="from"):
        order_run(world.partner, Module.SESSIONS, since, until, world.begin, NOW)


def test_one_ordered_run_at_a_time(world: World) -> None:
    order_run(world.partner, Module.SESSIONS, NOW - timedelta(days=1), NOW, world.begin, NOW)
    with pytest.raises(InvalidMessage, match="under way"):
        order_run(world.partner, Module.SESSIONS, NOW - timedelta(days=1), NOW, world.begin, NOW)
    world.deliver()
    order_run(world.partner, Module.SESSIONS, NOW - timedelta(days=1), NOW, world.begin, NOW)


# -- unknown sessions


def patch_unknown(world: World, session_id: str, minutes_ago: float = 0) -> None:
    stamp = NOW - timedelta(minutes=minutes_ago)
    world.push(message(MessageKind.PATCH, {"kwh": 1, "last_updated": format_instant(stamp)}, session_id))
    look_for_unknown(world.partner, stamp, world.begin, world.now)


def test_a_session_that_a_patch_named_is_pulled(world: World) -> None:
    """S1"""
    world.cpo.objects = [listed("S-1", NOW, status="ACTIVE", kwh=1)]
    patch_unknown(world, "S-1")
    world.run_all()
    assert world.known_ids("S-1") == {"S-1"}
    assert world.cpo.asked[0]["date_from"] == format_instant(NOW - timedelta(minutes=5))


def test_where_a_partner_has_no_list_nothing_is_looked_for(world: World) -> None:
    """S1"""
    world.change_partner(endpoints=())
    patch_unknown(world, "S-1")
    assert world.messages == []
    assert world.store.runs(PARTNER) == {}


def test_a_swarm_of_patches_is_one_walk(world: World) -> None:
    """S1"""
    world.cpo.objects = [listed(each, NOW - timedelta(minutes=number)) for number, each in enumerate(IDS)]
    for number, each in enumerate(IDS):
        patch_unknown(world, each, minutes_ago=number)
    assert len(world.messages) == 1
    world.run_all()
    assert world.known_ids(*IDS) == set(IDS)
    assert len(world.cpo.asked) == 3


def test_a_patch_during_the_walk_that_goes_back_further_gets_a_walk_of_its_own(world: World) -> None:
    """S1"""
    world.cpo.objects = [listed("S-1", NOW), listed("S-2", NOW - timedelta(hours=3))]

    def meanwhile(it: Answering) -> None:
        patch_unknown(world, "S-2", minutes_ago=180)
        world.cpo.serve(it)

    world.cpo.pages = {0: meanwhile}
    patch_unknown(world, "S-1")
    world.run_all()
    assert world.known_ids("S-1", "S-2") == {"S-1", "S-2"}
    assert len(world.cpo.asked) == 2


def test_a_cpo_that_patches_what_it_does_not_list_is_asked_ever_more_seldom(world: World) -> None:
    """S1"""
    for _ in range(240):
        world.push(message(MessageKind.PATCH, {"kwh": 1, "last_updated": format_instant(world.now)}))
        look_for_unknown(world.partner, world.now, world.begin, world.now)
        world.deliver()
        world.pass_time(seconds=30)
    assert len(world.cpo.asked) < 12, "in two hours"


def test_a_patch_from_long_ago_is_left_to_the_schedule(world: World) -> None:
    """S1"""
    patch_unknown(world, "S-1", minutes_ago=60 * 24 * 30)
    world.run_all()
    assert world.cpo.asked[0]["date_from"] == format_instant(NOW - timedelta(days=2))


def test_what_was_noted_by_somebody_who_died_is_looked_for_by_the_clock(world: World) -> None:
    """S1"""
    sync(world)
    world.deliver()
    world.life.left = 1
    with pytest.raises(ProcessDied):
        look_for_unknown(world.partner, NOW, world.begin, NOW)
    world.life.left = None
    world.cpo.objects = [listed("S-1", NOW)]
    sync(world)
    world.run_all()
    assert world.known_ids("S-1") == {"S-1"}


# -- several parties, and profiles


OTHER = Party("BE", "ACM")


def test_each_party_of_a_connection_is_asked_for_its_list(world: World) -> None:
    """T4"""
    world.change_partner(parties=(PARTY, OTHER))
    world.cpo.objects = [listed("S-1")]
    sync(world)
    world.deliver()
    assert [each.headers["ocpi-to-country-code"] for each in world.peer.requests] == ["NL", "BE"]


def test_a_list_that_holds_all_parties_is_walked_once(world: World) -> None:
    """T4"""
    world.change_partner(parties=(PARTY, OTHER))
    world.cpo.objects = [listed("S-1"), listed("S-2", country_code="BE")]
    sync(world)
    world.deliver()
    assert len(world.cpo.asked) == 1
    assert world.known_ids("S-1", "S-2") == {"S-1", "S-2"}


def test_history_waits_while_profiles_fill_half_of_the_partners_places(world: World) -> None:
    world.cpo.objects = [listed("S-1")]
    for number in range(4):
        world.gates.enter(PARTNER, 8, f"profile-{number}", world.real_now.timestamp())
    sync(world)
    world.deliver()
    assert world.cpo.asked == []
    assert world.run().attempts == 0
    for number in range(4):
        world.gates.leave(PARTNER, f"profile-{number}", ok=True, now_s=world.real_now.timestamp())
    world.run_all()
    assert world.known_ids("S-1") == {"S-1"}


def test_a_partner_with_one_place_has_it_free_between_pages(world: World) -> None:
    world.change_partner(flags=Flags(in_flight_cap=1))
    world.cpo.objects = [listed(each) for each in IDS]
    sync(world)
    world.deliver()
    assert len(world.cpo.asked) == 1
    [(visible_at, _)] = world.messages
    assert visible_at > world.real_now
    world.run_all()
    assert world.known_ids(*IDS) == set(IDS)
