"""Replaying dead letters, against real queues."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import Any

import pytest

from local.cloud_server import CloudServer
from ops.dead_letters import count, replay


@dataclass(frozen=True, slots=True)
class Queues:
    """A queue and its dead letters."""

    sqs: Any
    queue: str
    dead: str

    def bury(self, body: str, group: str | None = None, deduplication_id: str | None = None) -> None:
        addressing = {"MessageGroupId": group} if group else {}
        if deduplication_id:
            addressing["MessageDeduplicationId"] = deduplication_id
        self.sqs.send_message(QueueUrl=self.dead, MessageBody=body, **addressing)

    def taken(self) -> list[dict[str, Any]]:
        """Take everything out of the queue, with attributes."""
        found: list[dict[str, Any]] = []
        while messages := self.sqs.receive_message(
            QueueUrl=self.queue, MaxNumberOfMessages=10, AttributeNames=["All"]
        ).get("Messages"):
            found += messages
            for message in messages:
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return found


@pytest.fixture
def fifo(embedded_aws: CloudServer) -> Queues:
    return _queues(embedded_aws.client("sqs"), fifo=True)


@pytest.fixture
def standard(embedded_aws: CloudServer) -> Queues:
    return _queues(embedded_aws.client("sqs"), fifo=False)


def _queues(sqs: Any, *, fifo: bool) -> Queues:
    name, ending = secrets.token_hex(4), ".fifo" if fifo else ""
    attributes = {"FifoQueue": "true"} if fifo else {}
    dead = sqs.create_queue(QueueName=f"{name}-dead{ending}", Attributes=attributes)["QueueUrl"]
    dead_arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    attributes["RedrivePolicy"] = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 1})
    queue = sqs.create_queue(QueueName=f"{name}{ending}", Attributes=attributes)["QueueUrl"]
    return Queues(sqs, queue, dead)


def test_every_letter_goes_back_in_order_and_in_its_group(fifo: Queues) -> None:
    for number in range(12):
        fifo.bury(str(number), group=f"car-{number % 2}", deduplication_id=f"d{number}")

    moved = replay(fifo.sqs, fifo.dead, fifo.queue, wait_s=0)

    taken = fifo.taken()
    assert moved == 12
    assert count(fifo.sqs, fifo.dead) == 0
    for group in ("car-0", "car-1"):
        numbers = [int(each["Body"]) for each in taken if each["Attributes"]["MessageGroupId"] == group]
        assert numbers == sorted(numbers)
        assert len(numbers) == 6


def test_a_letter_is_delivered_although_the_queue_remembers_its_first_sending(fifo: Queues) -> None:
    fifo.sqs.send_message(QueueUrl=fifo.queue, MessageBody="1", MessageGroupId="car", MessageDeduplicationId="car#1")
    assert len(fifo.taken()) == 1
    fifo.bury("1", group="car", deduplication_id="car#1")

    replay(fifo.sqs, fifo.dead, fifo.queue, wait_s=0)

    assert [each["Body"] for each in fifo.taken()] == ["1"]


def test_a_letter_of_a_fair_queue_keeps_its_group(standard: Queues) -> None:
    standard.bury("a", group="acme")
    standard.bury("b")

    assert replay(standard.sqs, standard.dead, standard.queue, wait_s=0) == 2

    groups = {each["Body"]: each["Attributes"].get("MessageGroupId") for each in standard.taken()}
    assert groups == {"a": "acme", "b": None}


class DiesBeforeDeleting:
    """A client whose process dies after it has sent a letter and before it has deleted it."""

    def __init__(self, sqs: Any) -> None:
        self._sqs = sqs

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sqs, name)

    def delete_message(self, QueueUrl: str, ReceiptHandle: str) -> None:  # noqa: N803 - boto3's names
        # Time passes: the letter shows again to whoever comes next.
        self._sqs.change_message_visibility(QueueUrl=QueueUrl, ReceiptHandle=ReceiptHandle, VisibilityTimeout=0)
        raise KeyboardInterrupt


def test_a_replay_that_dies_loses_nothing_and_the_next_one_sends_no_duplicate(fifo: Queues) -> None:
    fifo.bury("1", group="car", deduplication_id="car#1")
    with pytest.raises(KeyboardInterrupt):
        replay(DiesBeforeDeleting(fifo.sqs), fifo.dead, fifo.queue, wait_s=0)
    assert count(fifo.sqs, fifo.dead) == 1

    assert replay(fifo.sqs, fifo.dead, fifo.queue, wait_s=0) == 1

    assert count(fifo.sqs, fifo.dead) == 0
    assert [each["Body"] for each in fifo.taken()] == ["1"]


def test_nothing_to_replay_is_no_error(standard: Queues) -> None:
    assert replay(standard.sqs, standard.dead, standard.queue, wait_s=0) == 0
