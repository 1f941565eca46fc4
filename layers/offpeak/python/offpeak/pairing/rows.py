"""How users, charging locations, chargers and ownership look as rows; None stands for an attribute that is absent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, time
from typing import Any
from zlib import crc32

from offpeak.aws.tables import Item
from offpeak.instants import format_instant, parse_instant
from offpeak.pairing.model import (
    Address,
    Charger,
    ChargerKey,
    ChargingLocation,
    Claimed,
    DriverSettings,
    FormerCharger,
    Held,
    MoneyUnit,
    Ownership,
    PairedConnector,
    PairedEvse,
    PairedStation,
    Tier,
    Unpairing,
    User,
    UserKey,
    Why,
)
from offpeak.partners.row import tariff_from_row, tariff_to_row

Row = Mapping[str, Any]
SHARDS = 4
"""Of the index `by_due` of un-pairings."""


def user_row(user: User) -> dict[str, Any]:
    return {
        "pk": user.key.text,
        "sk": "USER",
        "directory": user.key.tenant_id,
        **_user_key_row(user.key),
        "created_at": format_instant(user.created_at),
        "reference": user.reference,
        "revision": user.revision,
    }


def user_from(row: Item) -> User:
    return User(_user_key(row), parse_instant(row["created_at"]), row.get("reference"), int(row["revision"]))


def location_row(key: UserKey, location: ChargingLocation) -> dict[str, Any]:
    return {
        "pk": key.text,
        "sk": f"LOCATION#{location.location_id}",
        "location_id": location.location_id,
        "name": location.name,
        "time_zone": location.time_zone,
        "created_at": format_instant(location.created_at),
        "address": asdict(location.address) if location.address else None,
        "bidding_zone": location.bidding_zone,
        "tariff": tariff_to_row(location.tariff) if location.tariff else None,
        "connection_limit_a": location.connection_limit_a,
        "revision": location.revision,
        "pairings": location.pairings,
    }


def location_from(row: Item) -> ChargingLocation:
    limit_a = row.get("connection_limit_a")
    return ChargingLocation(
        location_id=row["location_id"],
        name=row["name"],
        time_zone=row["time_zone"],
        created_at=parse_instant(row["created_at"]),
        address=Address(**row["address"]) if "address" in row else None,
        bidding_zone=row.get("bidding_zone"),
        tariff=tariff_from_row(row["tariff"]) if "tariff" in row else None,
        connection_limit_a=None if limit_a is None else int(limit_a),
        revision=int(row["revision"]),
        pairings=int(row.get("pairings", 0)),
    )


def charger_row(charger: Charger) -> dict[str, Any]:
    return {
        "pk": charger.key.user.text,
        "sk": f"CHARGER#{charger.key.charger_id}",
        **charger_key_row(charger.key),
        "station": station_row(charger.station),
        "location_id": charger.location_id,
        "paired_at": format_instant(charger.paired_at),
        "settings": settings_row(charger.settings),
        "settings_revision": charger.settings_revision,
        "open_sessions": list(charger.open_sessions),
        "revision": charger.revision,
    }


def charger_from(row: Item) -> Charger:
    return Charger(
        key=charger_key_from(row),
        station=station_from(row["station"]),
        location_id=row["location_id"],
        paired_at=parse_instant(row["paired_at"]),
        settings=settings_from(row["settings"]),
        settings_revision=int(row["settings_revision"]),
        open_sessions=tuple(row.get("open_sessions", ())),
        revision=int(row["revision"]),
    )


def former_row(former: FormerCharger, expires_at: datetime) -> dict[str, Any]:
    return {
        "pk": former.key.user.text,
        "sk": f"PAST#{former.key.charger_id}",
        **charger_key_row(former.key),
        "partner_id": former.partner_id,
        "evse_uids": list(former.evse_uids),
        "until": format_instant(former.until),
        "expires_at": int(expires_at.timestamp()),
    }


def former_from(row: Item) -> FormerCharger:
    return FormerCharger(charger_key_from(row), row["partner_id"], tuple(row["evse_uids"]), parse_instant(row["until"]))


def station_row(station: PairedStation) -> dict[str, Any]:
    return {
        "partner_id": station.partner_id,
        "tier": station.tier.value,
        "uid": station.uid,
        "evses": [
            {
                "uid": evse.uid,
                "evse_id": evse.evse_id,
                "capabilities": list(evse.capabilities),
                "connectors": [asdict(each) for each in evse.connectors],
            }
            for evse in station.evses
        ],
    }


def station_from(row: Row) -> PairedStation:
    return PairedStation(
        row["partner_id"],
        Tier(row["tier"]),
        tuple(
            PairedEvse(
                evse["uid"], evse["evse_id"], tuple(evse["capabilities"]), tuple(map(_connector, evse["connectors"]))
            )
            for evse in row["evses"]
        ),
        row["uid"],
    )


def settings_row(settings: DriverSettings) -> dict[str, Any]:
    return {
        "smart_charging": settings.smart_charging,
        "departures": {str(day): at.isoformat(timespec="minutes") for day, at in settings.departures.items()},
        "minimum_level": settings.minimum_level,
        "desired_level": settings.desired_level,
        "early_departure": settings.early_departure.isoformat("minutes") if settings.early_departure else None,
        "early_level": settings.early_level,
        "early_kwh": settings.early_kwh,
        "battery_kwh": settings.battery_kwh,
        "min_current_a": settings.min_current_a,
        "need_kwh": settings.need_kwh,
        "minimum_now_kwh": settings.minimum_now_kwh,
        "boost_until": format_instant(settings.boost_until) if settings.boost_until else None,
        "discharge_allowed": settings.discharge_allowed,
        "money_unit": settings.money_unit.value,
    }


def settings_from(row: Row) -> DriverSettings:
    boost_until, early_departure = row["boost_until"], row.get("early_departure")
    min_current_a = row.get("min_current_a")
    return DriverSettings(
        smart_charging=row["smart_charging"],
        departures={int(day): time.fromisoformat(at) for day, at in row["departures"].items()},
        minimum_level=row["minimum_level"],
        desired_level=row["desired_level"],
        early_departure=time.fromisoformat(early_departure) if early_departure else None,
        early_level=row.get("early_level"),
        early_kwh=row.get("early_kwh"),
        battery_kwh=row["battery_kwh"],
        min_current_a=int(min_current_a) if min_current_a else None,
        need_kwh=row["need_kwh"],
        minimum_now_kwh=row["minimum_now_kwh"],
        boost_until=parse_instant(boost_until) if boost_until else None,
        discharge_allowed=row["discharge_allowed"],
        money_unit=MoneyUnit(row["money_unit"]),
    )


def ownership_key(partner_id: str, claimed: Claimed) -> dict[str, str]:
    """Uids are CiStrings, so their case does not count."""
    return {"pk": f"{partner_id}#{claimed.uid.casefold()}", "sk": "STATION" if claimed.is_station else "EVSE"}


def ownership_row(ownership: Ownership) -> dict[str, Any]:
    return {
        **ownership_key(ownership.partner_id, ownership.claimed),
        "partner_id": ownership.partner_id,
        "uid": ownership.claimed.uid,
        "held": ownership.held.value,
        "owner": charger_key_row(ownership.owner) if ownership.owner else None,
        "claim_id": ownership.claim_id,
        "since": format_instant(ownership.since),
        "released_at": _text(ownership.released_at),
        "unpairing_id": ownership.unpairing_id,
        "told_at": _text(ownership.told_at),
        "version": ownership.version,
    }


def ownership_from(row: Item) -> Ownership:
    return Ownership(
        partner_id=row["partner_id"],
        claimed=Claimed(row["uid"], row["sk"] == "STATION"),
        held=Held(row["held"]),
        owner=charger_key_from(row["owner"]) if "owner" in row else None,
        claim_id=row["claim_id"],
        since=parse_instant(row["since"]),
        released_at=_instant(row.get("released_at")),
        unpairing_id=row.get("unpairing_id"),
        told_at=_instant(row.get("told_at")),
        version=int(row["version"]),
    )


def unpairing_key(unpairing_id: str) -> dict[str, str]:
    return {"pk": f"UNPAIRING#{unpairing_id}", "sk": "UNPAIRING"}


def unpairing_row(unpairing: Unpairing) -> dict[str, Any]:
    return {
        **unpairing_key(unpairing.unpairing_id),
        "unpairing_id": unpairing.unpairing_id,
        "partner_id": unpairing.partner_id,
        "tier": unpairing.tier.value,
        "uid": unpairing.uid,
        "evse_uids": list(unpairing.evse_uids),
        "why": unpairing.why.value,
        "since": format_instant(unpairing.since),
        "due_shard": unpairing_shard(unpairing.partner_id),
        "due_at": format_instant(unpairing.due_at),
        "attempts": unpairing.attempts,
        "leased_until": _text(unpairing.leased_until),
        "called_at": _text(unpairing.called_at),
        "problem": unpairing.problem,
        "revision": unpairing.revision,
    }


def unpairing_from(row: Item) -> Unpairing:
    return Unpairing(
        unpairing_id=row["unpairing_id"],
        partner_id=row["partner_id"],
        tier=Tier(row["tier"]),
        uid=row["uid"],
        evse_uids=tuple(row["evse_uids"]),
        why=Why(row["why"]),
        since=parse_instant(row["since"]),
        due_at=parse_instant(row["due_at"]),
        attempts=int(row["attempts"]),
        leased_until=_instant(row.get("leased_until")),
        called_at=_instant(row.get("called_at")),
        problem=row.get("problem"),
        revision=int(row["revision"]),
    )


def unpairing_shard(partner_id: str) -> str:
    """All of a partner stand in one shard, where operators look for them."""
    return str(crc32(partner_id.encode()) % SHARDS)


def charger_key_row(key: ChargerKey) -> dict[str, str]:
    return {**_user_key_row(key.user), "charger_id": key.charger_id}


def charger_key_from(row: Row) -> ChargerKey:
    return ChargerKey(_user_key(row), row["charger_id"])


def _text(at: datetime | None) -> str | None:
    return format_instant(at) if at else None


def _instant(text: str | None) -> datetime | None:
    return parse_instant(text) if text else None


def _connector(row: Row) -> PairedConnector:
    power_w = row["max_power_w"]
    return PairedConnector(row["connector_id"], row["standard"], None if power_w is None else int(power_w))


def _user_key_row(key: UserKey) -> dict[str, str]:
    return {"tenant_id": key.tenant_id, "user_id": key.user_id}


def _user_key(row: Row) -> UserKey:
    return UserKey(row["tenant_id"], row["user_id"])
