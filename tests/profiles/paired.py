"""A driver who has paired the charger that the tests' session is at."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from offpeak.aws.tables import Put
from offpeak.pairing.model import Charger, ChargerKey, ChargingLocation, Claimed, DriverSettings, Held, Ownership
from offpeak.pairing.rows import ownership_row
from tests.pairing.builders import CHARGER, USER, charger, location, station, user
from tests.profiles.world import World
from tests.sessions.builders import KEY

SINCE = datetime(2026, 1, 1, tzinfo=UTC)


def pair(world: World, place: ChargingLocation | None = None, **settings: Any) -> Charger:
    """Pair the EVSE of the tests' session, by the rows that pairing writes."""
    world.accounts.save_user(user())
    world.accounts.save_location(USER, place or location())
    paired = charger(station=station(KEY.partner_id, "E1"), paired_at=SINCE, settings=DriverSettings(**settings))
    hold(world, Held.OWNED, CHARGER)
    return world.accounts.save_charger(paired)


def hold(world: World, held: Held, owner: ChargerKey | None) -> None:
    row = ownership_row(Ownership(KEY.partner_id, Claimed("e1"), held, owner, "claim-1", SINCE, version=1))
    world.ownership.write(Put(row))


def set_to(world: World, **settings: Any) -> Charger:
    """Change the driver's settings, and want the plan that holds them."""
    before = world.accounts.charger(CHARGER)
    assert before
    changed = world.accounts.save_charger(replace(before, settings=replace(before.settings, **settings)))
    world.sessions.want_plan(KEY, now=world.now, received_at=world.real_now)
    return changed
