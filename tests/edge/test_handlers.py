"""The edges of queues, clocks, commands and the authoriser."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal

import pytest

from offpeak.edge import (
    Handler,
    Message,
    authoriser_handler,
    clock_handler,
    command_handler,
    fifo_handler,
    queue_handler,
)
from offpeak.errors import InvalidMessage, NotAllowed, NotAuthenticated, PeerUnavailable, UnknownObject
from offpeak.ocpi.wire_json import JsonValue
from offpeak.telemetry import count
from tests.functions.events import CONTEXT, authoriser_event, sqs_event
from tests.functions.logs import Log


def body(name: str) -> str:
    return json.dumps({"name": name})


class Work:
    """Processes messages, and fails on purpose on those whose name says so."""

    def __init__(self) -> None:
        self.done: list[object] = []

    def __call__(self, message: Message) -> None:
        if message["name"] == "unavailable":
            raise PeerUnavailable("silent")
        if message["name"] == "bug":
            raise KeyError("oops")
        self.done.append(message["name"])


def failed(answer: object) -> list[str]:
    assert isinstance(answer, dict)
    return [each["itemIdentifier"] for each in answer["batchItemFailures"]]


HandlerOf = Callable[[Work], Handler]


def in_groups(work: Work) -> Handler:
    """Return a FIFO queue's handler that works a group's messages one after the other."""

    def process(messages: list[Message]) -> None:
        for each in messages:
            work(each)

    return fifo_handler(process)


@pytest.mark.parametrize("problem", ["unavailable", "bug"])
def test_a_message_that_fails_fails_alone(problem: str) -> None:
    work = Work()
    answer = queue_handler(work)(sqs_event(body("a"), body(problem), body("b")), CONTEXT)
    assert failed(answer) == ["m1"]
    assert work.done == ["a", "b"]


@pytest.mark.parametrize("handler_of", [queue_handler, in_groups])
def test_a_batch_that_fails_as_a_whole_is_reported_message_by_message(handler_of: HandlerOf) -> None:
    answer = handler_of(Work())(sqs_event(body("bug"), body("bug"), groups=("g", "h")), CONTEXT)
    assert failed(answer) == ["m0", "m1"]


def test_in_a_fifo_queue_a_group_fails_as_a_whole_and_other_groups_go_on() -> None:
    work = Work()
    event = sqs_event(body("bug"), body("x"), body("later"), body("y"), groups=("poisoned", "fine", "poisoned", "fine"))
    assert failed(in_groups(work)(event, CONTEXT)) == ["m0", "m2"]
    assert work.done == ["x", "y"]


def test_the_messages_of_a_group_come_together_and_in_order() -> None:
    batches = list[list[object]]()
    handler = fifo_handler(lambda messages: batches.append([each["name"] for each in messages]))
    handler(sqs_event(body("a"), body("b"), body("c"), groups=("g", "h", "g")), CONTEXT)
    assert batches == [["a", "c"], ["b"]]


@pytest.mark.parametrize("handler_of", [queue_handler, in_groups])
def test_a_message_that_is_no_json_fails_alone(handler_of: HandlerOf) -> None:
    work = Work()
    answer = handler_of(work)(sqs_event("{", body("a"), groups=("g", "h")), CONTEXT)
    assert failed(answer) == ["m0"]
    assert work.done == ["a"]


def test_a_group_that_failed_in_one_batch_is_tried_again_in_the_next() -> None:
    work = Work()
    handler = in_groups(work)
    handler(sqs_event(body("bug"), groups=("g",)), CONTEXT)
    assert failed(handler(sqs_event(body("a"), groups=("g",)), CONTEXT)) == []
    assert work.done == ["a"]


def test_failures_are_counted_and_logged_with_the_message(log: Log, capsys: pytest.CaptureFixture[str]) -> None:
    queue_handler(Work())(sqs_event(body("unavailable")), CONTEXT)
    (logged,) = log()
    assert (logged["message"], logged["message_id"], logged["problem"]) == ("message_failed", "m0", "silent")
    assert json.loads(capsys.readouterr().out)["MessagesFailed"] == [1.0]


def test_a_clock_runs_and_flushes_its_metrics(capsys: pytest.CaptureFixture[str]) -> None:
    clock_handler(lambda: count("Ticks"))({}, CONTEXT)
    assert json.loads(capsys.readouterr().out)["Ticks"] == [1.0]


def test_a_clock_that_fails_fails_loudly_when_each_of_its_tasks_had_its_turn() -> None:
    done = []

    def fail() -> None:
        raise PeerUnavailable("silent")

    def fail_otherwise() -> None:
        raise ValueError("too")

    with pytest.raises(PeerUnavailable):
        clock_handler(fail, fail_otherwise, lambda: done.append("last"))({}, CONTEXT)
    assert done == ["last"]


def test_a_command_answers_plain_json() -> None:
    assert command_handler(lambda event: {"got": event, "half": Decimal("0.5")})({"a": 1.25}, CONTEXT) == {
        "got": {"a": 1.25},
        "half": 0.5,
    }


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (InvalidMessage("settings.name", "is required"), {"error": "is required", "field": "settings.name"}),
        (UnknownObject("there is no partner x"), {"error": "there is no partner x"}),
    ],
)
def test_a_wrong_command_is_answered_not_raised(error: Exception, answer: object) -> None:
    def run(_: JsonValue) -> object:
        raise error

    assert command_handler(run)({}, CONTEXT) == answer


def test_a_refused_caller_makes_the_authoriser_fail_with_the_word_that_means_401() -> None:
    """T1"""

    def refuse(*_: object) -> dict[str, object]:
        raise NotAuthenticated("unknown")

    with pytest.raises(Exception, match="^Unauthorized$"):
        authoriser_handler(refuse)(authoriser_event("/ocpi/versions"), CONTEXT)


def test_a_caller_that_is_shut_out_is_denied_by_policy() -> None:
    """API Gateway answers 403 for it."""

    def decide(*_: object) -> dict[str, object]:
        raise NotAllowed("partner acme is suspended")

    answer = authoriser_handler(decide)(authoriser_event("/ocpi/versions"), CONTEXT)

    [statement] = answer["policyDocument"]["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Deny", "execute-api:Invoke")
    assert "usageIdentifierKey" not in answer
