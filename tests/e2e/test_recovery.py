"""What gets lost on the way is found again: the rows say what is to be done, and the sweep reads them."""

from __future__ import annotations

from offpeak.profiles.model import RequestState
from tests.e2e.scene import Scene


def test_a_lost_message_to_the_planner_is_recovered_by_the_sweep(scene: Scene) -> None:
    partner = scene.partner()
    with scene.losing("plan"):
        partner.plug_in("S1")
    scene.settle()
    known = partner.known("S1")
    assert (known.plan_wanted, known.plan_done) == (1, 0)
    scene.sweep()
    assert partner.profile_calls("S1") == [], "it is given a minute"

    scene.later(seconds=61)
    scene.sweep()
    assert partner.newest("S1").state is RequestState.CHARGER_ACCEPTED
    assert len(partner.profile_calls("S1")) == 1


def test_a_lost_message_to_the_sender_is_recovered_by_the_sweep(scene: Scene) -> None:
    partner = scene.partner()
    with scene.losing("send"):
        partner.plug_in("S1")
        assert scene.eventually(lambda: partner.standing("S1").newest_request_id is not None)
    scene.settle()
    assert partner.newest("S1").state is RequestState.REQUESTED
    assert partner.profile_calls("S1") == []

    scene.later(seconds=61)
    scene.sweep()
    assert partner.newest("S1").state is RequestState.CHARGER_ACCEPTED
    assert len(partner.profile_calls("S1")) == 1


def test_a_message_that_comes_twice_sends_one_profile(scene: Scene) -> None:
    partner = scene.partner()
    partner.plug_in("S1")
    scene.settle()
    request_id = partner.newest("S1").request_id
    for _ in range(3):
        scene.put_into("send", {"request_id": request_id}, group=partner.partner_id)
        scene.put_into(
            "plan", {"partner_id": partner.partner_id, "session_id": "S1", "plan_wanted": 1}, group=partner.partner_id
        )
    scene.settle()
    assert len(partner.profile_calls("S1")) == 1
    assert len(partner.requests("S1")) == 1


def test_many_lost_messages_are_recovered_in_one_sweep(scene: Scene) -> None:
    partner = scene.partner()
    ids = [f"S{n}" for n in range(20)]
    with scene.losing("plan"):
        partner.plug_in(*ids)
    scene.later(seconds=61)
    scene.sweep()
    assert {partner.newest(each).state for each in ids} == {RequestState.CHARGER_ACCEPTED}
