"""Session messages in every order and number: the session comes out the same."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.cpo.wire import write_instant
from tests.e2e.partner import Partner
from tests.e2e.scene import Scene
from tests.e2e.stage import EVENING, Answer

Message = tuple[str, dict[str, Any]]


def at(minutes: int) -> str:
    return write_instant(EVENING + timedelta(minutes=minutes))


def period(minutes: int, kwh: float) -> dict[str, Any]:
    return {"start_date_time": at(minutes), "dimensions": [{"type": "ENERGY", "volume": kwh}]}


def a_session(partner: Partner, session_id: str) -> list[Message]:
    """A session's messages in order, from the first PUT to the end."""
    return [
        ("PUT", partner.session(session_id, last_updated=at(0))),
        ("PATCH", {"kwh": 0.9, "charging_periods": [period(0, 0.9)], "last_updated": at(5)}),
        ("PATCH", {"kwh": 1.8, "charging_periods": [period(5, 0.9)], "last_updated": at(10)}),
        ("PATCH", {"meter_id": "M-1", "last_updated": at(12)}),
        ("PATCH", {"kwh": 2.7, "charging_periods": [period(10, 0.9)], "last_updated": at(15)}),
        ("PATCH", {"status": "COMPLETED", "end_date_time": at(20), "last_updated": at(20)}),
    ]


def send(partner: Partner, session_id: str, message: Message) -> Answer:
    method, body = message
    return partner.ask(method, partner.path(session_id), body)


def told(partner: Partner, session_id: str) -> Mapping[str, Any]:
    answer = partner.get(session_id)
    assert answer.codes == (200, 1000)
    return {name: value for name, value in answer.data.items() if name not in ("id", "evse_uid")}


def test_any_order_and_repetition_of_messages_ends_in_the_same_session(scene: Scene) -> None:
    """S1, S3, T14"""
    partner = scene.partner()
    for message in a_session(partner, "in-order"):
        assert send(partner, "in-order", message).status == 1000
    expected = told(partner, "in-order")
    assert (expected["status"], expected["kwh"], len(expected["charging_periods"])) == ("COMPLETED", 2.7, 3)
    tried = 0

    @settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.permutations(range(6)), st.lists(st.integers(0, 5), max_size=4))
    def ends_the_same(order: list[int], repeated: list[int]) -> None:
        nonlocal tried
        tried += 1
        session_id = f"shuffled-{tried}"
        messages = a_session(partner, session_id)
        for place in (*order, *repeated):
            assert send(partner, session_id, messages[place]).http_status in (200, 201, 404)
        assert told(partner, session_id) == expected

    ends_the_same()


def test_a_patch_before_its_put_is_not_found_and_not_lost(scene: Scene) -> None:
    """S1"""
    partner = scene.partner()
    early = partner.patch("S1", kwh=1.5, charging_periods=[period(0, 1.5)], last_updated=at(5))
    assert early.codes == (404, 2000)
    assert partner.get("S1").http_status == 404
    assert partner.put(partner.session("S1", last_updated=at(0))).codes == (201, 1000)
    assert partner.get("S1").data["kwh"] == 1.5
    assert partner.get("S1").data["charging_periods"] == [
        {"start_date_time": "2025-10-02T17:00:00.000Z", "dimensions": [{"type": "ENERGY", "volume": 1.5}]}
    ]


def test_a_put_that_comes_twice_is_one_event(scene: Scene) -> None:
    """S2"""
    partner = scene.partner()
    session = partner.session("S1")
    assert partner.put(session).codes == (201, 1000)
    row = partner.row("S1")
    assert row is not None
    assert row["plan_wanted"] == 1
    assert partner.put(session).codes == (200, 1000)
    scene.settle()
    assert partner.known("S1").plan_wanted == 1
    assert len(partner.requests("S1")) == 1


