"""Recorded prices: the sample that comes with Offpeak, and the reader for files of the same form.

A file has lines that begin with # (the first names source and licence), the header start_utc,eur_per_mwh and one row
for each price, ascending; a price holds until the next row's, at most an hour.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

from offpeak.instants import parse_instant

SAMPLE_PRICES = Path(__file__).parent / "prices_de_lu.csv"
"""Six days of quarter-hours of the zone DE-LU; on the Saturday and Sunday among them most prices are negative."""

COLUMNS = ["start_utc", "eur_per_mwh"]


@dataclass(frozen=True, slots=True)
class RecordedPrices:
    """`eur_per_mwh` by the start of each price, ascending; `source` is the attribution to print with it."""

    source: str
    eur_per_mwh: Mapping[datetime, Decimal]


def read_prices(path: Path = SAMPLE_PRICES) -> RecordedPrices:
    """Read a file of recorded prices. Raises ValueError naming the file and what is wrong with it."""
    lines = path.read_text(encoding="utf-8").splitlines()
    notes = [line.lstrip("# ") for line in lines if line.startswith("#")]
    rows = csv.DictReader(line for line in lines if line and not line.startswith("#"))
    if rows.fieldnames != COLUMNS:
        raise ValueError(f"{path.name}: expected the columns {','.join(COLUMNS)}, found {rows.fieldnames}")
    prices: dict[datetime, Decimal] = {}
    for row in rows:
        try:
            start_at, price = parse_instant(row["start_utc"]), Decimal(row["eur_per_mwh"])
        except (ValueError, TypeError, InvalidOperation) as error:
            raise ValueError(f"{path.name}: not an instant and a price: {row}") from error
        if prices and start_at <= next(reversed(prices)):
            raise ValueError(f"{path.name}: does not ascend at {row['start_utc']}")
        prices[start_at] = price
    return RecordedPrices(notes[0] if notes else path.name, prices)
