"""The data that comes with Offpeak is what its description says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import local.samples
from local.recorded import read_prices

PRICES = Path(local.samples.__file__).parent / "prices_de_lu.csv"


def test_the_prices_are_six_days_of_quarter_hours_most_of_two_of_them_negative() -> None:
    prices = read_prices(PRICES)
    assert prices.start_at == datetime(2025, 10, 1, 22, tzinfo=UTC)
    assert prices.end_at - prices.start_at == timedelta(days=6)
    assert prices.slot == timedelta(minutes=15)
    assert sum(price < 0 for price in prices.eur_per_mwh.values()) > 96


def test_the_prices_name_their_licence() -> None:
    assert 'CC BY 4.0, "Bundesnetzagentur | SMARD.de"' in PRICES.read_text(encoding="utf-8").splitlines()[0]
