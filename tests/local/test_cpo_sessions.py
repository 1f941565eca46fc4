from __future__ import annotations

import itertools
from typing import Any

import httpx
import pytest

from local.car import Doing
from local.cpo import Dialect, Settings, Style
from tests.local.cpo_scene import EVENING, after, registered_cpo, visit
from tests.local.fake_offpeak import FULL_POWER

PAUSE = {"charging_rate_unit": "A", "charging_profile_period": [{"start_period": 0, "limit": 0}]}
REQUIRED = {
    *("country_code", "party_id", "id", "start_date_time", "kwh", "cdr_token", "auth_method", "location_id"),
    *("evse_uid", "connector_id", "currency", "status", "last_updated"),
}


def volumes(body: Any) -> list[dict[str, float]]:
    return [
        {dimension["type"]: dimension["volume"] for dimension in period["dimensions"]}
        for period in body["charging_periods"]
    ]


def test_a_session_is_put_at_plug_in_and_patched_every_five_minutes_until_it_ends() -> None:
    """S1"""
    with registered_cpo() as (cpo, offpeak):
        cpo.plug_in(visit(arrives_min=2, leaves_min=16))
        assert cpo.advance(after(1)).pushed == 0
        assert cpo.advance(after(20)).pushed == 5
        calls = offpeak.session_messages("S1")
        assert [(call.method, call.body["last_updated"][11:19]) for call in calls] == [
            ("PUT", "18:02:00"),
            ("PATCH", "18:02:10"),
            ("PATCH", "18:07:10"),
            ("PATCH", "18:12:10"),
            ("PATCH", "18:16:00"),
        ]
        assert calls[0].body.keys() >= REQUIRED
        assert calls[0].body["status"] == "ACTIVE"
        assert calls[-1].body["status"] == "COMPLETED"
        assert calls[-1].body["end_date_time"] == "2026-01-30T18:16:00Z"
        assert cpo.state("S1").status == "COMPLETED"
        assert cpo.complaints == ()


def test_the_first_meter_reading_shows_within_seconds_that_the_car_charges() -> None:
    with registered_cpo() as (cpo, offpeak):
        cpo.plug_in(visit())
        cpo.advance(after(1))
        assert volumes(offpeak.session_messages("S1")[-1].body) == [{"ENERGY": 0.0307, "POWER": 11.04, "TIME": 0.0028}]


def test_energy_of_all_periods_adds_up_to_the_meter_to_the_digit() -> None:
    with registered_cpo() as (cpo, offpeak):
        cpo.plug_in(visit(leaves_min=593, battery_kwh=57.3, taper_from_soc=0.6))
        cpo.advance(after(600))
        calls = offpeak.session_messages("S1")
        energy = sum(each["ENERGY"] for call in calls for each in volumes(call.body))
        assert energy == pytest.approx(calls[-1].body["kwh"], abs=1e-9)
        assert calls[-1].body["kwh"] == pytest.approx(57.3 * 0.7 / 0.9, abs=1e-3)


def test_calls_on_sessions_carry_ids_routing_headers_and_token_c() -> None:
    """T1, T3, T4"""
    with registered_cpo() as (cpo, offpeak):
        cpo.plug_in(visit())
        cpo.advance(EVENING)
        headers = offpeak.received[-1].headers
        assert headers["x-request-id"]
        assert headers["x-correlation-id"]
        assert (headers["ocpi-from-country-code"], headers["ocpi-from-party-id"]) == ("DE", "SIM")
        assert (headers["ocpi-to-country-code"], headers["ocpi-to-party-id"]) == ("NL", "OFP")


def test_a_car_that_has_enough_is_reported_at_once_with_parking_time() -> None:
    """S4"""
    with registered_cpo() as (cpo, offpeak):
        cpo.plug_in(visit(soc=0.79, target_soc=0.8))
        cpo.advance(after(5))
        assert cpo.state("S1").doing is Doing.DONE
        last = offpeak.session_messages("S1")[-1]
        assert last.body["last_updated"] < "2026-01-30T18:05:00Z"
        charging, parking = volumes(last.body)
        assert charging["POWER"] > 0
        assert parking.keys() == {"ENERGY", "POWER", "PARKING_TIME"}
        assert (parking["ENERGY"], parking["POWER"]) == (0, 0)


@pytest.mark.parametrize(("counts_as_parking", "dimension"), [(False, "TIME"), (True, "PARKING_TIME")])
def test_time_held_back_by_the_station_is_parking_time_for_some_cpos_only(
    counts_as_parking: bool, dimension: str
) -> None:
    """S4"""
    style = Style(parking_time_when_held_back=counts_as_parking)
    with registered_cpo(settings=Settings(style)) as (cpo, offpeak):
        cpo.plug_in(visit())
        cpo.advance(after(1))
        offpeak.set_profile("S1", PAUSE)
        cpo.advance(after(2))
        newest = volumes(offpeak.session_messages("S1")[-1].body)[-1]
        assert newest["POWER"] == 0
        assert dimension in newest


def test_more_dimensions_are_sent_where_the_cpo_knows_them() -> None:
    names = frozenset({"ENERGY", "STATE_OF_CHARGE", "MAX_POWER", "MIN_POWER"})
    with registered_cpo(settings=Settings(Style(dimensions=names))) as (cpo, offpeak):
        cpo.plug_in(visit(soc=0.5))
        cpo.advance(after(60))
        newest = volumes(offpeak.session_messages("S1")[-1].body)[-1]
        assert newest.keys() == names
        assert newest["STATE_OF_CHARGE"] == pytest.approx(66, abs=1.5)
        assert newest["MAX_POWER"] == newest["MIN_POWER"] == 11.04


