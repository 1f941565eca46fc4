"""A driver's chargers and their sessions, read for his app."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from offpeak.errors import no_such
from offpeak.instants import format_instant
from offpeak.pairing.accounts import AccountStore
from offpeak.pairing.model import Account, Charger, ChargerKey
from offpeak.partners.store import PartnerStore
from offpeak.profiles.driver import Driver, driver_in, planning_at
from offpeak.profiles.for_apps import Visit, charger_shown, visit_in_list, visit_shown
from offpeak.profiles.rows import standing_from
from offpeak.profiles.sites import NOWHERE, Sites
from offpeak.profiles.store import ProfileStore
from offpeak.profiles.unmanaged import why_no_profile
from offpeak.sessions.model import SessionKey
from offpeak.sessions.store import SessionStore

MOST_PROFILES = 50
"""The newest of a session that are shown; it seldom has ten."""


@dataclass(frozen=True, slots=True)
class Reader:
    """What it takes to read what an app may see."""

    accounts: AccountStore
    sessions: SessionStore
    profiles: ProfileStore
    partners: PartnerStore
    sites: Sites


def driver_of(account: Account, key: ChargerKey) -> Driver:
    """Return a charger of a user, with its location. Raises UnknownObject."""
    charger = account.chargers.get(key.charger_id)
    if charger is None:
        raise no_such("charger", key.charger_id)
    return driver_in(account, charger)


def chargers_of(
    account: Account, after: str | None, limit: int, by: Reader, now: datetime
) -> tuple[list[dict[str, object]], str | None]:
    """Return a page of a user's chargers, the oldest pairing first, and where the next one starts, None after the
    last."""
    places = {f"{format_instant(each.paired_at)} {each.key.charger_id}": each.key for each in account.chargers.values()}
    following = [place for place in sorted(places) if after is None or place > after]
    shown = [show_charger(driver_of(account, places[place]), by, now) for place in following[:limit]]
    return shown, following[limit - 1] if len(following) > limit else None


def show_charger(driver: Driver, by: Reader, now: datetime) -> dict[str, object]:
    """Return a charger with what happens there."""
    return charger_shown(driver.charger, driver, _newest(driver.charger, by), now)


def visits_of(
    driver: Driver, after: str | None, limit: int, by: Reader
) -> tuple[Sequence[dict[str, object]], str | None]:
    """Return a page of a charger's sessions, newest first, and where the next one starts, None after the last.

    Raises InvalidMessage for a place in no list of this charger's.
    """
    keys, next_after = by.profiles.sessions_of(driver.charger.key, after, limit)
    visits = [visit for visit in (_visit(key, driver.charger.key, by) for key in keys) if visit]
    return [visit_in_list(each, driver) for each in visits], next_after


def show_visit(driver: Driver, session_id: str, by: Reader, now: datetime) -> dict[str, object]:
    """Return one session at a charger with its plan and profiles. Raises UnknownObject for any other session."""
    charger = driver.charger
    key = SessionKey(charger.station.partner_id, session_id)
    visit = _visit(key, charger.key, by) if key.is_storable else None
    if visit is None:
        raise no_such("session", session_id)
    requests = list(islice(by.profiles.requests_of(key), 2 * MOST_PROFILES))
    newest = by.profiles.request(visit.standing.newest_request_id) if visit.standing.newest_request_id else None
    partner = by.partners.load(charger.station.partner_id)
    if partner is not None:
        site = by.sites.of(visit.known.session, partner, now) if visit.known.session.is_open else NOWHERE
        partner = replace(partner, planning=planning_at(partner, site, driver))
        unmanaged = why_no_profile(
            visit.known, visit.standing, newest, site, partner, now, is_paired=True, is_released=False
        )
        visit = replace(visit, unmanaged=unmanaged)
    return visit_shown(visit, requests, driver, limit=MOST_PROFILES)


def _newest(charger: Charger, by: Reader) -> Visit | None:
    """Return what runs at a charger, the newest of it, or else its last session."""
    named = [SessionKey(charger.station.partner_id, each) for each in charger.open_sessions]
    visits = [visit for visit in (_visit(key, charger.key, by) for key in named) if visit]
    if visits:
        return max(visits, key=lambda each: (each.known.session.is_open, each.known.session.start_at))
    last, _ = by.profiles.sessions_of(charger.key, None, 1)
    return _visit(last[0], charger.key, by) if last else None


def _visit(key: SessionKey, charger: ChargerKey, by: Reader) -> Visit | None:
    """Return a session where it is this charger's."""
    found = by.sessions.newest(key)
    if found is None:
        return None
    known, standing = found[0], standing_from(key, found[1])
    return Visit(known, standing) if standing.charger == charger else None
