"""A partner as a database row and back. What a row does not name has its default: new settings need no migration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import time
from decimal import Decimal
from enum import Enum
from typing import Any

from offpeak.instants import format_instant, parse_instant
from offpeak.partners.model import (
    Endpoint,
    Flags,
    Pairing,
    ParkingTimeMeaning,
    Partner,
    PartnerStatus,
    Party,
    PlanningDefaults,
    RateUnit,
    Tier,
)
from offpeak.prices.model import Tariff, TariffKind, TariffWindow

Row = Mapping[str, Any]


def partner_to_row(partner: Partner) -> dict[str, Any]:
    """Return the attributes of a partner, without the table's keys. None is left out."""
    return {
        "partner_id": partner.partner_id,
        "name": partner.name,
        "parties": [[party.country_code, party.party_id] for party in partner.parties],
        "status": partner.status.value,
        "version": partner.version,
        "peer_versions_url": partner.peer_versions_url,
        "endpoints": [
            {"identifier": each.identifier, "role": each.role, "url": each.url} for each in partner.endpoints
        ],
        "our_party": [partner.our_party.country_code, partner.our_party.party_id],
        "our_name": partner.our_name,
        "usage_key": partner.usage_key,
        "usage_key_id": partner.usage_key_id,
        "uses_oauth": partner.uses_oauth or None,
        "suspended_at": format_instant(partner.suspended_at) if partner.suspended_at else None,
        "flags": _plain(partner.flags),
        "planning": {**_plain(partner.planning), "tariff": tariff_to_row(partner.planning.tariff)},
        "pairing": _plain(partner.pairing),
        "revision": partner.revision,
    }


def partner_from_row(row: Row) -> Partner:
    """Return the partner that a row holds."""
    return Partner(
        partner_id=row["partner_id"],
        name=row["name"],
        parties=tuple(Party(*each) for each in row["parties"]),
        status=PartnerStatus(row["status"]),
        version=row["version"],
        peer_versions_url=row.get("peer_versions_url"),
        endpoints=tuple(Endpoint(each["identifier"], each["role"], each["url"]) for each in row["endpoints"]),
        our_party=Party(*row["our_party"]),
        our_name=row["our_name"],
        usage_key=row.get("usage_key"),
        usage_key_id=row.get("usage_key_id"),
        uses_oauth=bool(row.get("uses_oauth")),
        suspended_at=parse_instant(row["suspended_at"]) if row.get("suspended_at") else None,
        flags=_flags_from_row(row["flags"]),
        planning=_planning_from_row(row["planning"]),
        pairing=_pairing_from_row(row.get("pairing", {})),
        revision=int(row["revision"]),
    )


def _flags_from_row(row: Row) -> Flags:
    known = _known(Flags, row, whole=("profile_timeout_s", "in_flight_cap", "slot_s"))
    if "rate_unit" in known:
        known["rate_unit"] = RateUnit(known["rate_unit"])
    if "parking_time" in known:
        known["parking_time"] = ParkingTimeMeaning(known["parking_time"])
    return Flags(**known)


def _planning_from_row(row: Row) -> PlanningDefaults:
    known = _known(
        PlanningDefaults,
        row,
        whole=(
            "shortest_stay_s",
            "max_power_w",
            "phases",
            "voltage_v",
            "min_current_a",
            "minimum_run_s",
            "discharge_w",
        ),
    )
    if "departure" in known:
        known["departure"] = time.fromisoformat(known["departure"])
    if "tariff" in known:
        known["tariff"] = tariff_from_row(known["tariff"])
    return PlanningDefaults(**known)


def _pairing_from_row(row: Row) -> Pairing:
    known = _known(Pairing, row)
    return Pairing(**{**known, "tier": Tier(known.get("tier", Tier.EVSE))})


def tariff_to_row(tariff: Tariff) -> dict[str, Any]:
    windows = [{**_plain(window), "weekdays": sorted(window.weekdays)} for window in tariff.windows]
    return {**_plain(tariff), "windows": windows}


def tariff_from_row(row: Row) -> Tariff:
    windows = tuple(
        TariffWindow(
            time.fromisoformat(window["start"]),
            time.fromisoformat(window["end"]),
            window["eur_per_kwh"],
            frozenset(int(day) for day in window["weekdays"]),
        )
        for window in row["windows"]
    )
    return replace(Tariff(**_known(Tariff, {**row, "kind": TariffKind(row["kind"])})), windows=windows)


def _plain(settings: Any) -> dict[str, Any]:
    """The fields of a flat dataclass as a row holds them."""
    values = {each.name: getattr(settings, each.name) for each in fields(settings)}
    return {name: _plain_value(value) for name, value in values.items() if value is not None}


def _plain_value(value: object) -> object:
    if isinstance(value, time):
        return value.isoformat("minutes")
    return value.value if isinstance(value, Enum) else value


def _known(settings: type, row: Row, *, whole: tuple[str, ...] = ()) -> dict[str, Any]:
    """Those attributes of a row that are fields of `settings`; `whole` are int, other numbers stay Decimal."""
    known = {each.name: row[each.name] for each in fields(settings) if each.name in row}
    return {
        name: int(value) if name in whole and isinstance(value, Decimal) else value for name, value in known.items()
    }