def test_the_guides_dialect_has_few_fields_and_a_name_of_its_own_for_the_start() -> None:
    """S5"""
    with registered_cpo(settings=Settings(Style(dialect=Dialect.GUIDE))) as (cpo, offpeak):
        cpo.plug_in(visit(leaves_min=4))
        cpo.advance(after(5))
        put, patch, end = (call.body for call in offpeak.session_messages("S1"))
        assert put.keys() == {"id", "evse_uid", "status", "kwh", "start_date_time", "last_updated"}
        assert patch.keys() == {"start_datetime", "charging_periods", "kwh", "last_updated"}
        assert end["status"] == "COMPLETED"


def test_unplugging_ends_the_session() -> None:
    with registered_cpo() as (cpo, offpeak):
        cpo.plug_in(visit())
        cpo.advance(after(7))
        cpo.unplug("S1")
        cpo.advance(after(7))
        assert offpeak.session_messages("S1")[-1].body["status"] == "COMPLETED"
        with pytest.raises(ValueError, match="no car is plugged in"):
            cpo.unplug("S1")
        with pytest.raises(ValueError, match="no session S2"):
            cpo.unplug("S2")


def test_time_does_not_run_backwards_and_ids_are_unique() -> None:
    with registered_cpo() as (cpo, _):
        cpo.advance(after(5))
        with pytest.raises(ValueError, match="is past"):
            cpo.advance(after(4))
        with pytest.raises(ValueError, match="is past"):
            cpo.plug_in(visit(arrives_min=4))
        cpo.plug_in(visit("A", arrives_min=6))
        with pytest.raises(ValueError, match="is taken"):
            cpo.plug_in(visit("a", arrives_min=6))


def test_refused_pushes_are_reported_and_not_repeated() -> None:
    """T11"""
    with registered_cpo() as (cpo, offpeak):
        offpeak.statuses["PUT"] = 503
        cpo.plug_in(visit())
        refused = cpo.advance(EVENING).refused
        assert [(push.session_id, push.http_status) for push in refused] == [("S1", 503)]
        assert cpo.advance(after(1)).refused == ()
        assert [call.method for call in offpeak.session_messages("S1")] == ["PUT", "PATCH"]


def test_many_sessions_are_pushed_side_by_side_and_each_in_order() -> None:
    with registered_cpo() as (cpo, offpeak):
        cpo.plug_in(*(visit(f"S{number}", arrives_min=number / 10) for number in range(40)))
        assert cpo.advance(after(30)).refused == ()
        for number in range(40):
            stamps = [call.body["last_updated"] for call in offpeak.session_messages(f"S{number}")]
            assert len(stamps) >= 6
            assert stamps == sorted(stamps)


def test_the_list_of_sessions_is_paged_and_filtered_by_last_update() -> None:
    """T9"""
    with registered_cpo() as (cpo, offpeak):
        cpo.plug_in(*(visit(f"S{number}", arrives_min=number, leaves_min=number + 1) for number in range(5)))
        cpo.advance(after(10))

        listed = []
        query: dict[str, str] | None = {
            "date_from": "2026-01-30T18:02:00Z",
            "date_to": "2026-01-30T18:05:00Z",
            "limit": "2",
        }
        path = "sessions"
        while query is not None:
            page = offpeak.ask("GET", path, params=query)
            listed += [each["id"] for each in page.json()["data"]]
            assert page.headers["X-Total-Count"] == "3"
            assert page.headers["X-Limit"] == "100"
            following = page.links.get("next")
            assert following is None or following["url"].startswith(cpo.url)
            query = dict(httpx.URL(following["url"]).params) if following else None
        assert listed == ["S1", "S2", "S3"]  # date_from counts, date_to does not

        assert offpeak.ask("GET", "sessions").json()["status_code"] == 2001


def test_the_list_holds_what_a_lost_push_would_have_told() -> None:
    """T11"""
    with registered_cpo() as (cpo, offpeak):
        offpeak.statuses["PATCH"] = 500
        cpo.plug_in(visit(leaves_min=8))
        cpo.advance(after(9))
        (session,) = offpeak.ask("GET", "sessions", params={"date_from": "2026-01-30T00:00:00Z"}).json()["data"]
        assert session["status"] == "COMPLETED"
        assert sum(each["ENERGY"] for each in volumes(session)) == pytest.approx(session["kwh"])
        assert session["charging_periods"][0]["start_date_time"] == session["start_date_time"]


def test_what_was_drawn_is_kept_without_gap() -> None:
    with registered_cpo() as (cpo, offpeak):
        cpo.plug_in(visit(leaves_min=60))
        cpo.advance(after(10))
        offpeak.set_profile("S1", PAUSE)
        cpo.advance(after(20))
        offpeak.set_profile("S1", FULL_POWER)
        cpo.advance(after(70))
        drawn = cpo.log("S1").drawn
        assert (drawn[0].start_at, drawn[-1].end_at) == (EVENING, after(60))
        assert all(one.end_at == other.start_at for one, other in itertools.pairwise(drawn))
        held_back = [each for each in drawn if each.doing is Doing.HELD_BACK]
        assert (held_back[0].start_at, held_back[-1].end_at) == (after(10), after(20))
