"""The deployed local stack, as the demo and the end-to-end tests drive it: through AWS's own interfaces only."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from local.background import PROJECT, Ledger
from local.cloud_assembly import OPERATOR_API_ID, REST_API_ID, STAND_INS, synthesise
from local.cloud_deploy import deploy
from local.cloud_server import CloudServer
from offpeak.aws.clock import SimulatedClock
from offpeak.aws.tables import Table
from offpeak.instants import format_instant
from ops.deployed import Deployed

KEPT = PROJECT / ".local"
"""Syntheses and packages that the next run can use again."""
QUEUES = ("pairing", "history", "replan", "plan", "send", "events", "webhooks")
"""In the order in which work flows through them."""


class NotDrained(Exception):
    """Messages are left in the queues; the text says how many in which."""


class CloudClock:
    """The clock that all functions of the local stack read. It shows real time until it is set."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._clock = SimulatedClock(path)
        self.set(datetime.now(UTC), speed=1)

    def now(self) -> datetime:
        return self._clock.now()

    def set(self, now: datetime, speed: float = 0) -> None:
        """Show `now`, and from there on `speed` simulated seconds per second; 0 stands still."""
        setting = {"now": format_instant(now), "set_at": format_instant(datetime.now(UTC)), "speed": speed}
        unfinished = self.path.with_suffix(".new")
        unfinished.write_text(json.dumps(setting))
        unfinished.replace(self.path)  # whoever reads meanwhile finds the old time or the new one

    def advance(self, by: timedelta) -> None:
        """Move a clock that stands still."""
        self.set(self.now() + by)


