"""What the deployed functions used, by the embedded cloud's own records: invocations, AWS calls, capacity, logs."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from math import ceil
from typing import Any

import httpx

from tests.bench.stand import Stand

FUNCTIONS = (
    "authorise",
    "ocpi_sessions",
    "ocpi_chargingprofiles",
    "plan_sessions",
    "send_profiles",
    "replan_sessions",
    "want_plans",
)
"""All that a session's life needs."""

READS = ("GetItem", "Query")
WRITES = ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems")
CALLS = (*READS, *WRITES, "SendMessage", "SendMessageBatch", "Encrypt", "Decrypt")
MOST_FOUND = 50
"""What CloudTrail gives at once."""
ROOT = "test"
"""The access key of this process; the functions have keys of their roles."""

REPORT = re.compile(r"^REPORT .*?Duration: (\d+) ms\t.*?Memory Size: (\d+) MB")
LOG_OVERHEAD = 26
"""Bytes that CloudWatch Logs adds to each event."""


@dataclass
class Usage:
    """Sums. `gb_s` is billed duration times memory; `read_units` and `write_units` are DynamoDB's request units."""

    invocations: Counter[str] = field(default_factory=Counter)
    duration_ms: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    gb_s: float = 0.0
    log_bytes: float = 0.0
    read_units: float = 0.0
    write_units: float = 0.0
    fifo_messages: float = 0.0
    fair_messages: float = 0.0

    @property
    def api_requests(self) -> float:
        return self.invocations["authorise"]


def combined(parts: Iterable[tuple[float, Usage]]) -> Usage:
    """Return the sum of so many times each."""
    whole = Usage()
    for times, part in parts:
        for each in fields(Usage):
            value = getattr(part, each.name)
            if isinstance(value, Counter):
                for name, amount in value.items():
                    getattr(whole, each.name)[name] += times * amount
            else:
                setattr(whole, each.name, getattr(whole, each.name) + times * value)
    return whole


def beyond(less: Usage, more: Usage) -> Usage:
    """Return what `more` has over `less`; what only noise made smaller counts as equal."""
    over = combined([(1, more), (-1, less)])
    for each in fields(Usage):
        value = getattr(over, each.name)
        setattr(over, each.name, +value if isinstance(value, Counter) else max(0.0, value))
    return over


