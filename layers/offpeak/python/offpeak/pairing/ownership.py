"""The evse_ownership table: who has an EVSE, across all tenants, and what CPOs have yet to acknowledge.

One row an EVSE, {partner}#{uid}/EVSE, and one a charging station, {partner}#{uid}/STATION; and one an un-pairing until
its CPO has acknowledged it, UNPAIRING#{id}/UNPAIRING, which the index `by_due` finds by when it is to be told next.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from offpeak.aws.tables import Delete, Put, Table, Write, write_together
from offpeak.instants import format_instant
from offpeak.pairing.model import ChargerKey, Claimed, Held, Ownership, PairedStation, Unpairing
from offpeak.pairing.rows import (
    SHARDS,
    ownership_from,
    ownership_key,
    ownership_row,
    unpairing_from,
    unpairing_key,
    unpairing_row,
    unpairing_shard,
)


class OwnershipStore:
    def __init__(self, table: Table) -> None:
        self._table = table

    def of(self, partner_id: str, evse_uid: str) -> Ownership | None:
        """Return who has an EVSE now, or had it (a tombstone); None where nobody ever paired it."""
        return self.held(partner_id, Claimed(evse_uid))

    def held(self, partner_id: str, claimed: Claimed) -> Ownership | None:
        """The same for an EVSE or a station."""
        row = self._table.get(ownership_key(partner_id, claimed))
        return ownership_from(row) if row else None

    def all_held(self, partner_id: str, claims: Sequence[Claimed]) -> list[Ownership | None]:
        return [self.held(partner_id, each) for each in claims]

    def owning(
        self,
        station: PairedStation,
        owner: ChargerKey,
        claim_id: str,
        before: Sequence[Ownership | None],
        *,
        since: datetime,
    ) -> list[tuple[Table, Write]]:
        """Return the writes that give a station with all of its EVSEs to `owner`, on condition that each is still as
        in `before`, in the order of `station.claims`: nobody's. None of them is of any use without the others."""
        return [
            self._put(
                Ownership(
                    partner_id=station.partner_id,
                    claimed=claimed,
                    held=Held.OWNED,
                    owner=owner,
                    claim_id=claim_id,
                    since=since,
                    released_at=seen.released_at if seen else None,
                    version=(seen.version if seen else 0) + 1,
                ),
            )
            for claimed, seen in zip(station.claims, before, strict=True)
        ]

    def releasing(
        self, owned: Sequence[Ownership], unpairing_id: str | None, *, at: datetime
    ) -> list[tuple[Table, Write]]:
        """Return the writes that make tombstones of what somebody owns, on condition that he still does."""
        return [
            self._put(
                replace(
                    each,
                    held=Held.RELEASED,
                    owner=None,
                    since=at,
                    released_at=at,
                    unpairing_id=unpairing_id,
                    told_at=None,
                    version=each.version + 1,
                )
            )
            for each in owned
        ]

    def unpairing(self, unpairing_id: str) -> Unpairing | None:
        row = self._table.get(unpairing_key(unpairing_id))
        return unpairing_from(row) if row else None

    def unpairings_of(self, found: Sequence[Ownership | None]) -> list[Unpairing]:
        """Return what CPOs have not acknowledged yet of those EVSEs."""
        ids = dict.fromkeys(each.unpairing_id for each in found if each and each.unpairing_id)
        return [each for each in map(self.unpairing, ids) if each]

    def unpairing_put(self, unpairing: Unpairing) -> tuple[Table, Write]:
        """Return the write of a new un-pairing, for the transaction that makes its tombstones."""
        return self._table, self._unpairing_write(unpairing)

    def unpairing_dropped(self, unpairing: Unpairing) -> tuple[Table, Write]:
        """Return the write that takes back an un-pairing, as it was seen, because its EVSE is paired anew."""
        return self._table, Delete(
            unpairing_key(unpairing.unpairing_id), "revision = :seen", {":seen": unpairing.revision}
        )

    def save_unpairing(self, unpairing: Unpairing) -> Unpairing:
        """Write what follows `unpairing.revision`; return it as saved. Raises ConcurrentChange."""
        saved = replace(unpairing, revision=unpairing.revision + 1)
        self._table.write(self._unpairing_write(saved))
        return saved

    def acknowledged(self, unpairing: Unpairing, told: Sequence[Ownership], *, at: datetime) -> None:
        """Take an un-pairing away that its CPO has acknowledged, and tell that in its tombstones. Raises
        ConcurrentChange."""
        marks = [
            self._put(replace(each, unpairing_id=None, told_at=at, version=each.version + 1))
            for each in told
            if each.unpairing_id == unpairing.unpairing_id
        ]
        write_together([self.unpairing_dropped(unpairing), *marks])

    def drop(self, unpairing: Unpairing) -> None:
        """Take an un-pairing away as it was seen: nobody is to hear of it any more. Raises ConcurrentChange."""
        self._table.write(self.unpairing_dropped(unpairing)[1])

    def due(self, shard: int, until: datetime, limit: int) -> Iterator[str]:
        """Yield ids of up to `limit` un-pairings of a shard that are to be told by then, those that wait longest
        first."""
        rows = self._table.query(
            "due_shard = :shard AND due_at <= :until",
            {":shard": str(shard), ":until": format_instant(until)},
            index="by_due",
            limit=limit,
        )
        for row in rows:
            yield row["pk"].removeprefix("UNPAIRING#")

    def waiting(self, limit: int, partner_id: str | None = None) -> list[Unpairing]:
        """Return up to `limit` un-pairings of a partner, or of all, that are not acknowledged, by when they are due."""
        shards = [unpairing_shard(partner_id)] if partner_id else [str(each) for each in range(SHARDS)]
        found: list[Unpairing] = []
        for shard in shards:
            for row in self._table.query("due_shard = :shard", {":shard": shard}, index="by_due"):
                waits = self.unpairing(row["pk"].removeprefix("UNPAIRING#"))
                if waits is not None and partner_id in (None, waits.partner_id):
                    found.append(waits)
                if len(found) >= limit:
                    return found
        return found

    def _put(self, ownership: Ownership) -> tuple[Table, Write]:
        seen = ownership.version - 1
        return self._table, (
            Put(ownership_row(ownership), "#version = :seen", {":seen": seen}, {"#version": "version"})
            if seen
            else Put(ownership_row(ownership), "attribute_not_exists(pk)")
        )

    def _unpairing_write(self, saved: Unpairing) -> Write:
        seen = saved.revision - 1
        row = unpairing_row(saved)
        return Put(row, "revision = :seen", {":seen": seen}) if seen else Put(row, "attribute_not_exists(pk)")