def test_an_older_message_changes_nothing_after_the_end(scene: Scene) -> None:
    """S3, T14"""
    partner = scene.partner()
    partner.put(partner.session("S1", status="COMPLETED", kwh=9, end_date_time=at(30), last_updated=at(30)))
    before = partner.get("S1").data
    assert partner.put(partner.session("S1", kwh=3, last_updated=at(10))).codes == (200, 1000)
    assert partner.patch("S1", status="ACTIVE", last_updated=at(29)).codes == (200, 1000)
    assert partner.patch("S1", status="ACTIVE", last_updated=at(40)).codes == (200, 1000)
    after = partner.get("S1").data
    assert after == {**before, "last_updated": after["last_updated"]}


def test_a_put_replaces_the_periods_that_patches_had_added(scene: Scene) -> None:
    """S1"""
    partner = scene.partner()
    partner.put(partner.session("S1"))
    partner.patch("S1", charging_periods=[period(0, 1)], last_updated=at(5))
    partner.patch("S1", charging_periods=[], last_updated=at(6))
    partner.patch("S1", charging_periods=None, last_updated=at(7))
    assert len(partner.get("S1").data["charging_periods"]) == 1, "none or an empty list is no change"
    partner.put(partner.session("S1", charging_periods=[period(10, 2)], last_updated=at(15)))
    assert [each["start_date_time"] for each in partner.get("S1").data["charging_periods"]] == [
        "2025-10-02T17:10:00.000Z"
    ]


def test_the_case_of_an_id_does_not_count(scene: Scene) -> None:
    """T8"""
    partner = scene.partner()
    assert partner.put(partner.session("Abc-7")).codes == (201, 1000)
    assert partner.get("Abc-7").data["id"] == "Abc-7"
    other_case = f"/ocpi/emsp/2.2.1/sessions/de/{partner.party.party_id}/aBC-7"
    later = partner.session("Abc-7", kwh=2, last_updated=at(5))
    assert partner.ask("PUT", other_case, later).codes == (200, 1000)
    assert partner.get("Abc-7").data["kwh"] == 2


def test_messages_of_one_session_at_the_same_moment_are_all_kept(scene: Scene) -> None:
    partner = scene.partner()
    partner.put(partner.session("S1"))

    def push(minutes: int) -> Answer:
        return partner.patch("S1", charging_periods=[period(minutes, 0.1)], last_updated=at(minutes))

    with ThreadPoolExecutor(4) as pushers:
        answers = list(pushers.map(push, range(1, 25)))
    assert {each.codes for each in answers} == {(200, 1000)}
    assert len(partner.get("S1").data["charging_periods"]) == 24
    scene.settle()
    known = partner.known("S1")
    assert known.plan_done == known.plan_wanted


def test_a_day_of_five_minute_periods_comes_in_one_message(scene: Scene) -> None:
    partner = scene.partner()
    day = [period(minutes, 0.1) for minutes in range(-24 * 60, 0, 5)]
    told = partner.session("S1", start_date_time=at(-24 * 60), kwh=28.8, charging_periods=day)
    assert partner.put(told).codes == (201, 1000)
    assert len(partner.get("S1").data["charging_periods"]) == 288


def test_a_cpo_that_loses_repeats_delays_and_reorders_ends_with_right_books(scene: Scene) -> None:
    """T14, S1"""
    partner = scene.partner()
    partner.misbehave(duplicated=0.5, reordered=0.4, late=0.2, late_by_s=600)
    partner.plug_in("S1", "S2", "S3", soc=0.7)
    scene.settle()
    for _ in range(6):
        scene.pass_time(minutes=10)
    partner.misbehave()
    for each in ("S1", "S2", "S3"):
        partner.cpo.unplug(each)
    scene.pass_time(minutes=20)
    for each in ("S1", "S2", "S3"):
        told = partner.get(each).data
        assert told["status"] == "COMPLETED"
        assert told["kwh"] == round(partner.cpo.state(each).kwh, 4)
