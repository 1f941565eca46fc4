"""What happens when a partner tells us about a tariff, or takes one away."""

from __future__ import annotations

import json
from datetime import timedelta

from offpeak.errors import ConcurrentChange, InvalidMessage, UnknownObject
from offpeak.ocpi.merging import UNTOLD, Merged, Outcome, merge, outcome_of, told_since
from offpeak.tariffs.model import TariffKey
from offpeak.tariffs.parse import TariffPush
from offpeak.tariffs.planned import tariff_of
from offpeak.tariffs.store import StoredTariff, TariffStore
from offpeak.telemetry import count, logger

MOST_TRIES = 8
LARGEST_TARIFF = 96 * 1024
"""Characters; a row has 400 KB at most."""

INSTANT = timedelta(milliseconds=1)
"""The finest difference between two stamps."""


def receive_tariff(told: TariffPush, key: TariffKey, store: TariffStore) -> Outcome:
    """Merge one message into its tariff, and store it when it told something new.

    Raises UnknownObject for a PATCH of a tariff that is not known (it is kept all the same, for when the PUT comes),
    ConcurrentChange when other writers were faster every time, InvalidMessage for a tariff that is too large.
    """
    for _ in range(MOST_TRIES):
        stored = store.load(key)
        after = _since_deleted(stored, merge(stored.merged, told.push))
        if sum(len(json.dumps(each.value, default=str)) for each in after.fields.values()) > LARGEST_TARIFF:
            raise InvalidMessage("body", f"would have more than {LARGEST_TARIFF} characters")
        if after != stored.merged:
            try:
                store.save(key, stored, after, stored.deleted_at)
            except ConcurrentChange:
                continue
        outcome = outcome_of(stored.merged, after)
        _report(told, key, outcome, after)
        if outcome is Outcome.KEPT and not told.push.is_whole:
            raise UnknownObject(f"tariff {key.tariff_id} is not known yet; PUT it first")
        return outcome
    raise ConcurrentChange(f"tariff {key.tariff_id} is being written by too many at once")


def delete_tariff(key: TariffKey, store: TariffStore) -> None:
    """Take a tariff away: all that was told of it up to now. A DELETE has no stamp, so it ends what we know, and only a
    newer PUT brings the tariff back. Raises UnknownObject for one that is not known."""
    for _ in range(MOST_TRIES):
        stored = store.load(key)
        if not stored.merged.is_known:
            raise UnknownObject(f"tariff {key.tariff_id} is not known")
        newest = max(register.stamp for register in stored.merged.fields.values())
        try:
            store.save(key, stored, UNTOLD, newest)
        except ConcurrentChange:
            continue
        logger.info("tariff_deleted", partner_id=key.partner_id, tariff_id=key.tariff_id)
        return
    raise ConcurrentChange(f"tariff {key.tariff_id} is being written by too many at once")


def _since_deleted(stored: StoredTariff, merged: Merged) -> Merged:
    return merged if stored.deleted_at is None else told_since(stored.deleted_at + INSTANT, merged)


def _report(told: TariffPush, key: TariffKey, outcome: Outcome, after: Merged) -> None:
    logger.info(
        "tariff_message_received",
        partner_id=key.partner_id,
        tariff_id=key.tariff_id,
        outcome=outcome.value,
        filled=list(told.filled),
        not_planned_by=_why_not(after),
    )
    count("TariffMessagesReceived")
    if told.filled:
        count("TariffMessagesMended")


def _why_not(tariff: Merged) -> str | None:
    """Say why planning cannot go by a tariff; None where it can."""
    try:
        tariff_of(tariff)
    except InvalidMessage as error:
        return str(error)
    return None
