"""Batches of messages in a real embedded queue, and in one that takes only some of them."""

from __future__ import annotations

import json
import secrets
from typing import Any

import pytest

from local.cloud_server import CloudServer
from offpeak.aws.queues import FairQueue
from offpeak.errors import QueueUnavailable


class CountingClient:
    """An SQS client that counts its calls."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.calls = 0

    def send_message_batch(self, **batch: Any) -> Any:
        self.calls += 1
        return self._client.send_message_batch(**batch)


class HalfFull:
    """An SQS client whose queue takes every other message of a batch."""

    def send_message_batch(self, *, Entries: list[dict[str, Any]], **_: Any) -> dict[str, Any]:  # noqa: N803
        failed = [{"Id": each["Id"], "Code": "InternalError", "SenderFault": False} for each in Entries[1::2]]
        return {"Successful": Entries[::2], "Failed": failed}


def test_many_messages_go_out_in_few_calls_and_all_arrive(embedded_aws: CloudServer) -> None:
    sqs = embedded_aws.client("sqs")
    url = sqs.create_queue(QueueName=f"many-{secrets.token_hex(4)}")["QueueUrl"]
    client = CountingClient(sqs)
    FairQueue(client, url).send_all([{"number": number} for number in range(23)], group="acme")
    arrived: list[int] = []
    while letters := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        arrived += [json.loads(each["Body"])["number"] for each in letters]
    assert sorted(arrived) == [*range(23)]
    assert client.calls == 3
    sqs.delete_queue(QueueUrl=url)


def test_a_batch_that_was_taken_in_part_is_a_failure() -> None:
    with pytest.raises(QueueUnavailable, match="1 of 3 messages were not taken: InternalError"):
        FairQueue(HalfFull(), "url").send_all([{"number": n} for n in range(3)], group="acme")
