from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.recorded import (
    HALF_YEAR,
    RecordedPrices,
    RecordedSession,
    UnreadableRecord,
    lay_over,
    read_prices,
    read_sessions,
)

HEADER = "session_ID;Garage_ID;Start_plugin;End_plugout;El_kWh\n"
HEADER_WITHOUT_GARAGE = HEADER.replace("Garage_ID;", "")
QUARTER = timedelta(minutes=15)
OSLO = ZoneInfo("Europe/Oslo")


def written(folder: Path, text: str) -> Path:
    path = folder / "records.csv"
    path.write_text(text)
    return path


def session(start: str, end: str | None, kwh: str = "20", session_id: str = "1") -> RecordedSession:
    return RecordedSession(
        session_id, datetime.fromisoformat(start), datetime.fromisoformat(end) if end else None, Decimal(kwh)
    )


def half_a_year_of_prices() -> RecordedPrices:
    start_at = datetime(2025, 9, 30, 22, tzinfo=UTC)
    return RecordedPrices({start_at + number * QUARTER: Decimal(number) for number in range(182 * 96)}, QUARTER)


PRICES = half_a_year_of_prices()


def test_sessions_are_read_with_decimal_commas_and_local_times(tmp_path: Path) -> None:
    text = HEADER_WITHOUT_GARAGE + "# a comment\n7;21.12.2018 10:20;21.12.2018 18:23;12,5\n8;22.12.2018 01:02;NA;0,3\n"
    assert read_sessions(written(tmp_path, text)) == (
        session("2018-12-21T10:20", "2018-12-21T18:23", "12.5", "7"),
        session("2018-12-22T01:02", None, "0.3", "8"),
    )


def test_garages_and_users_are_read_and_laid_where_they_are_told(tmp_path: Path) -> None:
    header = "session_ID;Garage_ID;User_ID;Start_plugin;End_plugout;El_kWh\n"
    (read,) = read_sessions(written(tmp_path, header + "7;A;A-3;21.12.2018 10:20;21.12.2018 18:23;12,5\n"))
    assert (read.garage, read.user) == ("A", "A-3")
    (laid,) = lay_over([read], PRICES).sessions
    assert (laid.garage, laid.user) == ("A", "A-3")


def test_windows_line_ends_and_a_byte_order_mark_do_not_matter(tmp_path: Path) -> None:
    text = ("\ufeff" + HEADER + "7;A;21.12.2018 10:20;21.12.2018 18:23;12,5\n").replace("\n", "\r\n")
    assert len(read_sessions(written(tmp_path, text))) == 1


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("7;A;2018-12-21 10:20;21.12.2018 18:23;12,5", "line 3, column Start_plugin: '2018-12-21 10:20' is not a time"),
        ("7;A;21.12.2018 10:20;later;12,5", "line 3, column End_plugout: 'later' is not a time"),
        ("7;A;21.12.2018 10:20;21.12.2018 09:23;12,5", "line 3, column End_plugout: .* before Start_plugin"),
        ("7;A;21.12.2018 10:20;21.12.2018 18:23;much", "line 3, column El_kWh: 'much' is not a number"),
        ("7;A;21.12.2018 10:20;21.12.2018 18:23;NaN", "line 3, column El_kWh: 'NaN' is not a finite number"),
        ("7;A;21.12.2018 10:20;21.12.2018 18:23;-1", "line 3, column El_kWh: -1 is negative"),
        ("7;A;21.12.2018 10:20;21.12.2018 18:23", "line 3, column End_plugout: 4 cells instead of 5"),
    ],
)
def test_a_bad_cell_is_named_by_file_line_and_column(tmp_path: Path, line: str, complaint: str) -> None:
    with pytest.raises(UnreadableRecord, match=rf"records\.csv, {complaint}"):
        read_sessions(written(tmp_path, HEADER + "6;A;21.12.2018 10:20;21.12.2018 18:23;1\n" + line))


def test_a_missing_column_or_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableRecord, match=r"line 1, column El_kWh: there is no such column; it has session_ID,"):
        read_sessions(written(tmp_path, "session_ID;Start_plugin;End_plugout\n"))
    with pytest.raises(UnreadableRecord, match=r"nowhere\.csv.*No such file"):
        read_sessions(tmp_path / "nowhere.csv")
    with pytest.raises(UnreadableRecord, match="the file is empty"):
        read_sessions(written(tmp_path, ""))