class Cloud:
    """A local stack that has been started and deployed.

    with Cloud.start(directory) as cloud:
        cloud.invoke("sweep_sessions")
    """

    def __init__(self, server: CloudServer) -> None:
        self.server = server
        self.client = server.client
        self.clock = CloudClock(server.directory / "clock.json")
        self.deployed = Deployed(server.client, "local")

    @classmethod
    def start(
        cls,
        directory: Path,
        *,
        price_feed_url: str = "http://127.0.0.1:9",
        port: int = 0,
        ends_with_us: bool = True,
        ledger: Ledger | None = None,
    ) -> Cloud:
        """Start an empty cloud in `directory`, with IAM enforced, and deploy the stack to it.

        `price_feed_url` has no slash at its end; nothing answers at the default. `ends_with_us` ends the cloud with
        this process, however that ends; else `ledger` knows how to. Raises ProgramDidNotStart, SynthesisFailed or
        DeploymentFailed.
        """
        assembly = synthesise(KEPT / "assemblies")
        cloud = cls(CloudServer.start(directory, port=port, ends_with_us=ends_with_us))
        if ledger:
            ledger.add(cloud.server.program)
        addresses = {
            "base_url": f"{cloud.server.url}/restapis/{REST_API_ID}/local/_user_request_",
            "operator_url": f"{cloud.server.url}/restapis/{OPERATOR_API_ID}/local/_user_request_",
            "price_feed_url": price_feed_url,
            "simulated_clock_file": str(cloud.clock.path),
        }
        try:
            deploy(
                assembly, cloud.client, {STAND_INS[name]: each for name, each in addresses.items()}, KEPT / "packages"
            )
        except BaseException:
            cloud.stop()
            raise
        return cloud

    @property
    def base_url(self) -> str:
        """Where Offpeak serves: /ocpi/versions and all the rest follow."""
        return self.deployed.base_url

    def invoke(self, function: str, event: object = None) -> Any:
        """Invoke a function (by its name in functions/) as a schedule would; raises FunctionFailed when it raises."""
        return self.deployed.call(function, {} if event is None else event)

    def table(self, name: str) -> Table:
        """Return a table by its name in the house: partners, sessions, profile_requests and so on."""
        logical_id = re.compile("".join(map(str.capitalize, name.split("_"))) + r"Table[0-9A-F]{8}")
        [physical_name] = [each for made_as, each in self._tables.items() if logical_id.fullmatch(made_as)]
        return Table(self.client("dynamodb"), physical_name)

    @cached_property
    def _tables(self) -> dict[str, str]:
        """The physical name of every table by its logical one."""
        pages = self.client("cloudformation").get_paginator("list_stack_resources")
        return {
            each["LogicalResourceId"]: each["PhysicalResourceId"]
            for page in pages.paginate(StackName="Offpeak-local-Data")
            for each in page["StackResourceSummaries"]
            if each["ResourceType"] == "AWS::DynamoDB::Table"
        }

    @cached_property
    def _keys(self) -> dict[str, list[str]]:
        """The names of the key's attributes by the physical name of each table."""
        tables = [self.client("dynamodb").describe_table(TableName=name)["Table"] for name in self._tables.values()]
        return {each["TableName"]: [key["AttributeName"] for key in each["KeySchema"]] for each in tables}

    def wait_until_drained(self, timeout_s: float = 10) -> None:
        """Return once no queue holds a message: none waiting, none being worked, none delayed. Raises NotDrained.

        One look could miss work that moves against the flow (a profile's result asks for a plan) between two queues;
        two in a row do not.
        """
        deadline = time.monotonic() + timeout_s
        quiet_looks = 0
        while quiet_looks < 2:
            # Looking costs the server as much as working a message does: one queue that is busy is enough to know.
            busy = next((name for name in QUEUES if self.messages_in(name)), None)
            quiet_looks = 0 if busy else quiet_looks + 1
            if time.monotonic() > deadline:
                held = {name: self.messages_in(name) for name in QUEUES}
                raise NotDrained(f"after {timeout_s} s the queues still hold {held}")
            time.sleep(0.05 if busy else 0.01)

    def messages_in(self, queue: str) -> int:
        """Return how many messages a queue holds, those included that are delayed or being worked."""
        answer = self.client("sqs").get_queue_attributes(QueueUrl=self.deployed.queue(queue), AttributeNames=["All"])
        return sum(int(value) for name, value in answer["Attributes"].items() if name in _HELD)

    def dead_letters(self, queue: str) -> list[Any]:
        """Return the bodies of a queue's dead letters (ten at most), and leave them there."""
        sqs, url = self.client("sqs"), self.deployed.dead_letters(queue)
        letters = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=30).get("Messages", [])
        for letter in letters:
            sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=letter["ReceiptHandle"], VisibilityTimeout=0)
        return [json.loads(letter["Body"]) for letter in letters]

    @contextmanager
    def retrying_quickly(self, queue: str, after_s: int = 1) -> Iterator[None]:
        """Let a failed message be tried again after a second, where the template says a minute or more."""
        sqs, url = self.client("sqs"), self.deployed.queue(queue)
        usual = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": str(after_s)})
        yield
        sqs.set_queue_attributes(QueueUrl=url, Attributes=usual)

    def logs(self, function: str) -> list[str]:
        """Return every line that a function has logged, oldest first."""
        configuration = self.client("lambda").get_function_configuration(FunctionName=self.deployed.function(function))
        group = configuration["LoggingConfig"]["LogGroup"]
        return [each["message"] for each in _events_in(self.client("logs"), group)]

    def limit_workers(self, at_once: int) -> None:
        """Let at most so many copies of a queue's function run, where AWS would start up to a hundred machines."""
        functions = self.client("lambda")
        for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
            if mapping["ScalingConfig"]["MaximumConcurrency"] > at_once:
                functions.update_event_source_mapping(
                    UUID=mapping["UUID"], ScalingConfig={"MaximumConcurrency": at_once}
                )

    def stop_schedules(self) -> None:
        """Let nothing happen by itself: who drives the stack invokes the functions behind the schedules."""
        scheduler = self.client("scheduler")
        for each in scheduler.list_schedules()["Schedules"]:
            schedule = scheduler.get_schedule(Name=each["Name"])
            kept = ("Name", "ScheduleExpression", "FlexibleTimeWindow", "Target")
            scheduler.update_schedule(**{key: schedule[key] for key in kept}, State="DISABLED")

    def clear(self) -> None:
        """Remove every row and every message, and show real time again.

        Warm functions remember for up to 30 s of real time: the authoriser lets in who showed a token C, and the
        functions that take sessions, results and sends know the partner's settings. Plans and credentials read anew.
        """
        sqs = self.client("sqs")
        for name in QUEUES:
            sqs.purge_queue(QueueUrl=self.deployed.queue(name))
            sqs.purge_queue(QueueUrl=self.deployed.dead_letters(name))
        for table, keys in self._keys.items():
            _empty(self.client("dynamodb"), table, keys)
        self.clock.set(datetime.now(UTC), speed=1)

    def stop(self) -> None:
        """End the cloud; nothing of it is kept."""
        self.server.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


_HELD = {
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
}


def _empty(dynamodb: Any, table: str, keys: Sequence[str]) -> None:
    names = {f"#{position}": key for position, key in enumerate(keys)}
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=table, ProjectionExpression=", ".join(names), ExpressionAttributeNames=names
    )
    rows = [row for page in pages for row in page["Items"]]
    for start in range(0, len(rows), 25):
        requests = [{"DeleteRequest": {"Key": row}} for row in rows[start : start + 25]]
        dynamodb.batch_write_item(RequestItems={table: requests})


def _events_in(client: Any, group: str) -> Iterator[Any]:
    """Yield all events of a log group, oldest first.

    An answer holds 10,000 of them, and the embedded cloud tells no next page: what follows is asked for by the time of
    the last, whose equals come first again. Stream by stream would take minutes, as each invocation has its own.
    """
    since, had = 0, 0
    while new := client.filter_log_events(logGroupName=group, startTime=since)["events"][had:]:
        yield from new
        last = new[-1]["timestamp"]
        had = (had if last == since else 0) + sum(each["timestamp"] == last for each in new)
        since = last
