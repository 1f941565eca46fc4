"""SQS queues: JSON messages out; the workers get theirs from Lambda."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError, ClientError

from offpeak.errors import QueueUnavailable

LARGEST_BATCH = 10
"""Messages that SQS takes in one call."""


class FifoQueue:
    """A FIFO queue: in order within a group; a deduplication id is remembered for five minutes."""

    def __init__(self, client: BaseClient, url: str) -> None:
        self._client: Any = client
        self._url = url

    def send(self, message: Mapping[str, Any], *, group: str, deduplication_id: str) -> None:
        """Send one JSON message. `group` and `deduplication_id`: at most 128 printable characters.

        Raises QueueUnavailable.
        """
        _send(self._client, self._url, message, MessageGroupId=group, MessageDeduplicationId=deduplication_id)


class FairQueue:
    """A standard queue that serves its message groups fairly: a noisy group does not delay the quiet ones."""

    def __init__(self, client: BaseClient, url: str) -> None:
        self._client: Any = client
        self._url = url

    def send(self, message: Mapping[str, Any], *, group: str, delay_s: int = 0) -> None:
        """Send one JSON message for `group`, visible after `delay_s` seconds (0 to 900). Raises QueueUnavailable."""
        _send(self._client, self._url, message, MessageGroupId=group, DelaySeconds=min(delay_s, 900))

    def send_all(self, messages: Sequence[Mapping[str, Any]], *, group: str) -> None:
        """Send JSON messages for `group` in as few calls as SQS allows.

        Raises QueueUnavailable when one of them could not be sent; others may be on their way.
        """
        for first in range(0, len(messages), LARGEST_BATCH):
            _send_batch(self._client, self._url, messages[first : first + LARGEST_BATCH], group)


def _send(client: Any, url: str, message: Mapping[str, Any], **attributes: Any) -> None:
    try:
        client.send_message(QueueUrl=url, MessageBody=json.dumps(message), **attributes)
    except (BotoCoreError, ClientError) as error:
        raise QueueUnavailable(str(error)) from error


def _send_batch(client: Any, url: str, messages: Sequence[Mapping[str, Any]], group: str) -> None:
    entries = [
        {"Id": str(number), "MessageBody": json.dumps(message), "MessageGroupId": group}
        for number, message in enumerate(messages)
    ]
    try:
        failed = client.send_message_batch(QueueUrl=url, Entries=entries).get("Failed", [])
    except (BotoCoreError, ClientError) as error:
        raise QueueUnavailable(str(error)) from error
    if failed:
        codes = sorted({each["Code"] for each in failed})
        raise QueueUnavailable(f"{len(failed)} of {len(entries)} messages were not taken: {', '.join(codes)}")
