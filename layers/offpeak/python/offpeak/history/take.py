"""Merge a page of listed objects, each as if it had been pushed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from offpeak.errors import InvalidMessage
from offpeak.history.listed import Listed, ListedObject, name_of, object_in
from offpeak.history.model import Refusal, Taken, Tally
from offpeak.ocpi.merging import Outcome
from offpeak.ocpi.paging import newest
from offpeak.ocpi.wire_json import JsonValue
from offpeak.partners.model import Partner, Party
from offpeak.telemetry import logger


class Reader(Protocol):
    """Knows the objects of one module."""

    def read(self, item: ListedObject, partner: Partner, now: datetime) -> Listed:
        """Read one object; `now` is the time sessions live in. Raises InvalidMessage for one that cannot be taken."""


def take_page(
    items: Iterable[JsonValue | InvalidMessage],
    partner: Partner,
    party: Party,
    reader: Reader,
    now: datetime,
) -> Taken:
    """Merge the objects of a page of `party`'s list; what cannot be taken is reported and spoils nothing (T10).

    Raises ConcurrentChange when an object is being written by too many at once: the page comes again.
    """
    read: list[Listed] = []
    refused: list[Refusal] = []
    for item in items:
        try:
            read.append(reader.read(object_in(item), partner, now))
        except InvalidMessage as error:
            refused.append(_refusal(partner, name_of(item), error))
    objects = len(read) + len(refused)
    outcomes: Counter[Outcome] = Counter()
    for listed in newest(read, lambda each: each.key, lambda each: each.last_updated).values():
        try:
            outcomes[listed.merge()] += 1
        except InvalidMessage as error:
            refused.append(_refusal(partner, listed.object_id, error))
    tally = Tally(
        objects=objects,
        created=outcomes[Outcome.CREATED],
        updated=outcomes[Outcome.UPDATED],
        unchanged=outcomes[Outcome.UNCHANGED],
        refused=len(refused),
        stopped=outcomes[Outcome.KEPT],
    )
    return Taken(tally, tuple(refused), is_mixed=any(not party.is_same_as(each.party) for each in read))


def _refusal(partner: Partner, object_id: str | None, error: InvalidMessage) -> Refusal:
    logger.info(
        "listed_object_refused",
        partner_id=partner.partner_id,
        object_id=object_id,
        field=error.field,
        problem=error.problem,
    )
    return Refusal(object_id, error.field, error.problem)
