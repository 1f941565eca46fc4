"""The sessions that the benches push: an evening at home in Germany, on recorded prices."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import local
from local.recorded import RecordedPrices, read_prices
from offpeak.instants import format_instant
from offpeak.prices.model import QUARTER, PriceCurve, PriceSlot

SAMPLE = Path(local.__file__).parent / "samples" / "prices_de_lu.csv"
EVENING = datetime(2025, 10, 2, 17, tzinfo=UTC)
"""19:00 in Germany, with the prices of tomorrow published."""
PARTY = ("DE", "BEN")
STEP = timedelta(minutes=5)

Json = dict[str, Any]


def session_object(session_id: str, updates: int = 0) -> Json:
    """Return a session with every field that a CPO usually sends, after so many updates of five minutes."""
    country_code, party_id = PARTY
    token = {"country_code": country_code, "party_id": party_id, "uid": "CARD-1", "type": "RFID", "contract_id": "C-1"}
    return {
        "country_code": country_code,
        "party_id": party_id,
        "id": session_id,
        "start_date_time": format_instant(EVENING),
        "cdr_token": token,
        "auth_method": "WHITELIST",
        "location_id": "LOC-1",
        "evse_uid": f"EVSE-{session_id}",
        "connector_id": "1",
        "currency": "EUR",
        **update_of(updates),
        "charging_periods": [_period(number) for number in range(updates + 1)],
        "status": "ACTIVE",
    }


def update_of(number: int) -> Json:
    """Return the PATCH after the `number`th five minutes of a car that waits for the cheap hours."""
    return {
        "kwh": 0,
        "charging_periods": [_period(number)],
        "last_updated": format_instant(EVENING + STEP * number),
    }


def _period(number: int) -> Json:
    dimensions = [{"type": name, "volume": 0} for name in ("ENERGY", "POWER")]
    return {"start_date_time": format_instant(EVENING + STEP * number), "dimensions": dimensions}


def recorded_prices() -> RecordedPrices:
    return read_prices(SAMPLE)


def price_curve(start_at: datetime, end_at: datetime) -> PriceCurve:
    """Return the recorded prices of that time, as the price store would."""
    slots = tuple(
        PriceSlot(at, at + QUARTER, eur_per_mwh / 1000)
        for at, eur_per_mwh in recorded_prices().eur_per_mwh.items()
        if at + QUARTER > start_at and at < end_at
    )
    return PriceCurve("DE-LU", slots, "recorded")
