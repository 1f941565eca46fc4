"""Recorded prices: the sample that comes along, and files that do not fit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from local.samples import read_prices


def test_the_sample_is_six_days_of_quarter_hours_with_negative_prices_and_its_licence() -> None:
    sample = read_prices()
    starts = list(sample.eur_per_mwh)
    assert starts[0] == datetime(2025, 10, 1, 22, tzinfo=UTC)
    assert len(starts) == 6 * 96
    assert {later - earlier for earlier, later in pairwise(starts)} == {timedelta(minutes=15)}
    assert min(sample.eur_per_mwh.values()) < 0 < max(sample.eur_per_mwh.values())
    assert 'CC BY 4.0, "Bundesnetzagentur | SMARD.de"' in sample.source


def test_a_file_without_a_note_is_known_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("start_utc,eur_per_mwh\n2026-01-01T00:00:00Z,-1.5\n\n2026-01-01T01:00:00Z,20\n")
    prices = read_prices(path)
    assert prices.source == "mine.csv"
    assert list(prices.eur_per_mwh.values()) == [Decimal("-1.5"), Decimal(20)]


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        ("expected the columns", "time,price\n2026-01-01T00:00:00Z,1\n"),
        ("expected the columns", ""),
        ("not an instant and a price", "start_utc,eur_per_mwh\nyesterday,1\n"),
        ("not an instant and a price", "start_utc,eur_per_mwh\n2026-01-01T00:00:00Z,cheap\n"),
        ("not an instant and a price", "start_utc,eur_per_mwh\n2026-01-01T00:00:00Z\n"),
        ("does not ascend", "start_utc,eur_per_mwh\n2026-01-01T01:00:00Z,1\n2026-01-01T00:00:00Z,1\n"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_by_name(tmp_path: Path, problem: str, text: str) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=f"mine.csv: {problem}"):
        read_prices(path)
