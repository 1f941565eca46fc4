"""What apps do with users and charging locations. Everything is made by an id that its caller chose, so that doing it
again, after an answer that got lost, finds what is there and makes nothing twice."""

from __future__ import annotations

from datetime import datetime

from offpeak.errors import InUse, InvalidMessage, OutOfDate, no_such
from offpeak.pairing.accounts import AccountStore
from offpeak.pairing.deletions import DeletionStore
from offpeak.pairing.model import Account, ChargingLocation, User, UserKey
from offpeak.pairing.users import (
    MOST_LOCATIONS,
    NewLocation,
    UserChange,
    new_location,
    user_with,
)


def make_user(
    key: UserKey, said: UserChange, accounts: AccountStore, deletions: DeletionStore, *, now: datetime
) -> User:
    """Make a user, or return the one that an earlier try has made. Raises UnknownObject where he was erased since."""
    try:
        return accounts.save_user(user_with(User(key, now), said), also=[deletions.none_of(key)])
    except OutOfDate:
        return accounts.known(key).user


def change_user(key: UserKey, said: UserChange, accounts: AccountStore, *, seen: int | None) -> User:
    """Change what is told of a user. Raises UnknownObject, OutOfDate."""
    before = accounts.known(key).user
    check_seen(before.revision, seen)
    return accounts.save_user(user_with(before, said))


def make_location(
    key: UserKey, location_id: str, said: NewLocation, accounts: AccountStore, *, now: datetime
) -> ChargingLocation:
    """Make a charging location, or return the one that an earlier try has made.

    Raises UnknownObject, InvalidMessage.
    """
    account = accounts.known(key)
    if location_id in account.locations:
        return account.locations[location_id]
    if len(account.locations) >= MOST_LOCATIONS:
        raise InvalidMessage("location", f"the user has {MOST_LOCATIONS} charging locations already")
    return accounts.save_location(key, new_location(location_id, said, now))


def remove_location(key: UserKey, location_id: str, accounts: AccountStore, *, seen: int | None) -> None:
    """Take a charging location away at which there is no charger. Raises UnknownObject, OutOfDate, InUse."""
    location = known_location(accounts.known(key), location_id)
    check_seen(location.revision, seen)
    # Looked at after the location was read: a charger that is linked from then on has changed that.
    if any(each.location_id == location_id for each in accounts.known(key).chargers.values()):
        raise InUse("there is a charger at this location: un-pair it first")
    accounts.remove_location(key, location)


def known_location(account: Account, location_id: str) -> ChargingLocation:
    """Return a user's charging location. Raises UnknownObject."""
    location = account.locations.get(location_id)
    if location is None:
        raise no_such("charging location", location_id)
    return location


def check_seen(revision: int, seen: int | None) -> None:
    """Raise OutOfDate where the caller has seen another revision; None stands for any."""
    if seen is not None and seen != revision:
        raise OutOfDate(f"it is at revision {revision} by now, not {seen}: look at it again")
