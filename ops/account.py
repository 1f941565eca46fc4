"""Which account the operators' command works on: AWS as the environment says, or the embedded cloud."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import boto3

from ops.deployed import ClientFactory

RUNNING_CLOUD = Path(__file__).parent.parent / ".local" / "cloud.json"
"""Where the embedded cloud that runs in the background says how to reach it."""


class NoCloud(Exception):
    """There is nothing to work on; the text says what to do."""


def aws(endpoint_url: str | None = None) -> ClientFactory:
    """Return a factory of clients for the account, region and credentials that the environment names."""
    # boto3 itself looks at AWS_DEFAULT_REGION and the profile only; AWS's other tools know AWS_REGION too.
    session = boto3.Session(region_name=os.environ.get("AWS_REGION"))
    if session.region_name is None:
        raise NoCloud("No region: set AWS_REGION (and AWS_PROFILE or credentials), or use --local.")
    if session.get_credentials() is None:
        raise NoCloud("No credentials: set AWS_PROFILE, or log in with `aws sso login`, or use --local.")

    def client(service: str) -> Any:
        return session.client(service, endpoint_url=endpoint_url)

    return client


def embedded(running: Path = RUNNING_CLOUD) -> ClientFactory:
    """Return a factory of clients for the embedded cloud that `make up` has started."""
    try:
        cloud = json.loads(running.read_text())
    except FileNotFoundError:
        raise NoCloud("The embedded cloud is not running: start it with `make up`.") from None

    def client(service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=cloud["endpoint_url"],
            region_name=cloud["region"],
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - the embedded cloud knows its root user by it
        )

    return client
