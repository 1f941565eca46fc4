"""Gives dead letters back to the queue they came from, once what killed them is repaired."""

from __future__ import annotations

from typing import Any

HIDDEN_S = 60
"""How long a letter that we hold is hidden from others; moving one takes milliseconds."""


def count(sqs: Any, dead_letter_queue: str) -> int:
    """Return about how many letters lie in the queue."""
    name = "ApproximateNumberOfMessages"
    answer = sqs.get_queue_attributes(QueueUrl=dead_letter_queue, AttributeNames=[name])
    return int(answer["Attributes"][name])


def replay(sqs: Any, dead_letter_queue: str, queue: str, *, wait_s: int = 1) -> int:
    """Move every dead letter back to `queue`, in order within its group, and return how many were moved.

    A letter is sent before it is deleted: whoever dies in between has sent it twice, never lost it, and the workers do
    nothing twice. Its deduplication id is new, because the queue still remembers the old one for five minutes; it is
    made of the letter's own id, so that a second replay after such a death sends no duplicate. `wait_s` is how long SQS
    looks for letters before it says that there are none: with 0 it asks a few of its servers only.
    """
    moved = 0
    while True:
        received = sqs.receive_message(
            QueueUrl=dead_letter_queue,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=wait_s,
            VisibilityTimeout=HIDDEN_S,
            AttributeNames=["MessageGroupId"],
        )
        letters = received.get("Messages", [])
        if not letters:
            return moved
        for letter in letters:
            sqs.send_message(QueueUrl=queue, MessageBody=letter["Body"], **_addressing(queue, letter))
            sqs.delete_message(QueueUrl=dead_letter_queue, ReceiptHandle=letter["ReceiptHandle"])
            moved += 1


def _addressing(queue: str, letter: dict[str, Any]) -> dict[str, str]:
    group = letter.get("Attributes", {}).get("MessageGroupId")
    addressing = {"MessageGroupId": group} if group else {}
    if queue.endswith(".fifo"):
        addressing["MessageDeduplicationId"] = f"replay-{letter['MessageId']}"
    return addressing
