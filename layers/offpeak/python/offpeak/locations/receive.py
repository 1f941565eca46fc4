"""What happens when a partner tells us about a Location, an EVSE or a connector."""

from __future__ import annotations

import json

from offpeak.errors import ConcurrentChange, InvalidMessage, UnknownLocation
from offpeak.locations.model import Address
from offpeak.locations.parse import LocationPush
from offpeak.locations.store import LocationStore
from offpeak.ocpi.merging import UNTOLD, Merged, Outcome, merge, outcome_of
from offpeak.telemetry import count, logger

MOST_TRIES = 8

LARGEST_OBJECT = 96 * 1024
"""Characters of a Location without its EVSEs, and of an EVSE with its connectors: each is a row of at most 400 KB."""


def receive_location(told: LocationPush, address: Address, store: LocationStore, *, strict: bool) -> Outcome:
    """Merge one message into its Location, and store what changed.

    An EVSE whose Location is not known yet is kept: sessions need no Location to find it. A strict partner is told that
    it comes too early (OCPI 2003). Raises ConcurrentChange when other writers were faster every time, InvalidMessage
    for an object that is too large.
    """
    for _ in range(MOST_TRIES):
        stored = store.load_for(address)
        if strict and address.path and not stored.merged.is_known:
            raise UnknownLocation("location_id", f"{address.location.location_id} is not known; PUT the Location first")
        after = merge(stored.merged, told.push)
        _check_sizes(after)
        outcome = outcome_of(object_at(stored.merged, address), object_at(after, address))
        try:
            store.save(address.location, stored, after)
        except ConcurrentChange:
            continue
        _report(told, address, outcome)
        return outcome
    raise ConcurrentChange(f"location {address.location.location_id} is being written by too many at once")


def object_at(merged: Merged, address: Address) -> Merged:
    """Return the object that an address names, in a Location's tree; what was never told of is UNTOLD."""
    for part_id in address.path:
        merged = merged.parts.get(part_id, UNTOLD)
    return merged


def _check_sizes(location: Merged) -> None:
    for field, merged in (("body", Merged(None, location.fields)), *location.parts.items()):
        if _size(merged) > LARGEST_OBJECT:
            where = field if field == "body" else f"evses.{field}"
            raise InvalidMessage(where, f"would have more than {LARGEST_OBJECT} characters")


def _size(merged: Merged) -> int:
    own = sum(len(json.dumps(each.value, default=str)) for each in merged.fields.values())
    return own + sum(_size(part) for part in merged.parts.values())


def _report(told: LocationPush, address: Address, outcome: Outcome) -> None:
    logger.info(
        "location_message_received",
        partner_id=address.location.partner_id,
        location_id=address.location.location_id,
        evse_uid=address.evse_uid,
        connector_id=address.connector_id,
        outcome=outcome.value,
        evses=len(told.push.parts),
        filled=list(told.filled),
        renamed=list(told.renamed),
    )
    count("LocationMessagesReceived")
    if told.filled or told.renamed:
        count("LocationMessagesMended")