def test_prices_are_read_with_comments_and_negative_values(tmp_path: Path) -> None:
    text = "# source\nstart_utc,eur_per_mwh\n2026-01-31T00:00:00Z,-5.01\n2026-01-31T00:15:00Z,0\n"
    prices = read_prices(written(tmp_path, text))
    assert list(prices.eur_per_mwh.values()) == [Decimal("-5.01"), Decimal(0)]
    assert (prices.start_at, prices.end_at) == (
        datetime(2026, 1, 31, tzinfo=UTC),
        datetime(2026, 1, 31, 0, 30, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        (
            "2026-01-31T00:00:00Z,1\n2026-01-31T00:15:00Z,2\n2026-01-31T00:45:00Z,3",
            "line 4, column start_utc: .*one slot",
        ),
        ("2026-01-31T00:00:00Z,1\n2026-01-30T00:00:00Z,2", "line 3, column start_utc: .*one slot"),
        ("2026-01-31T00:00:00Z,1", "line 2, column start_utc: fewer than two prices"),
        ("2026-01-31T00:00:00Z,cheap", "line 2, column eur_per_mwh: 'cheap' is not a number"),
        ("tonight,1", "line 2, column start_utc: 'tonight' is not a time"),
    ],
)
def test_prices_with_gaps_or_nonsense_are_refused(tmp_path: Path, lines: str, complaint: str) -> None:
    with pytest.raises(UnreadableRecord, match=complaint):
        read_prices(written(tmp_path, f"start_utc,eur_per_mwh\n{lines}\n"))


def test_sessions_that_are_no_use_are_dropped_and_counted_by_reason() -> None:
    laid = lay_over(
        [
            session("2019-01-10T18:00", "2019-01-11T07:00"),
            session("2019-01-10T18:00", None),
            session("2019-01-10T18:00", "2019-01-13T18:01"),
            session("2019-01-10T18:00", "2019-01-10T18:14"),
            session("2019-01-10T18:00", "2019-01-11T07:00", "0.49"),
            session("2019-01-10T18:00", "2019-01-10T19:00", "22.1"),
        ],
        PRICES,
    )
    assert (laid.read, len(laid.sessions)) == (6, 1)
    assert laid.summary == (
        "6 recorded sessions read, 1 laid over the prices, 5 dropped: "
        "1 over 22 kW, 1 over 72 h, 1 under 0.5 kWh, 1 under 15 min, 1 without a plug-out"
    )


def test_the_bounds_themselves_are_kept() -> None:
    laid = lay_over(
        [
            session("2019-01-10T18:00", "2019-01-13T18:00"),
            session("2019-01-10T18:00", "2019-01-10T18:15", "0.5"),
        ],
        PRICES,
    )
    assert laid.dropped == {}


def test_a_session_that_ends_after_the_last_price_is_outside() -> None:
    laid = lay_over([session("2019-04-09T20:00", "2019-04-10T08:00")], PRICES)
    assert laid.dropped == {"outside the prices": 1}


@given(
    start=st.datetimes(datetime(2015, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001  (local times have no zone)
    stay=st.timedeltas(timedelta(minutes=15), timedelta(hours=70)),
)
def test_laying_keeps_weekday_and_local_time_and_shifts_by_whole_half_years(start: datetime, stay: timedelta) -> None:
    start = start.replace(second=0, microsecond=0, minute=start.minute, hour=max(start.hour, 4))
    end = start + stay
    if 2 <= end.hour < 3:
        end += timedelta(hours=1)  # this hour does not exist when the clocks go forward
    laid = lay_over([RecordedSession("1", start, end, Decimal(1))], PRICES)
    for each in laid.sessions:
        assert PRICES.start_at <= each.arrives_at < each.leaves_at <= PRICES.end_at
        assert each.shifted_by % HALF_YEAR == timedelta(0)
        for recorded, placed in ((start, each.arrives_at), (end, each.leaves_at)):
            local = placed.astimezone(OSLO).replace(tzinfo=None)
            assert (local.weekday(), local.time()) == (recorded.weekday(), recorded.time())
    assert laid.sessions or set(laid.dropped) <= {"outside the prices", "over 72 h", "under 15 min"}
