"""Whose EVSE a session is at: read from what pairing keeps, now and not from memory, so that a driver's word counts in
the next plan."""

from __future__ import annotations

from offpeak.pairing.accounts import AccountStore
from offpeak.pairing.ownership import OwnershipStore
from offpeak.profiles.driver import NOBODY, Driver, Holding
from offpeak.sessions.model import Session


class Drivers:
    def __init__(self, ownership: OwnershipStore, accounts: AccountStore) -> None:
        self._ownership = ownership
        self._accounts = accounts

    def at(self, session: Session) -> Holding:
        """Return what pairing says of a session's EVSE: one read where nobody has it, two where somebody does.

        One whose owner's charger is gone counts as un-paired.
        """
        if session.evse_uid is None:
            return NOBODY
        found = self._ownership.of(session.key.partner_id, session.evse_uid)
        if found is None:
            return NOBODY
        account = self._accounts.load(found.owner.user) if found.owner else None
        charger = account.chargers.get(found.owner.charger_id) if account and found.owner else None
        if charger is None or account is None:
            return Holding(is_released=True)
        return Holding(Driver(charger, account.locations.get(charger.location_id)))
