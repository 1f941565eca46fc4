"""The workers and clocks behind a profile, as Lambda calls them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from functions import plan_sessions, replan_sessions, send_profiles, sweep_sessions, want_plans
from offpeak import wiring
from offpeak.partners.model import PartnerStatus
from offpeak.profiles.model import RequestState, Step
from tests.functions.events import CONTEXT, sqs_event
from tests.functions.journey import FIXED_PRICE, KEY, Journey


def test_a_session_becomes_a_profile(journey: Journey) -> None:
    journey.push_session()
    assert journey.work() == 2
    (call,) = journey.cpo.calls
    assert call.response_url.startswith("https://offpeak.example/api/ocpi/emsp/2.2.1/chargingprofiles/results/set/")
    journey.post_result(call.response_url, {"result": "ACCEPTED"})
    request = journey.newest
    assert request.state is RequestState.CHARGER_ACCEPTED
    times = [request.steps[step] for step in (Step.RECEIVED, Step.PLANNED, Step.SENT, Step.ANSWERED, Step.CONFIRMED)]
    assert times == sorted(times)


def test_a_message_of_a_session_that_is_not_known_is_done(journey: Journey) -> None:
    message = json.dumps({"partner_id": "acme", "session_id": "S-404", "plan_wanted": 1})
    assert plan_sessions.handler(sqs_event(message, groups=("g",)), CONTEXT) == {"batchItemFailures": []}


def test_a_poisoned_message_fails_alone(journey: Journey) -> None:
    journey.push_session()
    (good,) = journey.waiting("plan")
    batch = sqs_event("{}", good, groups=("g1", "g2"))
    assert plan_sessions.handler(batch, CONTEXT) == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    assert journey.newest.state is RequestState.REQUESTED


def test_a_message_for_a_request_that_is_not_known_is_done(journey: Journey) -> None:
    message = json.dumps({"request_id": "nobody"})
    assert send_profiles.handler(sqs_event(message), CONTEXT) == {"batchItemFailures": []}


def test_the_sweep_takes_up_a_lost_message(journey: Journey) -> None:
    journey.push_session()
    journey.work()
    lost = replace(journey.newest, state=RequestState.REQUESTED, due_at=wiring.clock().now() - timedelta(seconds=1))
    wiring.profiles().save(lost)
    sweep_sessions.handler({}, CONTEXT)
    assert journey.work() == 1
    assert len(journey.cpo.calls) == 2


def test_every_quarter_of_an_hour_all_active_sessions_are_planned_anew(journey: Journey) -> None:
    journey.push_session()
    journey.work()
    journey.change(planning=replace(FIXED_PRICE, smart_charging=False))
    replan_sessions.handler({}, CONTEXT)
    assert journey.work() == 8 + 1 + 1, "eight shards, one plan, one profile to take away"
    assert [call.method for call in journey.cpo.calls] == ["PUT", "DELETE"]


@pytest.mark.parametrize("status", [PartnerStatus.INVITED, PartnerStatus.LEFT])
def test_a_partner_that_is_not_registered_is_not_planned_for(journey: Journey, status: PartnerStatus) -> None:
    journey.change(status=status)
    replan_sessions.handler({}, CONTEXT)
    assert journey.waiting("replan") == []


def test_each_active_session_of_a_shard_wants_a_plan(journey: Journey) -> None:
    journey.push_session()
    journey.waiting("plan")
    for shard in range(8):
        message = json.dumps({"partner_id": "acme", "shard": shard, "after": None, "changed": None})
        assert want_plans.handler(sqs_event(message), CONTEXT) == {"batchItemFailures": []}
    assert len(journey.waiting("plan")) == 1
    known = wiring.sessions().known(KEY)
    assert known is not None
    assert known.plan_wanted == 2
