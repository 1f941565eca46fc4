from __future__ import annotations

import itertools
from typing import Any

import httpx
import pytest

from local.car import Doing
from local.cpo import Answer, CallKind, Result, Settings, Style
from tests.local.cpo_scene import EVENING, after, registered_cpo, visit
from tests.local.fake_offpeak import FULL_POWER, token


def profile(*periods: tuple[int, float], unit: str = "A", **more: Any) -> dict[str, Any]:
    return {
        "charging_rate_unit": unit,
        "charging_profile_period": [{"start_period": start, "limit": limit} for start, limit in periods],
        **more,
    }


NIGHT = profile((0, 0), (3600, 16.0), (7200, 8.1), start_date_time="2026-01-30T18:00:00Z", duration=10_800)


def test_a_profile_is_accepted_then_confirmed_and_the_car_obeys_it() -> None:
    """P3"""
    with registered_cpo() as (cpo, offpeak):
        cpo.plug_in(visit(soc=0.05, battery_kwh=100))
        cpo.advance(after(1))
        answer = offpeak.set_profile("S1", NIGHT)
        assert answer.json()["data"] == {"result": "ACCEPTED", "timeout": 30}
        assert answer.headers["X-Request-ID"] == "request-1"
        assert (answer.headers["OCPI-from-party-id"], answer.headers["OCPI-to-party-id"]) == ("SIM", "OFP")
        cpo.settle()
        assert offpeak.results() == [{"result": "ACCEPTED"}]

        kwh = [cpo.state("S1").kwh]
        for minutes in (60, 120, 180, 240):
            cpo.advance(after(minutes))
            kwh.append(cpo.state("S1").kwh)
        drawn = [round(later - earlier, 3) for earlier, later in itertools.pairwise(kwh)]
        assert drawn == [0, 11.04, 5.589, 11.04]  # paused, 16 A, 8.1 A, and after the profile nothing limits
        assert cpo.complaints == ()


@pytest.mark.parametrize(
    ("sentence", "car", "asked", "power_w"),
    [
        ("W counts all phases", {}, profile((0, 6900.0), unit="W"), 6900),
        ("A counts each phase", {}, profile((0, 10.0)), 6900),
        ("A on one phase", {"phases": 1, "max_current_a": 32}, profile((0, 10.0)), 2300),
        ("6 A is enough", {}, profile((0, 6.0)), 4140),
        ("less than 6 A is a pause", {}, profile((0, 5.9)), 0),
        ("0 is a pause", {}, profile((0, 0)), 0),
        ("no period is no limit", {}, profile(), 11_040),
        ("a relative profile counts from the start of charging", {}, profile((0, 0), (600, 8.0)), 5520),
        ("an absolute one before its start", {}, profile((0, 0), start_date_time="2026-01-30T18:30:00Z"), 11_040),
        (
            "an absolute one after its end",
            {},
            profile((0, 0), start_date_time="2026-01-30T18:00:00Z", duration=60),
            11_040,
        ),
    ],
)
def test_limits_mean_what_the_specification_says(
    sentence: str, car: dict[str, float], asked: dict[str, Any], power_w: float
) -> None:
    """P7, P8"""
    with registered_cpo() as (cpo, offpeak):
        cpo.plug_in(visit(**car))
        cpo.advance(after(15))
        offpeak.set_profile("S1", asked)
        cpo.advance(after(16))
        assert cpo.state("S1").power_w == pytest.approx(power_w), sentence


@pytest.mark.parametrize(
    ("sentence", "asked", "field"),
    [
        ("two decimals", profile((0, 8.15)), "limit"),
        ("a negative limit", profile((0, -1)), "limit"),
        ("a limit as text", profile((0, "8.1")), "limit"),  # type: ignore[arg-type]
        ("periods that do not start at 0", profile((60, 8)), "charging_profile"),
        ("periods that do not ascend", profile((0, 8), (60, 9), (60, 10)), "charging_profile"),
        ("an unknown unit", profile((0, 8), unit="kW"), "charging_rate_unit"),
        ("a start that is no time", profile((0, 8), start_date_time="tonight"), "start_date_time"),
        ("no profile at all", None, "charging_profile"),
    ],
)
def test_a_profile_against_the_specification_is_refused_and_complained_about(
    sentence: str, asked: Any, field: str
) -> None:
    """P7"""
    with registered_cpo() as (cpo, offpeak):
        cpo.plug_in(visit())
        cpo.advance(EVENING)
        answer = offpeak.set_profile("S1", asked)
        assert (answer.status_code, answer.json()["status_code"]) == (200, 2001), sentence
        assert field in answer.json()["status_message"]
        assert field in cpo.complaints[0]
        assert cpo.profile_calls == ()


def test_a_response_url_over_255_characters_is_refused() -> None:
    """T15"""
    with registered_cpo() as (cpo, offpeak):
        cpo.plug_in(visit())
        cpo.advance(EVENING)
        assert offpeak.set_profile("S1", FULL_POWER, request_id="x" * 250).json()["status_code"] == 2001
        assert offpeak.ask("DELETE", "chargingprofiles/S1").json()["status_code"] == 2001
        assert "response_url" in cpo.complaints[1]


