"""DynamoDB tables as plain dicts: typed attributes and botocore's errors stay in here.

Numbers are int or Decimal on the way in (no float: DynamoDB keeps 38 digits) and Decimal on the way out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from offpeak.errors import ConcurrentChange

type_serializer, type_deserializer = TypeSerializer(), TypeDeserializer()

LARGEST_TRANSACTION = 100
"""Writes and checks."""

Item = dict[str, Any]
Key = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Put:
    """A whole item, written when `condition` (a condition expression) holds."""

    item: Mapping[str, Any]
    condition: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    def request(self, table_name: str) -> dict[str, Any]:
        return {"TableName": table_name, "Item": _serialise(self.item), **_options(self)}


@dataclass(frozen=True, slots=True)
class Update:
    """An update expression on one item, applied when `condition` holds."""

    key: Key
    update: str
    condition: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    def request(self, table_name: str) -> dict[str, Any]:
        return {"TableName": table_name, "Key": _serialise(self.key), "UpdateExpression": self.update, **_options(self)}


@dataclass(frozen=True, slots=True)
class Delete:
    """One item to remove, when `condition` holds."""

    key: Key
    condition: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    def request(self, table_name: str) -> dict[str, Any]:
        return {"TableName": table_name, "Key": _serialise(self.key), **_options(self)}


@dataclass(frozen=True, slots=True)
class ConditionCheck:
    """What must hold of one item for the rest of a transaction to be done; it changes nothing, and stands in
    transactions only."""

    key: Key
    condition: str
    values: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    def request(self, table_name: str) -> dict[str, Any]:
        return {"TableName": table_name, "Key": _serialise(self.key), **_options(self)}


Write = Put | Update | Delete
Part = Write | ConditionCheck
"""A part of a transaction."""


def counts(name: str, value: str, seen: int) -> str:
    """Return the condition that an attribute is the count that was `seen`, which is bound to `value`. A row from before
    it was counted does not have it, and counts as 0."""
    same = f"{name} = {value}"
    return same if seen else f"(attribute_not_exists({name}) OR {same})"


class Table:
    """One DynamoDB table. Every failed condition is a ConcurrentChange."""

    def __init__(self, client: BaseClient, name: str) -> None:
        self._client: Any = client
        self.name = name

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        """Return the item at `key`, or None."""
        answer = self._client.get_item(TableName=self.name, Key=_serialise(key), ConsistentRead=consistent)
        return _deserialise(answer["Item"]) if "Item" in answer else None

    def query(
        self,
        condition: str,
        values: Mapping[str, Any],
        *,
        index: str | None = None,
        limit: int | None = None,
        newest_first: bool = False,
        names: Mapping[str, str] | None = None,
    ) -> Iterator[Item]:
        """Yield the items that meet a key condition, in sort-key order, page by page, at most `limit`.

        Reads of the table itself are strongly consistent; an index is eventually consistent, always.
        """
        request: dict[str, Any] = {
            "TableName": self.name,
            "KeyConditionExpression": condition,
            "ScanIndexForward": not newest_first,
            **({"IndexName": index} if index else {"ConsistentRead": True}),
            **_bindings(values, names or {}),
        }
        left = limit
        while True:
            if left is not None:
                request["Limit"] = left
            page = self._client.query(**request)
            for item in page["Items"]:
                yield _deserialise(item)
            if left is not None:
                left -= len(page["Items"])
            if "LastEvaluatedKey" not in page or left == 0:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def write(self, write: Write) -> None:
        """Carry out one conditional write. Raises ConcurrentChange when its condition does not hold."""
        call = {Put: self._client.put_item, Update: self._client.update_item, Delete: self._client.delete_item}
        self._call(call[type(write)], write)

    def change(self, update: Update) -> Item:
        """Carry out one conditional update and return the item as it is then. Raises ConcurrentChange."""
        answer = self._call(self._client.update_item, update, ReturnValues="ALL_NEW")
        return _deserialise(answer["Attributes"])

    def _call(self, call: Callable[..., Any], write: Write, **options: str) -> Any:
        attempt = 0
        while True:
            try:
                return call(**write.request(self.name), **options)
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code == "ConditionalCheckFailedException":
                    raise ConcurrentChange(f"{self.name}: {write.condition}") from error
                if code != "TransactionConflictException" or attempt == 5:
                    raise
                # A transaction is at this item just now; that says nothing about the condition.
                time.sleep(0.02 * 2**attempt)
                attempt += 1


Also = Sequence[tuple[Table, Part]]
"""Parts about other rows that belong to a change: they are done in the same transaction, or not at all."""


def write_together(writes: Sequence[tuple[Table, Part]]) -> None:
    """Carry out up to LARGEST_TRANSACTION conditional writes as one transaction: all of them or none.

    Raises ConcurrentChange when a condition does not hold or another transaction is at the same items.
    """
    client = writes[0][0]._client
    items = [{type(write).__name__: write.request(table.name)} for table, write in writes]
    for attempt in range(5):
        try:
            client.transact_write_items(TransactItems=items)
        except client.exceptions.TransactionCanceledException as error:
            codes = {reason["Code"] for reason in error.response.get("CancellationReasons", [])}
            if "ConditionalCheckFailed" in codes:
                raise ConcurrentChange(f"transaction cancelled: {sorted(codes)}") from error
            if "TransactionConflict" not in codes:
                raise
            # Two transactions met at one item; DynamoDB cancels one of them at once, so a short wait settles it.
            time.sleep(0.02 * 2**attempt)
        else:
            return
    raise ConcurrentChange("transaction conflict persists")


def _serialise(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: type_serializer.serialize(value) for name, value in item.items() if value is not None}


def _deserialise(item: Mapping[str, Any]) -> Item:
    return {name: type_deserializer.deserialize(value) for name, value in item.items()}


def _options(write: Part) -> dict[str, Any]:
    condition = {"ConditionExpression": write.condition} if write.condition else {}
    return {**condition, **_bindings(write.values, write.names)}


def _bindings(values: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    bindings: dict[str, Any] = {}
    if values:
        bindings["ExpressionAttributeValues"] = {
            name: type_serializer.serialize(value) for name, value in values.items()
        }
    if names:
        bindings["ExpressionAttributeNames"] = dict(names)
    return bindings
