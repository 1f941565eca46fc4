"""Nothing is lost: every queue has dead letters, every wait an end, every clock a function."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra import routes
from tests.infra.stacks import Stacks, of_type

WORKERS = pytest.mark.parametrize("worker", routes.WORKERS, ids=lambda worker: worker.queue)


def queue_of(stacks: Stacks, worker: routes.Worker) -> dict[str, Any]:
    return queues_of(stacks, worker)["Queue"]


def queues_of(stacks: Stacks, worker: routes.Worker) -> dict[str, dict[str, Any]]:
    """The properties of a worker's queue and of its dead letters."""
    prefix = f"{worker.queue.capitalize()}Queue"
    mine = {name: each for name, each in of_type(stacks.service, "AWS::SQS::Queue").items() if name.startswith(prefix)}
    return {
        "DeadLetters" if name.startswith(f"{prefix}DeadLetters") else "Queue": each["Properties"]
        for name, each in mine.items()
    }


@WORKERS
def test_a_message_that_fails_five_times_goes_to_dead_letters_of_the_same_kind(
    qa: Stacks, worker: routes.Worker
) -> None:
    queues = queues_of(qa, worker)
    redrive = queues["Queue"]["RedrivePolicy"]
    assert redrive["maxReceiveCount"] == 5
    assert f"{worker.queue.capitalize()}QueueDeadLetters" in json.dumps(redrive["deadLetterTargetArn"])
    assert queues["Queue"].get("FifoQueue") == queues["DeadLetters"].get("FifoQueue") == (worker.fifo or None)


@WORKERS
def test_dead_letters_wait_longer_than_the_queue_keeps_them(qa: Stacks, worker: routes.Worker) -> None:
    queues = queues_of(qa, worker)
    assert queues["DeadLetters"]["MessageRetentionPeriod"] == 14 * 86400 > queues["Queue"]["MessageRetentionPeriod"]


@WORKERS
def test_a_message_being_worked_is_hidden_for_six_time_outs(qa: Stacks, worker: routes.Worker) -> None:
    assert qa.functions[worker.function]["Timeout"] == worker.timeout_s
    assert queue_of(qa, worker)["VisibilityTimeout"] >= 6 * worker.timeout_s


def test_a_plan_that_fails_once_keeps_its_session_waiting_for_a_minute_at_most(qa: Stacks) -> None:
    (plan,) = (worker for worker in routes.WORKERS if worker.queue == "plan")
    assert queue_of(qa, plan)["VisibilityTimeout"] <= 60


@WORKERS
def test_each_message_of_a_batch_fails_by_itself(qa: Stacks, worker: routes.Worker) -> None:
    (source,) = (
        each["Properties"]
        for each in of_type(qa.service, "AWS::Lambda::EventSourceMapping").values()
        if qa.function_at(each["Properties"]["FunctionName"]) == worker.function
    )
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert source["BatchSize"] == worker.batch_size
    assert source["ScalingConfig"] == {"MaximumConcurrency": worker.max_concurrency}
    assert "MaximumBatchingWindowInSeconds" not in source


@pytest.mark.parametrize("name", ["plan", "events"])
def test_a_fifo_queue_keeps_order_within_a_group_and_is_fast_across_them(qa: Stacks, name: str) -> None:
    (worker,) = (worker for worker in routes.WORKERS if worker.fifo and worker.queue == name)
    queue = queue_of(qa, worker)
    assert (queue["DeduplicationScope"], queue["FifoThroughputLimit"]) == ("messageGroup", "perMessageGroupId")
    assert "ContentBasedDeduplication" not in queue


def test_queues_are_encrypted_and_refuse_plain_http(qa: Stacks) -> None:
    qa.service_template.all_resources_properties("AWS::SQS::Queue", {"SqsManagedSseEnabled": True})
    guarded = {
        queue["Ref"]
        for each in of_type(qa.service, "AWS::SQS::QueuePolicy").values()
        for queue in each["Properties"]["Queues"]
        if "aws:SecureTransport" in json.dumps(each["Properties"]["PolicyDocument"])
        and queue["Ref"] in json.dumps(each["Properties"]["PolicyDocument"])
    }
    assert guarded == set(of_type(qa.service, "AWS::SQS::Queue"))


@pytest.mark.parametrize("clock", routes.CLOCKS, ids=lambda clock: clock.name)
def test_a_clock_invokes_its_function_on_time_and_gives_up_before_the_next_tick(
    qa: Stacks, clock: routes.Clock
) -> None:
    (schedule,) = (
        each["Properties"]
        for each in of_type(qa.service, "AWS::Scheduler::Schedule").values()
        if qa.function_at(each["Properties"]["Target"]["Arn"]) == clock.function
    )
    assert schedule["ScheduleExpression"] == clock.schedule
    assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert schedule["Target"]["Input"] == "{}"
    assert schedule["Target"]["RetryPolicy"]["MaximumEventAgeInSeconds"] <= 60


def test_a_failed_tick_is_not_repeated_into_the_next(qa: Stacks) -> None:
    invocations = of_type(qa.service, "AWS::Lambda::EventInvokeConfig")
    assert len(invocations) == len(routes.CLOCKS)
    qa.service_template.all_resources_properties(
        "AWS::Lambda::EventInvokeConfig", {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}
    )
