"""The webhooks table, its lanes and their deliveries: {tenant}#{webhook}/LANE, /WAITING#{place} and /SETTLED#{place}.

Who works a lane holds its lease, so that a receiver is sent one delivery at a time. Who adds to it counts `wanted` up:
a holder who saw less than that has not seen all, and does not let the lane fall asleep. Who resumes it counts `resumes`
up: a holder who saw fewer does not have it wait, or pause it, for a try from before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from offpeak.aws.tables import Delete, Put, Table, Update, Write, counts
from offpeak.errors import ConcurrentChange
from offpeak.instants import format_instant
from offpeak.webhooks.lane import LOOKED_AFTER_WITHIN, Lane, resumed
from offpeak.webhooks.model import Delivery, DeliveryState, WebhookKey
from offpeak.webhooks.rows import (
    PAUSED,
    delivery_from,
    delivery_row,
    key_from,
    lane_attributes,
    lane_from,
    lane_key,
    shard_of,
)

LEASE = timedelta(seconds=60)
"""Longer than the function that delivers may live."""
LEASED = ("lease_id", "lease_until")


class LaneStore:
    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, key: WebhookKey) -> Lane | None:
        row = self._table.get(lane_key(key))
        return lane_from(row) if row else None

    def wake(self, key: WebhookKey, now: datetime) -> Lane | None:
        """Count that something came to wait, and return the lane as it is then; None where it is paused or gone."""
        try:
            row = self._table.change(
                Update(
                    lane_key(key),
                    "SET wanted = wanted + :one, due_at = if_not_exists(due_at, :due), "
                    "due_shard = if_not_exists(due_shard, :shard)",
                    "attribute_exists(pk) AND attribute_not_exists(paused_at)",
                    {":one": 1, ":due": format_instant(now + LOOKED_AFTER_WITHIN), ":shard": shard_of(key)},
                )
            )
        except ConcurrentChange:
            return None
        return lane_from(row)

    def take(self, key: WebhookKey, lease_id: str, real_now: datetime) -> Lane | None:
        """Take the lease of a lane, and return the lane; None where somebody has it, or the lane is gone."""
        try:
            row = self._table.change(
                Update(
                    lane_key(key),
                    "SET lease_id = :lease, lease_until = :until",
                    "attribute_exists(pk) AND (attribute_not_exists(lease_until) OR lease_until <= :now)",
                    {
                        ":lease": lease_id,
                        ":until": format_instant(real_now + LEASE),
                        ":now": format_instant(real_now),
                    },
                )
            )
        except ConcurrentChange:
            return None
        return lane_from(row)

    def let_go(self, key: WebhookKey, lease_id: str, lane: Lane) -> bool:
        """Give the lease back and write what the lane has become; its counts are what was seen when it was taken.

        Returns False where there is more to do: a lane that would fall asleep (no `due_at`) did not, because more came
        meanwhile, or one that would wait or be paused does not, because somebody resumed it. Raises ConcurrentChange
        where the lease was lost.
        """
        attributes, sleeps = lane_attributes(key, lane), lane.due_at is None and not lane.is_paused
        counted, seen = ("wanted", lane.wanted) if sleeps else ("resumes", lane.resumes)
        held, holder = "lease_id = :lease", {":lease": lease_id}
        unchanged = f"{held} AND {counts(counted, ':seen', seen)}"
        try:
            self._table.write(_update(key, attributes, unchanged, {**holder, ":seen": seen}, removes=LEASED))
        except ConcurrentChange:
            stays = {name: value for name, value in attributes.items() if sleeps and not name.startswith("due_")}
            self._table.write(_update(key, stays, held, holder, removes=LEASED))
            return False
        return True

    def resume(self, key: WebhookKey, now: datetime) -> None:
        """Let a lane go on at once, whether it is paused or waits for its next try. Raises ConcurrentChange where it
        is gone."""
        lane = resumed(now)
        counted = ("wanted = wanted + :one", "resumes = if_not_exists(resumes, :none) + :one")
        values = lane_attributes(key, lane)
        self._table.write(_update(key, values, "attribute_exists(pk)", {":none": 0, ":one": 1}, sets=counted))

    def due(self, shard: int, now: datetime, limit: int) -> list[WebhookKey]:
        """Return lanes of a shard that must be looked at by now, those that have waited longest first."""
        rows = self._table.query(
            "due_shard = :shard AND due_at <= :now",
            {":shard": str(shard), ":now": format_instant(now)},
            index="by_due",
            limit=limit,
        )
        return [key_from(row) for row in rows]

    def paused(self, limit: int) -> list[tuple[WebhookKey, Lane]]:
        """Return paused lanes of all tenants, those that have been so longest first."""
        rows = self._table.query("due_shard = :paused", {":paused": PAUSED}, index="by_due", limit=limit)
        return [(key_from(row), lane_from(row)) for row in rows]

    def delivery_put(self, delivery: Delivery) -> tuple[Table, Write]:
        """Return the write of a delivery that waits, for the transaction that publishes its event."""
        return self._table, Put(delivery_row(delivery))

    def keep(self, delivery: Delivery) -> None:
        """Write a delivery as it is now. Its row is another one while it waits than when it is settled; the one that
        it no longer has goes last, so that a delivery is rather sent twice than not at all."""
        self._table.write(Put(delivery_row(delivery)))
        was = "SETTLED" if delivery.state is DeliveryState.WAITING else "WAITING"
        self._table.write(Delete({"pk": delivery.key.text, "sk": f"{was}#{delivery.place}"}))

    def waiting(self, key: WebhookKey, limit: int) -> list[Delivery]:
        """Return what is to be delivered next, in order."""
        rows = self._table.query(
            "pk = :pk AND begins_with(sk, :waiting)", {":pk": key.text, ":waiting": "WAITING#"}, limit=limit
        )
        return [delivery_from(row) for row in rows]

    def page(self, key: WebhookKey, before: str | None, limit: int) -> tuple[list[Delivery], str | None]:
        """Return a page of deliveries, those that wait before those that are settled, the newest first, and where the
        next page starts, None after the last."""
        rows = list(
            self._table.query(
                "pk = :pk AND sk BETWEEN :first AND :last",
                {":pk": key.text, ":first": "SETTLED#", ":last": before or "WAITING#~"},
                newest_first=True,
                limit=limit + 2,
            )
        )
        rows = [row for row in rows if row["sk"] != before]
        more = rows[limit - 1]["sk"] if len(rows) > limit else None
        return [delivery_from(row) for row in rows[:limit]], more

    def settled(self, key: WebhookKey, since: datetime, until: datetime, limit: int) -> list[Delivery]:
        """Return what was published from `since` until before `until` and is settled, in order."""
        rows = self._table.query(
            "pk = :pk AND sk BETWEEN :since AND :until",
            {
                ":pk": key.text,
                ":since": f"SETTLED#{format_instant(since)}",
                ":until": f"SETTLED#{format_instant(until)}",
            },
            limit=limit,
        )
        return [delivery_from(row) for row in rows]


def _update(
    key: WebhookKey,
    attributes: Mapping[str, Any],
    condition: str,
    values: Mapping[str, Any],
    *,
    sets: Sequence[str] = (),
    removes: Sequence[str] = (),
) -> Update:
    """An update that sets attributes, and removes those that are None; `sets` and `removes` are parts of its own."""
    given = {name: value for name, value in attributes.items() if value is not None}
    gone = [*(name for name, value in attributes.items() if value is None), *removes]
    said = {"SET": [*(f"{name} = :{name}" for name in given), *sets], "REMOVE": gone}
    update = " ".join(f"{verb} {', '.join(parts)}" for verb, parts in said.items() if parts)
    return Update(lane_key(key), update, condition, {**values, **{f":{name}": each for name, each in given.items()}})