class Meter:
    """Counts what the functions of a running stack use between two looks."""

    def __init__(self, stand: Stand) -> None:
        self._stand = stand
        self._client = stand.cloud.client
        self._seen: set[str] = set()
        self._lines: Counter[str] = Counter()
        switch = {"cloudtrail._recording_enabled": True}
        httpx.post(f"{stand.cloud.server.url}/_ministack/config", json=switch, trust_env=False).raise_for_status()
        self.look()

    def of(self, work: Callable[[], object]) -> Usage:
        """Do the work, wait until nothing is left to be done, and return what was used for it."""
        work()
        self._stand.cloud.wait_until_drained(60)
        return self.look()

    def look(self) -> Usage:
        """Return what was used since the last look."""
        usage = Usage()
        for function in FUNCTIONS:
            self._add_invocations(usage, function)
        for name, request in self._new_calls():
            usage.calls[name] += 1
            if name in READS:
                usage.read_units += self._read_units(name, request)
            elif name in WRITES:
                usage.write_units += self._write_units(name, request)
            elif name in ("SendMessage", "SendMessageBatch"):
                messages = len(request["Entries"]) if name == "SendMessageBatch" else 1
                is_fifo = request["QueueUrl"].endswith(".fifo")
                usage.fifo_messages += messages * is_fifo
                usage.fair_messages += messages * (not is_fifo)
        return usage

    def _add_invocations(self, usage: Usage, function: str) -> None:
        lines = self._stand.cloud.logs(function)
        for line in lines[self._lines[function] :]:
            usage.log_bytes += len(line.encode()) + LOG_OVERHEAD
            if report := REPORT.match(line):
                took_ms, memory_mb = map(int, report.groups())
                usage.invocations[function] += 1
                usage.duration_ms[function] += took_ms
                usage.gb_s += took_ms / 1000 * memory_mb / 1024
        self._lines[function] = len(lines)

    def _new_calls(self) -> Iterator[tuple[str, Any]]:
        """Yield the functions' calls that were not seen before; looks must be so close that each name has few."""
        for name in CALLS:
            wanted = {"AttributeKey": "EventName", "AttributeValue": name}
            events = self._client("cloudtrail").lookup_events(LookupAttributes=[wanted])["Events"]
            new = [each for each in events if each["EventId"] not in self._seen]
            assert len(new) < MOST_FOUND or not self._seen, f"too many calls of {name} between two looks"
            self._seen |= {each["EventId"] for each in new}
            for each in new:
                if each["AccessKeyId"] != ROOT:
                    yield name, json.loads(each["CloudTrailEvent"])["requestParameters"]

    def _read_units(self, name: str, request: Mapping[str, Any]) -> float:
        """Read the same once more, and let the table say what that takes."""
        dynamodb = self._client("dynamodb")
        call = {"GetItem": dynamodb.get_item, "Query": dynamodb.query}[name]
        return float(call(**request, ReturnConsumedCapacity="TOTAL")["ConsumedCapacity"]["CapacityUnits"])

    def _write_units(self, name: str, request: Mapping[str, Any]) -> float:
        if name != "TransactWriteItems":
            return self._item_units(request)
        return 2 * sum(self._item_units(write) for each in request["TransactItems"] for write in each.values())

    def _item_units(self, write: Mapping[str, Any]) -> float:
        """A unit for each KB of the row and of its entry in each index that it stands in. That is at most what DynamoDB
        counts: it leaves out the indexes that a write does not touch."""
        keys, indexes = self._keys_of[write["TableName"]]
        given = write.get("Key") or write["Item"]
        key = {name: given[name] for name in keys}
        answer = self._client("dynamodb").get_item(TableName=write["TableName"], Key=key, ConsistentRead=True)
        item = answer.get("Item", given)
        entries = [item, *(_projected(item, index, keys) for index in indexes if _stands_in(item, index))]
        return sum(ceil(size_of(each) / 1024) for each in entries)

    @cached_property
    def _keys_of(self) -> dict[str, tuple[list[str], list[Any]]]:
        dynamodb = self._client("dynamodb")
        tables = [dynamodb.describe_table(TableName=name)["Table"] for name in dynamodb.list_tables()["TableNames"]]
        return {each["TableName"]: (_names(each), each.get("GlobalSecondaryIndexes", [])) for each in tables}


def size_of(item: Mapping[str, Any]) -> int:
    """Return about how many bytes DynamoDB counts for an item in its wire form."""
    return sum(len(name) + _size_of_value(value) for name, value in item.items())


def _size_of_value(value: Mapping[str, Any]) -> int:
    [(kind, content)] = value.items()
    if kind == "M":
        return 3 + sum(1 + len(name) + _size_of_value(each) for name, each in content.items())
    if kind == "L":
        return 3 + sum(1 + _size_of_value(each) for each in content)
    if kind == "N":
        return len(content) // 2 + 1
    return len(content.encode()) if kind == "S" else 1


def _names(keyed: Mapping[str, Any]) -> list[str]:
    return [each["AttributeName"] for each in keyed["KeySchema"]]


def _stands_in(item: Mapping[str, Any], index: Mapping[str, Any]) -> bool:
    return all(name in item for name in _names(index))


def _projected(item: Mapping[str, Any], index: Mapping[str, Any], keys: list[str]) -> Mapping[str, Any]:
    projection = index["Projection"]
    if projection["ProjectionType"] == "ALL":
        return item
    kept = {*keys, *_names(index), *projection.get("NonKeyAttributes", [])}
    return {name: value for name, value in item.items() if name in kept}
