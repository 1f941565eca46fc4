"""The functions of the empty chain: each passes its message on and does nothing else.

This file is deployed as it is, on the layers of Offpeak's own functions.
"""

from __future__ import annotations

import json
import os
import time
from functools import cache
from typing import Any

import boto3
import httpcore

Event = dict[str, Any]


@cache
def sqs() -> Any:
    return boto3.client("sqs")


@cache
def pool() -> httpcore.ConnectionPool:
    return httpcore.ConnectionPool(max_connections=20, keepalive_expiry=4.0)


def authorise(event: Event, _context: object) -> Event:
    """Let everybody in."""
    statement = {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": event["methodArn"].split("/")[0] + "/*"}
    return {"principalId": "anybody", "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}}


def receive(event: Event, _context: object) -> Event:
    """From the API to the FIFO queue, in a message group of its own."""
    received_at = time.time()
    message = {**json.loads(event["body"]), "received_at": received_at}
    sqs().send_message(
        QueueUrl=os.environ["FIRST_QUEUE_URL"],
        MessageBody=json.dumps(message),
        MessageGroupId=message["id"],
        MessageDeduplicationId=message["id"],
    )
    return {"statusCode": 200, "body": "{}"}


def plan(event: Event, _context: object) -> None:
    """From the FIFO queue to the standard one."""
    for record in event["Records"]:
        message = {**json.loads(record["body"]), "planned_at": time.time()}
        sqs().send_message(
            QueueUrl=os.environ["SECOND_QUEUE_URL"], MessageBody=json.dumps(message), MessageGroupId="one"
        )


def send(event: Event, _context: object) -> None:
    """From the standard queue to a server outside."""
    for record in event["Records"]:
        message = {**json.loads(record["body"]), "sent_at": time.time()}
        pool().request(
            "PUT",
            message["url"],
            headers={"Content-Type": "application/json"},
            content=json.dumps(message).encode(),
        )


def confirm(_event: Event, _context: object) -> Event:
    """Where that server's result comes in."""
    return {"statusCode": 200, "body": json.dumps({"confirmed_at": time.time()})}
