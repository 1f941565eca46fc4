"""What the demonstration plays: made-up nights, and nights picked from recorded files."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from local.cpo import Dialect
from local.demo.scenario import EVENING, LOCAL, NothingToPlay, Scenario, made_up_night, recorded_nights


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=LOCAL)


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    """Ten days of hours from Monday, 5 January 2026, local midnight."""
    start = local("2026-01-05T00:00")
    rows = [f"{(start + timedelta(hours=hour)).isoformat()},{50 + hour % 24}" for hour in range(240)]
    path = tmp_path / "prices.csv"
    path.write_text("\n".join(["start_utc,eur_per_mwh", *rows]))
    return path


def recorded(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "sessions.csv"
    path.write_text("\n".join(["session_ID;Start_plugin;End_plugout;El_kWh", *rows]))
    return path


def night(count: int, day: int, first: int = 1) -> list[str]:
    """So many sessions from 18:00 of a day in July 2025 to 6:00 of the next. 26 weeks later it is two days earlier in
    January."""
    return [f"{first + n};{day:02}.07.2025 18:{n:02};{day + 1:02}.07.2025 06:00;10,5" for n in range(count)]


def ids(scenario: Scenario) -> list[str]:
    return [visit.session_id for visit in scenario.visits]


def test_a_made_up_night_has_as_many_cars_as_asked_for_at_two_cpos_that_speak_differently() -> None:
    scenario = made_up_night(EVENING, 36, seed=1)
    assert len(set(ids(scenario))) == 36
    assert [fleet.cpo.style.dialect for fleet in scenario.fleets] == [Dialect.FULL, Dialect.GUIDE]
    told = ["STATE_OF_CHARGE" in fleet.cpo.style.dimensions for fleet in scenario.fleets]
    assert told == [True, False]
    assert min(len(fleet.visits) for fleet in scenario.fleets) >= 12


def test_the_same_seed_makes_the_same_night() -> None:
    assert made_up_night(EVENING, 12, seed=3) == made_up_night(EVENING, 12, seed=3)
    assert made_up_night(EVENING, 12, seed=3) != made_up_night(EVENING, 12, seed=4)


def test_a_cpo_vouches_for_three_phases_only_where_all_its_cars_have_them() -> None:
    first, second = made_up_night(EVENING, 36, seed=1).fleets
    assert first.settings["planning"] == {"phases": 3}
    assert {visit.car.phases for visit in first.visits} == {3}
    assert {visit.car.phases for visit in second.visits} == {1, 3}


def test_most_cars_stay_over_night_and_a_few_leave_the_same_evening() -> None:
    visits = made_up_night(EVENING, 36, seed=1).visits
    hurried = [visit for visit in visits if visit.leaves_at and visit.leaves_at - visit.arrives_at < timedelta(hours=4)]
    assert len(hurried) == 3


def test_all_cars_of_the_default_night_come_and_go_between_its_noons() -> None:
    scenario = made_up_night(EVENING, 36, seed=1)
    assert scenario.start_at == local("2025-10-02T12:00")
    assert all(scenario.start_at <= visit.arrives_at for visit in scenario.visits)
    assert all(visit.leaves_at and visit.leaves_at <= scenario.end_at for visit in scenario.visits)


def test_no_cpo_loses_a_session_s_first_message() -> None:
    """It would never have told of the session."""
    scenario = made_up_night(EVENING, 36, seed=1)
    arrivals = {visit.session_id: visit.arrives_at for visit in scenario.visits}
    losing = [order for fleet in scenario.fleets for order in fleet.orders if order.wrong.lost]
    assert losing
    assert all(order.from_at > arrivals[order.session_id] for order in losing)


def test_a_night_without_prices_is_refused_with_what_there_is() -> None:
    with pytest.raises(NothingToPlay, match=r"2025-10-02 to 2025-10-08.*no night of 2026-02-01"):
        made_up_night(date(2026, 2, 1), 12, seed=1)


def test_of_recorded_sessions_the_busiest_night_is_played(tmp_path: Path, prices: Path) -> None:
    sessions = recorded(tmp_path, *night(1, 7), *night(3, 9, first=10), *night(2, 11, first=20))
    scenario = recorded_nights(sessions, prices)
    assert ids(scenario) == ["REC-10", "REC-11", "REC-12"]
    assert (scenario.start_at, scenario.end_at) == (local("2026-01-07T12:00"), local("2026-01-08T12:00"))


def test_a_night_may_be_chosen_and_several_may_follow(tmp_path: Path, prices: Path) -> None:
    sessions = recorded(tmp_path, *night(1, 7), *night(3, 9, first=10), *night(2, 10, first=20))
    assert ids(recorded_nights(sessions, prices, night=date(2026, 1, 5))) == ["REC-1"]
    assert len(ids(recorded_nights(sessions, prices, night=date(2026, 1, 7), nights=2))) == 5


def test_more_sessions_than_fit_are_thinned_out_evenly(tmp_path: Path, prices: Path) -> None:
    scenario = recorded_nights(recorded(tmp_path, *night(9, 9)), prices, most=3)
    assert ids(scenario) == ["REC-1", "REC-4", "REC-7"]


def test_what_was_read_dropped_and_left_out_is_said(tmp_path: Path, prices: Path) -> None:
    stays = "90;09.07.2025 18:00;11.07.2025 12:00;20"
    short = "91;09.07.2025 18:00;09.07.2025 18:05;1"
    scenario = recorded_nights(recorded(tmp_path, *night(4, 9), stays, short), prices, most=3)
    said = "\n".join(scenario.notes)
    assert "6 recorded sessions read, 5 laid over the prices, 1 dropped: 1 under 15 min" in said
    assert "5 plug-ins, 1 left out that stay longer, 1 left out to fit into the time" in said
    assert "shifted by 1 times 26 weeks" in said
    assert "took 31.5 kWh" in said


def test_recorded_cars_tell_a_state_of_charge_or_do_not(tmp_path: Path, prices: Path) -> None:
    sessions = recorded(tmp_path, *night(1, 9))
    told, untold = (recorded_nights(sessions, prices, tells_soc=tells).fleets[0] for tells in (True, False))
    assert "STATE_OF_CHARGE" in told.cpo.style.dimensions
    assert "STATE_OF_CHARGE" not in untold.cpo.style.dimensions


def test_files_that_do_not_meet_are_refused(tmp_path: Path, prices: Path) -> None:
    with pytest.raises(NothingToPlay, match="1 recorded sessions read, 0 laid"):
        recorded_nights(recorded(tmp_path, "1;09.07.2025 18:00;09.07.2025 18:01;1"), prices)
    with pytest.raises(NothingToPlay, match=r"night of 2026-03-01.*2026-01-07 to 2026-01-07"):
        recorded_nights(recorded(tmp_path, *night(1, 9)), prices, night=date(2026, 3, 1))
