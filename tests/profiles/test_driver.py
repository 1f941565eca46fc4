"""The driver's word in planning: by tables, and whatever the settings are."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offpeak.locations.model import Charger as Connector
from offpeak.pairing.model import DriverSettings
from offpeak.partners.model import Flags, PlanningDefaults, RateUnit
from offpeak.planning.outlook import Chance, Chances, Outlook
from offpeak.planning.situation import Situation
from offpeak.prices.model import PriceCurve, Tariff, TariffKind
from offpeak.profiles.driver import (
    Driver,
    as_allowed,
    as_said,
    asks_habits,
    departure_for,
    fitted,
    has_own_tariff,
    outlook_said,
)
from offpeak.profiles.sites import NOWHERE, Site
from offpeak.profiles.situation import Departure, situation_of
from offpeak.sessions.model import KnownSession
from tests.pairing.builders import charger, location
from tests.profiles.test_situation import known, plugged_in
from tests.sessions.builders import PLUG_IN, at

SEVEN = time(7)
MONDAY_TO_FRIDAY = dict.fromkeys(range(5), time(6, 45))


def a_driver(**settings: Any) -> Driver:
    return Driver(charger(settings=DriverSettings(**settings)), location())


@pytest.mark.parametrize(
    ("plug_in", "departures", "departure", "is_said"),
    [
        ("2026-01-15T18:00:00+01:00", MONDAY_TO_FRIDAY, "2026-01-16T06:45:00+01:00", True),
        ("2026-01-16T18:00:00+01:00", MONDAY_TO_FRIDAY, "2026-01-17T07:00:00+01:00", False),
        ("2026-01-16T06:00:00+01:00", MONDAY_TO_FRIDAY, "2026-01-16T06:45:00+01:00", True),
        ("2026-01-16T06:45:00+01:00", MONDAY_TO_FRIDAY, "2026-01-17T07:00:00+01:00", False),
        ("2026-01-17T18:00:00+01:00", {0: SEVEN}, "2026-01-18T07:00:00+01:00", False),
        ("2026-01-18T18:00:00+01:00", {6: SEVEN}, "2026-01-19T07:00:00+01:00", False),
        ("2026-01-18T18:00:00+01:00", dict.fromkeys(range(7), time(17)), "2026-01-19T17:00:00+01:00", True),
        ("2026-03-28T20:00:00+01:00", {6: time(2, 30)}, "2026-03-29T03:30:00+02:00", True),
        ("2026-10-24T20:00:00+02:00", {6: time(2, 30)}, "2026-10-25T02:30:00+02:00", True),
        ("2026-10-25T02:45:00+02:00", {6: time(2, 30)}, "2026-10-25T07:00:00+01:00", None),
        ("2026-01-15T18:00:00+01:00", {}, "2026-01-16T07:00:00+01:00", False),
    ],
    ids=[
        "a weekday that was named",
        "one that was not is the partner's",
        "a car that came just before leaves all the same",
        "at the very instant it is too late for today",
        "a day before the one named is nobody's word",
        "nor is the day after",
        "every day",
        "a time that summer time skips is an hour later on the clock",
        "of one that comes twice the first counts",
        "and not the second",
        "nothing said",
    ],
)
def test_departures_by_weekday(plug_in: str, departures: dict[int, time], departure: str, is_said: bool | None) -> None:
    found = departure_for(plugged_in(plug_in), PlanningDefaults(), a_driver(departures=departures))
    if is_said is None:
        assert found.at > datetime.fromisoformat(plug_in)
        assert not found.is_said
    else:
        assert (found.at, found.is_said) == (datetime.fromisoformat(departure), is_said)


@given(
    plug_in=st.integers(0, 2 * 365 * 86_400).map(lambda s: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=s)),
    departures=st.dictionaries(st.integers(0, 6), st.times().map(lambda each: each.replace(second=0, microsecond=0))),
    zone=st.sampled_from(["Europe/Amsterdam", "Europe/Lisbon", "Europe/Helsinki", "Atlantic/Azores"]),
    stay_s=st.integers(0, 172_800),
)
def test_whatever_is_said_a_car_leaves_after_it_came_and_within_eight_days(
    plug_in: datetime, departures: dict[int, time], zone: str, stay_s: int
) -> None:
    planning = PlanningDefaults(time_zone=zone, shortest_stay_s=stay_s)
    found = departure_for(plugged_in(plug_in.isoformat()), planning, a_driver(departures=departures))
    local = found.at.astimezone(ZoneInfo(zone))
    assert plug_in <= found.at <= plug_in + timedelta(days=8, hours=2)
    assert found.is_said == (found.gone_by is not None and found.gone_by == found.at)
    assert found.gone_by is None or found.at <= found.gone_by
    if not found.is_said:
        assert found.at >= plug_in + timedelta(seconds=stay_s)
    elif not is_changing(local.date(), ZoneInfo(zone)):
        assert departures[local.weekday()] == local.time()


def is_changing(day: date, zone: ZoneInfo) -> bool:
    """Say whether the clock is put forward or back on a day."""
    first = datetime.combine(day, time(0), zone)
    return first.utcoffset() != datetime.combine(day + timedelta(days=1), time(0), zone).utcoffset()


def test_without_a_driver_the_partners_settings_are_as_they_are() -> None:
    assert fitted(PlanningDefaults(), None) == PlanningDefaults()


def test_the_driver_decides_what_he_said_and_leaves_the_rest() -> None:
    said = a_driver(battery_kwh=Decimal(77), desired_level=Decimal(1), need_kwh=Decimal(12), minimum_now_kwh=Decimal(3))
    planning = fitted(PlanningDefaults(), said)
    assert (planning.battery_kwh, planning.target_soc) == (77, 1)
    assert (planning.need_kwh, planning.minimum_now_kwh) == (12, 3)
    assert [fitted(PlanningDefaults(min_current_a=7), a_driver(min_current_a=a)).min_current_a for a in (6, 8)] == [
        7,
        8,
    ]
    left = fitted(PlanningDefaults(), a_driver())
    assert left == replace(PlanningDefaults(), time_zone="Europe/Amsterdam")


def test_the_place_has_its_zone_tariff_and_time() -> None:
    own = Tariff(TariffKind.FIXED, fixed_eur_per_kwh=Decimal("0.31"))
    place = location(time_zone="Europe/Lisbon", bidding_zone="PT", tariff=own)
    driver = Driver(charger(), place)
    planning = fitted(PlanningDefaults(), driver)
    assert (planning.time_zone, planning.bidding_zone, planning.tariff) == ("Europe/Lisbon", "PT", own)
    assert has_own_tariff(driver)
    assert not has_own_tariff(a_driver())


@pytest.mark.parametrize(
    ("phases", "site", "unit", "power_w"),
    [
        (3, NOWHERE, None, 13_800),
        (1, NOWHERE, None, 4_600),
        (None, NOWHERE, None, 4_600),
        (None, NOWHERE, RateUnit.AMPERE, 13_800),
        (None, Site(Connector(is_dc=True)), None, 13_800),
    ],
    ids=["three phases", "one phase", "unknown ones may all be one", "amperes hold on each", "DC loads all three"],
)
def test_no_more_is_granted_than_the_connection_holds(
    phases: int | None, site: Site, unit: RateUnit | None, power_w: int
) -> None:
    planning, flags = PlanningDefaults(phases=phases, max_power_w=22_000), Flags(rate_unit=unit)
    driver = Driver(charger(), location(connection_limit_a=20))
    assert fitted(planning, driver, unknown_phases=site.unknown_phases(flags)).max_power_w == power_w


@pytest.mark.parametrize("partner", [True, False])
@pytest.mark.parametrize("driver", [True, False])
def test_smart_charging_is_on_where_both_have_it_on(partner: bool, driver: bool) -> None:
    planning = fitted(PlanningDefaults(smart_charging=partner), a_driver(smart_charging=driver))
    assert planning.smart_charging is (partner and driver)


def test_a_battery_that_gives_is_kept_above_the_least_that_the_driver_wants() -> None:
    planning = fitted(PlanningDefaults(), a_driver(minimum_level=Decimal("0.95")))
    assert (planning.min_soc, planning.max_soc) == (Decimal("0.95"), Decimal("0.95"))


def test_the_driver_alone_says_whether_his_battery_gives() -> None:
    told = replace(known(), discharge_allowed=True)
    assert as_allowed(told, None).discharge_allowed
    assert not as_allowed(told, a_driver()).discharge_allowed
    assert as_allowed(known(), a_driver(discharge_allowed=True)).discharge_allowed


def situation(
    session: KnownSession | None = None, likely: Outlook | None = None, unheard_kwh: float = 0, **settings: Any
) -> Situation:
    driver = a_driver(**settings)
    planning = fitted(PlanningDefaults(), driver)
    told = session or known()
    departure = departure_for(told.session, planning, driver)
    posed = situation_of(
        told, planning, RateUnit.WATT, PriceCurve("DE-LU", (), ""), None, None, PLUG_IN, departure_at=departure.at
    )
    return as_said(posed, told, planning, driver, likely and outlook_said(likely, departure), unheard_kwh)


@pytest.mark.parametrize(
    ("charged", "settings", "need_kwh", "is_known"),
    [
        (None, {}, 26, False),
        (None, {"need_kwh": Decimal(10)}, 6, True),
        (None, {"desired_level": Decimal(1)}, 26, False),
        ("0.5", {}, 20, True),
        ("0.5", {"desired_level": Decimal(1), "battery_kwh": Decimal(90)}, 50, True),
        ("0.5", {"desired_level": Decimal(1), "need_kwh": Decimal(5)}, 100 / 3, True),
        ("0.5", {"need_kwh": Decimal(10)}, 6, True),
        ("0.5", {"need_kwh": Decimal(100)}, 100 / 3, True),
        ("0.9", {"desired_level": Decimal("0.6")}, 0, True),
    ],
    ids=[
        "nothing said: what is assumed, less what was drawn",
        "an energy, less what was drawn",
        "a level means nothing without a state of charge",
        "a state of charge and the usual level",
        "the level wanted, of the battery that was told",
        "a level stands before an energy",
        "an energy stands before the usual level",
        "no more than the battery takes",
        "a level that it has",
    ],
)
def test_what_is_needed(charged: str | None, settings: dict[str, Any], need_kwh: float, is_known: bool) -> None:
    found = situation(known(delivered="4", charged=charged), **settings)
    assert found.need_kwh == pytest.approx(need_kwh)
    assert found.need_is_known is is_known


@pytest.mark.parametrize(
    ("charged", "settings", "minimum_kwh"),
    [
        (None, {}, 0),
        (None, {"minimum_now_kwh": Decimal(6)}, 2),
        (None, {"minimum_level": Decimal("0.5")}, 0),
        ("0.2", {"minimum_level": Decimal("0.35")}, 10),
        ("0.2", {"minimum_level": Decimal("0.35"), "minimum_now_kwh": Decimal(40)}, 10),
        ("0.2", {"minimum_now_kwh": Decimal(6)}, 2),
        ("0.5", {"minimum_level": Decimal("0.35")}, 0),
    ],
    ids=["nothing", "energy", "a level without a state of charge", "a level", "before energy", "else energy", "met"],
)
def test_what_is_charged_at_once(charged: str | None, settings: dict[str, Any], minimum_kwh: float) -> None:
    assert situation(known(delivered="4", charged=charged), **settings).minimum_now_kwh == pytest.approx(minimum_kwh)


@pytest.mark.parametrize(
    ("charged", "settings", "milestones"),
    [
        ("0.2", {"early_level": Decimal("0.35")}, [("05:30", 10)]),
        (None, {"early_level": Decimal("0.35")}, []),
        (None, {"early_kwh": Decimal(10)}, [("05:30", 6)]),
        ("0.5", {"early_level": Decimal("0.35")}, []),
        ("0.2", {"early_level": Decimal("0.35"), "early_departure": time(7, 30)}, []),
        ("0.2", {"early_level": Decimal("0.35"), "early_departure": None}, []),
        ("0.2", {}, []),
    ],
    ids=["a level", "without a state of charge", "energy", "met", "later than the departure", "no time", "no level"],
)
def test_what_it_is_to_have_in_case_its_driver_leaves_early(
    charged: str | None, settings: dict[str, Any], milestones: list[tuple[str, float]]
) -> None:
    found = situation(known(delivered="4", charged=charged), **{"early_departure": time(5, 30), **settings})
    assert [
        (f"{each.at.astimezone(ZoneInfo('Europe/Berlin')):%H:%M}", pytest.approx(each.kwh)) for each in found.milestones
    ] == milestones
    assert all(PLUG_IN < each.at < found.departure_at for each in found.milestones)


def test_what_was_drawn_unheard_is_needed_no_more() -> None:
    found = situation(known(charged="0.2"), unheard_kwh=2.5, minimum_level=Decimal("0.35"))
    assert found.minimum_now_kwh == pytest.approx(7.5)


def test_a_boost_lasts_until_it_was_said() -> None:
    assert situation(boost_until=at(30)).boost_until == at(30)
    assert situation(boost_until=at(0)).boost_until is None


LIKELY = Outlook(
    Chances((Chance(at(600), 8.0, 1.0), Chance(at(780), 12.0, 2.0), Chance(at(6000), 20.0, 1.0))), miss_eur=4
)


def test_where_the_driver_says_nothing_habits_do() -> None:
    assert situation(likely=LIKELY).outlook == LIKELY


def test_of_a_departure_that_was_said_habits_tell_the_need_only() -> None:
    found = situation(likely=LIKELY, departures={4: time(6)})
    assert found.outlook is not None
    assert {each.departure_at for each in found.outlook.chances} == {datetime(2026, 1, 16, 5, tzinfo=UTC)}
    assert [each.kwh for each in found.outlook.chances] == [8, 12, 20]
    assert found.departure_at == datetime(2026, 1, 16, 5, tzinfo=UTC)


def test_nobody_stays_beyond_a_departure_that_was_said_for_a_later_day() -> None:
    found = situation(likely=LIKELY, departures={5: time(6)})
    assert found.outlook is not None
    assert max(each.departure_at for each in found.outlook.chances) == datetime(2026, 1, 17, 5, tzinfo=UTC)


def test_of_a_need_that_was_said_habits_tell_the_departure_only() -> None:
    found = situation(likely=LIKELY, need_kwh=Decimal(15))
    assert (found.outlook, found.need_kwh, found.need_is_known) == (None, 15, True)
    assert found.departure_at == at(600)


@pytest.mark.parametrize(
    ("charged", "departure", "settings", "asked"),
    [
        (None, Departure(at(60)), {}, True),
        (None, Departure(at(60), at(60)), {}, True),
        (None, Departure(at(60)), {"need_kwh": Decimal(3)}, True),
        (None, Departure(at(60), at(60)), {"need_kwh": Decimal(3)}, False),
        ("0.5", Departure(at(60)), {}, False),
    ],
    ids=["nothing said", "a departure said", "a need said", "both said", "the car tells its charge"],
)
def test_habits_are_asked_where_something_is_open(
    charged: str | None, departure: Departure, settings: dict[str, Any], asked: bool
) -> None:
    assert asks_habits(known(charged=charged), departure, a_driver(**settings)) is asked
