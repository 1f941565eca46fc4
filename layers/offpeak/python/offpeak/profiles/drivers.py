"""Whose EVSE a session is at: read from what pairing keeps, now and not from memory, so that a driver's word counts in
the next plan."""

from __future__ import annotations

from dataclasses import replace

from offpeak.errors import ConcurrentChange, OutOfDate
from offpeak.pairing.accounts import AccountStore
from offpeak.pairing.model import Charger, ChargerKey
from offpeak.pairing.ownership import OwnershipStore
from offpeak.pairing.refuse import why_refused
from offpeak.profiles.driver import NOBODY, Holding, driver_in
from offpeak.sessions.model import Session, SessionKey

MOST_TRIES = 5


class Drivers:
    """A charger's row names the sessions that are planned by its settings. A session is named there before its first
    plan, on condition of the row as it was read: so whoever changes settings finds all that were planned by older
    ones, and wants their plans in the same transaction."""

    def __init__(self, ownership: OwnershipStore, accounts: AccountStore) -> None:
        self._ownership = ownership
        self._accounts = accounts

    def at(self, session: Session) -> Holding:
        """Return what pairing says of a session's EVSE: one read where nobody has it, two where somebody does.

        One whose owner's charger is gone counts as un-paired, and so does one that was un-paired after the session
        began: whoever pairs it anew gets nothing of the driver before him.
        """
        if session.evse_uid is None:
            return NOBODY
        found = self._ownership.of(session.key.partner_id, session.evse_uid)
        if found is None:
            return NOBODY
        if found.owner is None or why_refused(found, session.start_at) is not None:
            return Holding(is_released=True)
        account = self._accounts.load(found.owner.user)
        charger = account.chargers.get(found.owner.charger_id) if account else None
        if charger is None or account is None:
            return Holding(is_released=True)
        return Holding(driver_in(account, charger))

    def taking(self, session: Session) -> Holding:
        """Return the same for a session that is to be planned, once its driver's charger names it.

        Raises ConcurrentChange.
        """
        for _ in range(MOST_TRIES):
            holding, session_id = self.at(session), name_of(session.key)
            driver = holding.driver
            if driver is None or session_id in driver.charger.open_sessions:
                return holding
            try:
                charger = self._accounts.save_charger(_naming(driver.charger, session_id))
            except OutOfDate:
                continue
            return replace(holding, driver=replace(driver, charger=charger))
        raise ConcurrentChange("a charger is being changed by too many at once")

    def let_go(self, key: ChargerKey, session: SessionKey) -> None:
        """Name a session that is over no more. Raises ConcurrentChange."""
        for _ in range(MOST_TRIES):
            charger = self._accounts.charger(key)
            if charger is None or name_of(session) not in charger.open_sessions:
                return
            left = tuple(each for each in charger.open_sessions if each != name_of(session))
            try:
                self._accounts.save_charger(replace(charger, open_sessions=left))
            except OutOfDate:
                continue
            return
        raise ConcurrentChange("a charger is being changed by too many at once")


def name_of(session: SessionKey) -> str:
    """Return a session's id as its charger's row names it; its case does not count."""
    return session.session_id.casefold()


def _naming(charger: Charger, session_id: str) -> Charger:
    return replace(charger, open_sessions=(*charger.open_sessions, session_id))
