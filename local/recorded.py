"""Recorded charging sessions and recorded prices, read from CSV files and laid over each other.

Sessions: semicolons, decimal comma, local time as dd.mm.yyyy HH:MM, columns session_ID, Start_plugin, End_plugout and
El_kWh; Garage_ID and User_ID where they are there (others are not read). Prices: columns start_utc (RFC 3339) and
eur_per_mwh. Lines that begin with # are comments in both.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NoReturn
from zoneinfo import ZoneInfo

NOT_RECORDED = ("", "NA")
HALF_YEAR = timedelta(weeks=26)
LONGEST, SHORTEST = timedelta(hours=72), timedelta(minutes=15)
LEAST_KWH = Decimal("0.5")
MOST_KW = Decimal(22)
"""What three phases of 32 A give: the simulated chargers are AC."""

RECORDED_IN = "Europe/Oslo"
PRICED_IN = "Europe/Berlin"


class UnreadableRecord(Exception):
    """A file is not what it should be; names the file, the line and the column."""


@dataclass(frozen=True, slots=True)
class RecordedSession:
    """A session as it was recorded. Times are local, without zone; `end` is None where no plug-out was recorded.
    `garage` and `user` say where and whose, "" where the file does not tell."""

    session_id: str
    start: datetime
    end: datetime | None
    kwh: Decimal
    garage: str = ""
    user: str = ""


@dataclass(frozen=True, slots=True)
class LaidSession:
    """A recorded session at its place in time over the prices; `shifted_by` whole multiples of 26 weeks."""

    session_id: str
    arrives_at: datetime
    leaves_at: datetime
    kwh: Decimal
    shifted_by: timedelta
    garage: str = ""
    user: str = ""


@dataclass(frozen=True, slots=True)
class Laid:
    """What became of `read` recorded sessions: those that lie over the prices by arrival, and why others do not."""

    sessions: tuple[LaidSession, ...]
    read: int
    dropped: Mapping[str, int]

    @property
    def summary(self) -> str:
        """Say it in one line: how many were read, laid and dropped, and why."""
        said = f"{self.read} recorded sessions read, {len(self.sessions)} laid over the prices"
        if not self.dropped:
            return said
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(self.dropped.items()))
        return f"{said}, {sum(self.dropped.values())} dropped: {reasons}"


@dataclass(frozen=True, slots=True)
class RecordedPrices:
    """Day-ahead prices in EUR/MWh by the start of their slot, without gap; all slots last `slot`."""

    eur_per_mwh: Mapping[datetime, Decimal]
    slot: timedelta

    @property
    def start_at(self) -> datetime:
        return next(iter(self.eur_per_mwh))

    @property
    def end_at(self) -> datetime:
        return self.start_at + len(self.eur_per_mwh) * self.slot


def read_sessions(path: Path) -> tuple[RecordedSession, ...]:
    """Read recorded sessions. Raises UnreadableRecord."""
    return tuple(_sessions(_Rows(path, ";", ("session_ID", "Start_plugin", "End_plugout", "El_kWh"))))


def read_prices(path: Path) -> RecordedPrices:
    """Read recorded prices: ascending, without gap. Raises UnreadableRecord."""
    rows = _Rows(path, ",", ("start_utc", "eur_per_mwh"))
    prices: dict[datetime, Decimal] = {}
    slot = timedelta(0)
    newest: datetime | None = None
    for row in rows:
        start_at = rows.instant(row, "start_utc")
        if newest is not None:
            slot = slot or start_at - newest
            if slot <= timedelta(0) or start_at - newest != slot:
                rows.refuse("start_utc", f"{row['start_utc']} does not follow {newest:%Y-%m-%dT%H:%MZ} by one slot")
        newest = start_at
        prices[start_at] = rows.number(row, "eur_per_mwh")
    if slot == timedelta(0):
        rows.refuse("start_utc", "fewer than two prices")
    return RecordedPrices(prices, slot)


def lay_over(
    sessions: Sequence[RecordedSession],
    prices: RecordedPrices,
    *,
    recorded_in: str = RECORDED_IN,
    priced_in: str = PRICED_IN,
) -> Laid:
    """Lay sessions over prices: shift each by whole multiples of 26 weeks into their span, keeping the weekday and the
    local time of its plug-in and plug-out.

    Sessions that are too long, too short, too small or outside of the prices are dropped and counted by reason.
    """
    zones = ZoneInfo(recorded_in), ZoneInfo(priced_in)
    dropped: Counter[str] = Counter()
    laid = []
    for session in sessions:
        reason = _unfit(session, zones[0])
        place = None if reason else _place(session, prices, zones[1])
        if place is None:
            dropped[reason or "outside the prices"] += 1
        else:
            laid.append(place)
    return Laid(tuple(sorted(laid, key=lambda each: each.arrives_at)), len(sessions), dict(dropped))


def _unfit(session: RecordedSession, zone: ZoneInfo) -> str | None:
    """Return why a session is not used; None: it is. Durations are real ones, over a change of clocks too."""
    if session.end is None:
        return "without a plug-out"
    lasted = _utc(session.end, zone) - _utc(session.start, zone)
    if lasted > LONGEST:
        return "over 72 h"
    if lasted < SHORTEST:
        return "under 15 min"
    if session.kwh < LEAST_KWH:
        return "under 0.5 kWh"
    if session.kwh > MOST_KW * Decimal(lasted / timedelta(hours=1)):
        return "over 22 kW"
    return None


def _place(session: RecordedSession, prices: RecordedPrices, zone: ZoneInfo) -> LaidSession | None:
    """Return the session at the earliest place in the prices' span that holds it whole."""
    assert session.end is not None
    shift = HALF_YEAR * ((prices.start_at - _utc(session.start, zone)) // HALF_YEAR)
    while (arrives_at := _utc(session.start + shift, zone)) < prices.start_at:
        shift += HALF_YEAR
    leaves_at = _utc(session.end + shift, zone)
    if leaves_at > prices.end_at or leaves_at - arrives_at < SHORTEST:
        return None
    return LaidSession(session.session_id, arrives_at, leaves_at, session.kwh, shift, session.garage, session.user)


def _utc(local: datetime, zone: ZoneInfo) -> datetime:
    return local.replace(tzinfo=zone).astimezone(UTC)


def _sessions(rows: _Rows) -> Iterator[RecordedSession]:
    for row in rows:
        start, end = rows.local_time(row, "Start_plugin"), None
        if row["End_plugout"].strip() not in NOT_RECORDED:
            end = rows.local_time(row, "End_plugout")
            if end < start:
                rows.refuse("End_plugout", f"{row['End_plugout']} lies before Start_plugin")
        kwh = rows.number(row, "El_kWh", decimal_comma=True)
        if kwh < 0:
            rows.refuse("El_kWh", f"{row['El_kWh']} is negative")
        yield RecordedSession(row["session_ID"], start, end, kwh, row.get("Garage_ID", ""), row.get("User_ID", ""))


class _Rows:
    """The rows of a CSV file, and how to read their cells. Knows the line it is at."""

    def __init__(self, path: Path, delimiter: str, columns: Sequence[str]) -> None:
        self._path, self._delimiter, self._columns = path, delimiter, columns
        self._line = 1

    def __iter__(self) -> Iterator[dict[str, str]]:
        try:
            text = self._path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise UnreadableRecord(f"{self._path}: {error}") from error
        header: list[str] | None = None
        for self._line, line in enumerate(text.splitlines(), start=1):
            if not line.strip() or line.startswith("#"):
                continue
            cells = next(csv.reader([line], delimiter=self._delimiter))
            if header is None:
                header = [cell.strip() for cell in cells]
                for column in self._columns:
                    if column not in header:
                        self.refuse(column, f"there is no such column; it has {', '.join(header)}")
            elif len(cells) != len(header):
                self.refuse(header[min(len(cells), len(header)) - 1], f"{len(cells)} cells instead of {len(header)}")
            else:
                yield dict(zip(header, cells, strict=True))
        if header is None:
            self.refuse(self._columns[0], "the file is empty")

    def refuse(self, column: str, problem: str) -> NoReturn:
        raise UnreadableRecord(f"{self._path}, line {self._line}, column {column}: {problem}")

    def number(self, row: Mapping[str, str], column: str, *, decimal_comma: bool = False) -> Decimal:
        text = row[column].strip()
        try:
            number = Decimal(text.replace(",", ".") if decimal_comma else text)
        except InvalidOperation:
            self.refuse(column, f"{text!r} is not a number")
        if not number.is_finite():
            self.refuse(column, f"{text!r} is not a finite number")
        return number

    def local_time(self, row: Mapping[str, str], column: str) -> datetime:
        text = row[column].strip()
        try:
            return datetime.strptime(text, "%d.%m.%Y %H:%M")  # noqa: DTZ007  (local time; the zone comes later)
        except ValueError:
            self.refuse(column, f"{text!r} is not a time such as 31.01.2026 18:05")

    def instant(self, row: Mapping[str, str], column: str) -> datetime:
        text = row[column].strip()
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            self.refuse(column, f"{text!r} is not a time such as 2026-01-31T18:00:00Z")
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