def test_calls_without_ids_or_routing_headers_are_complained_about() -> None:
    """T3, T4"""
    with registered_cpo() as (cpo, offpeak):
        url = f"{cpo.url}/ocpi/cpo/2.2.1/chargingprofiles/S1"
        httpx.delete(url, headers={"Authorization": token(offpeak.token_b)})
        assert any("lacks x-request-id" in each for each in cpo.complaints)
        assert any("lacks ocpi-to-party-id" in each for each in cpo.complaints)


@pytest.mark.parametrize("session_id", ["S9", "S2", "S3"])
def test_sessions_unknown_ended_or_to_come_are_unknown(session_id: str) -> None:
    """P10, P12"""
    with registered_cpo() as (cpo, offpeak):
        cpo.plug_in(visit("S2", leaves_min=5), visit("S3", arrives_min=30))
        cpo.advance(after(10))
        answer = offpeak.set_profile(session_id, FULL_POWER)
        assert answer.json()["data"] == {"result": "UNKNOWN_SESSION", "timeout": 0}
        cpo.settle()
        assert offpeak.results() == []


def test_session_ids_compare_without_case_and_a_slash_at_the_end_does_not_matter() -> None:
    """T8, P6"""
    with registered_cpo() as (cpo, offpeak):
        cpo.plug_in(visit("S1"))
        cpo.advance(EVENING)
        assert offpeak.set_profile("s1/", FULL_POWER).json()["data"]["result"] == "ACCEPTED"


def test_the_active_profile_counts_from_now_and_shows_the_chargers_maximum_where_nothing_limits() -> None:
    """P7, P9"""
    with registered_cpo() as (cpo, offpeak):
        cpo.plug_in(visit())
        cpo.advance(EVENING)

        def active(request_id: str, duration_s: int = 86_400) -> Any:
            asked = {"response_url": offpeak.response_url(request_id), "duration": str(duration_s)}
            assert offpeak.ask("GET", "chargingprofiles/S1", params=asked).json()["data"]["result"] == "ACCEPTED"
            cpo.settle()
            (result,) = offpeak.results(request_id)
            assert result["result"] == "ACCEPTED"
            return result["profile"]

        assert active("before")["charging_profile"]["charging_profile_period"] == [{"start_period": 0, "limit": 16.0}]

        offpeak.set_profile("S1", NIGHT)
        cpo.advance(after(90))
        shown = active("during")
        assert shown["start_date_time"] == shown["charging_profile"]["start_date_time"] == "2026-01-30T19:30:00Z"
        assert shown["charging_profile"]["charging_profile_period"] == [
            {"start_period": 0, "limit": 16.0},
            {"start_period": 1800, "limit": 8.1},
            {"start_period": 5400, "limit": 16.0},
        ]
        assert len(active("soon", duration_s=600)["charging_profile"]["charging_profile_period"]) == 1


def test_clearing_lifts_the_limit_and_clearing_again_finds_nothing() -> None:
    """P1"""
    with registered_cpo() as (cpo, offpeak):
        cpo.plug_in(visit())
        cpo.advance(EVENING)
        offpeak.set_profile("S1", profile((0, 0)))
        cpo.advance(after(1))
        assert cpo.state("S1").doing is Doing.HELD_BACK
        for request_id in ("c1", "c2"):
            offpeak.ask("DELETE", "chargingprofiles/S1", params={"response_url": offpeak.response_url(request_id)})
            cpo.settle()
        assert offpeak.results("c1") == [{"result": "ACCEPTED"}]
        assert offpeak.results("c2") == [{"result": "UNKNOWN"}]
        cpo.advance(after(2))
        assert cpo.state("S1").doing is Doing.CHARGING


def test_an_announcing_cpo_pushes_each_active_profile() -> None:
    """P9"""
    settings = Settings(Style(), announces_active_profile=True)
    with registered_cpo(settings=settings) as (cpo, offpeak):
        cpo.plug_in(visit())
        cpo.advance(EVENING)
        offpeak.set_profile("S1", profile((0, 8.0)))
        cpo.settle()
        (pushed,) = offpeak.active_profiles("S1")
        assert pushed["charging_profile"]["charging_profile_period"] == [{"start_period": 0, "limit": 8.0}]


def test_every_call_is_kept_with_what_became_of_it() -> None:
    with registered_cpo() as (cpo, offpeak):
        cpo.plug_in(visit())
        cpo.advance(after(1))
        offpeak.set_profile("S1", FULL_POWER)
        cpo.settle()
        (call,) = cpo.log("S1").profile_calls
        assert (call.kind, call.at, call.answer, call.result) == (
            CallKind.SET,
            after(1),
            Answer.ACCEPTED,
            Result.ACCEPTED,
        )
        assert call.was_put_in_force
        assert call.result_statuses == [200]
        assert [push.http_status for push in cpo.log("S1").pushes] == [200, 200]
