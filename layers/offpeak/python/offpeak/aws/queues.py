"""SQS queues: JSON messages out; the workers get theirs from Lambda."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError, ClientError

from offpeak.errors import QueueUnavailable


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


def _send(client: Any, url: str, message: Mapping[str, Any], **attributes: Any) -> None:
    try:
        client.send_message(QueueUrl=url, MessageBody=json.dumps(message), **attributes)
    except (BotoCoreError, ClientError) as error:
        raise QueueUnavailable(str(error)) from error
