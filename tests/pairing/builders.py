"""Users, charging locations and chargers as tests need them."""

from __future__ import annotations

from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any

from offpeak.pairing.model import (
    Address,
    Charger,
    ChargerKey,
    ChargingLocation,
    DriverSettings,
    PairedConnector,
    PairedEvse,
    PairedStation,
    Tier,
    User,
    UserKey,
)

NOW = datetime(2027, 3, 1, 18, tzinfo=UTC)
USER = UserKey("hearth", "usr_1")
CHARGER = ChargerKey(USER, "chg_1")


def user(key: UserKey = USER, **changes: Any) -> User:
    return User(key, NOW, **{"reference": "driver-17", **changes})


def location(**changes: Any) -> ChargingLocation:
    home = {
        "location_id": "loc_1",
        "name": "Home",
        "time_zone": "Europe/Amsterdam",
        "created_at": NOW,
        "address": Address("Kade 1", "1011 AB", "Amsterdam", "NL"),
    }
    return ChargingLocation(**{**home, **changes})


def station(partner_id: str = "acme", *uids: str) -> PairedStation:
    evses = tuple(
        PairedEvse(uid, f"NL*ACM*{uid}", ("CHARGING_PROFILE_CAPABLE",), (PairedConnector("1", "IEC_62196_T2", 11_040),))
        for uid in uids or ("EVSE-1",)
    )
    if len(evses) == 1:
        return PairedStation(partner_id, Tier.EVSE, evses)
    return PairedStation(partner_id, Tier.STATION, evses, "STATION-1")


def charger(key: ChargerKey = CHARGER, **changes: Any) -> Charger:
    return Charger(**{"key": key, "station": station(), "location_id": "loc_1", "paired_at": NOW, **changes})


def settings(**changes: Any) -> DriverSettings:
    wanted = {
        "departures": {0: time(6, 45), 5: time(10)},
        "minimum_level": Decimal("0.2"),
        "early_departure": time(5, 30),
        "early_level": Decimal("0.4"),
        "min_current_a": 8,
    }
    return DriverSettings(**{**wanted, **changes})
