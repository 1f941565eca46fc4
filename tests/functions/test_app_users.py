"""The app API on users and charging locations, as API Gateway calls it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from functions import app_users
from offpeak import wiring
from offpeak.pairing.model import ChargerKey, UserKey
from offpeak.pairing.own_markets import OwnMarket
from tests.conftest import MakeTable
from tests.functions.conftest import BASE_URL, Cloud
from tests.functions.events import CONTEXT, header_of, rest_event
from tests.functions.logs import captured_log
from tests.pairing.builders import charger

HOME = {"name": "Home", "time_zone": "Europe/Amsterdam"}
ADDRESS = {"street": "Kade 1", "postal_code": "1011 AB", "city": "Amsterdam", "country_code": "NL"}


@pytest.fixture(autouse=True)
def _tables(cloud: Cloud, make_table: MakeTable, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("users", "app_requests", "sessions", "own_markets"):
        monkeypatch.setenv(f"{name.upper()}_TABLE", make_table(name).name)
    queue_name = f"{cloud.partners.name}-plan.fifo"
    queue = cloud.client("sqs").create_queue(QueueName=queue_name, Attributes={"FifoQueue": "true"})
    monkeypatch.setenv("PLAN_QUEUE_URL", queue["QueueUrl"])


def call(
    method: str,
    path: str,
    body: object = None,
    *,
    tenant: str = "hearth",
    query: Mapping[str, str] | None = None,
    told: Mapping[str, str] | None = None,
    **headers: str,
) -> Any:
    """Call the function as the authoriser lets a tenant in; header names have _ for -."""
    event = rest_event(
        method,
        path,
        None if body is None else json.dumps(body),
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        authorizer={"tenant_id": tenant} if told is None else told,
    )
    event["queryStringParameters"] = dict(query) if query else None
    return app_users.handler(event, CONTEXT)


def body_of(answer: Any, http_status: int = 200) -> Any:
    assert answer["statusCode"] == http_status, answer["body"]
    return json.loads(answer["body"])


def a_user(tenant: str = "hearth") -> str:
    return str(body_of(call("POST", "/v1/users", {"reference": "driver-17"}, tenant=tenant), 201)["user_id"])


def a_location(user_id: str, **changes: object) -> Any:
    return body_of(call("POST", f"/v1/users/{user_id}/locations", {**HOME, **changes}), 201)


def test_a_user_is_made_shown_changed_and_listed() -> None:
    made = call("POST", "/v1/users", {"reference": "driver-17"})
    user = body_of(made, 201)
    path = f"/v1/users/{user['user_id']}"
    assert header_of(made, "Location") == f"{BASE_URL}{path}"
    changed = call("PATCH", path, {"reference": None}, If_Match=header_of(made, "ETag") or "")
    assert body_of(changed)["reference"] is None
    assert header_of(changed, "ETag") == '"2"'
    assert body_of(call("GET", path)) == body_of(changed)
    assert body_of(call("GET", "/v1/users")) == {"users": [body_of(changed)], "next": None}


def test_a_user_may_be_made_without_a_body() -> None:
    assert body_of(call("POST", "/v1/users"), 201)["reference"] is None


def test_users_are_listed_page_by_page() -> None:
    made = {a_user() for _ in range(3)}
    first = body_of(call("GET", "/v1/users", query={"limit": "2"}))
    rest = body_of(call("GET", "/v1/users", query={"limit": "2", "cursor": first["next"]}))
    assert {each["user_id"] for each in first["users"] + rest["users"]} == made
    assert rest["next"] is None


def test_a_charging_location_is_made_changed_and_taken_away() -> None:
    user_id = a_user()
    tariff = {"kind": "FIXED", "fixed_eur_per_kwh": 0.3}
    made = a_location(user_id, address=ADDRESS, tariff=tariff, connection_limit_a=25, bidding_zone="NL")
    assert (made["address"], made["tariff"]["fixed_eur_per_kwh"], made["connection_limit_a"]) == (ADDRESS, 0.3, 25)
    path = f"/v1/users/{user_id}/locations/{made['location_id']}"
    changed = body_of(call("PATCH", path, {"name": "Work", "tariff": None, "address": None}, If_Match='"1"'))
    assert (changed["name"], changed["tariff"], changed["address"], changed["bidding_zone"]) == (
        "Work",
        None,
        None,
        "NL",
    )
    assert body_of(call("GET", f"/v1/users/{user_id}/locations"))["locations"] == [changed]
    assert call("DELETE", path, If_Match='"1"')["statusCode"] == 412
    assert call("DELETE", path, If_Match='"2"')["statusCode"] == 204
    assert call("GET", path)["statusCode"] == 404


def test_a_place_with_a_charger_that_is_said_to_be_in_another_zone_has_that_zones_prices_fetched() -> None:
    user_id = a_user()
    place = a_location(user_id)
    key = ChargerKey(UserKey("hearth", user_id), "chg_1")
    wiring.accounts().save_charger(charger(key, location_id=place["location_id"]))
    path = f"/v1/users/{user_id}/locations/{place['location_id']}"
    assert body_of(call("PATCH", path, {"bidding_zone": "IT-North"}, If_Match='"1"'))["bidding_zone"] == "IT-North"
    assert wiring.own_markets().all() == [OwnMarket("acme", "IT-North", None)]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"time_zone": "Europe/Atlantis"}, "time_zone"),
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"connection_limit_a": 0}, "connection_limit_a"),
        ({"address": {**ADDRESS, "country_code": "Holland"}}, "address.country_code"),
        ({"address": {"street": "Kade 1"}}, "address.postal_code"),
        ({"bidding_zone": "nl"}, "bidding_zone"),
        ({"bidding_zone": "ZZ-1"}, "bidding_zone"),
        ({"tariff": {"kind": "TIME_OF_USE"}}, "tariff.windows"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_is_wrong_with_a_location_is_named(change: dict[str, object], field: str) -> None:
    user_id = a_user()
    refused = call("POST", f"/v1/users/{user_id}/locations", {**HOME, **change})
    problem = body_of(refused, 422)
    assert problem["field"] == field
    assert header_of(refused, "Content-Type") == "application/problem+json"
    assert body_of(call("GET", f"/v1/users/{user_id}/locations"))["locations"] == []


def test_who_changes_a_thing_says_which_version_he_has_seen() -> None:
    path = f"/v1/users/{a_user()}"
    assert call("PATCH", path, {"reference": "x"})["statusCode"] == 428
    assert call("PATCH", path, {"reference": "x"}, If_Match='"7"')["statusCode"] == 412
    assert call("PATCH", path, {"reference": "x"}, If_Match="*")["statusCode"] == 200


@pytest.mark.parametrize("user_id", ["usr_none", "%23", "a%23b", "..", "x" * 3000, "%00", "usr%5F1%23USER"])
def test_there_is_nobody_of_a_strange_name(user_id: str) -> None:
    for method, path, body in (("GET", "", None), ("GET", "/locations", None), ("POST", "/locations", HOME)):
        assert call(method, f"/v1/users/{user_id}{path}", body)["statusCode"] == 404


def test_what_an_app_says_in_place_of_an_id_or_of_a_field_gets_into_no_log_but_what_may_be_an_id_does() -> None:
    strange, like_ours, user_id = "Ann-Example_04A2B3C4", "usr_0123456789abcdefghij-_", a_user()
    with captured_log() as log:
        for path in (f"/v1/users/{strange}", f"/v1/users/{user_id}/locations/{strange}", f"/v1/deletions/{strange}"):
            assert strange not in body_of(call("GET", path), 404)["detail"]
        body_of(call("GET", f"/v1/users/{like_ours}"), 404)
        assert body_of(call("POST", "/v1/users", {strange: 1}), 422)["field"] == strange
    assert [each["problem"] for each in log() if "problem" in each] == [
        "there is no such user",
        "there is no such charging location",
        "there is no such deletion",
        f"there is no user {like_ours}",
        "?: Extra inputs are not permitted",
    ]


def test_another_tenant_finds_nothing_of_it() -> None:
    user_id = a_user()
    location_id = a_location(user_id)["location_id"]
    assert body_of(call("GET", "/v1/users", tenant="other"))["users"] == []
    for path in (f"/v1/users/{user_id}", f"/v1/users/{user_id}/locations/{location_id}"):
        assert call("GET", path, tenant="other")["statusCode"] == 404
        assert call("PATCH", path, {}, tenant="other", If_Match="*")["statusCode"] == 404


def test_whoever_did_not_pass_the_authoriser_or_lacks_something_is_told_so() -> None:
    assert call("GET", "/v1/users", told={})["statusCode"] == 401
    refused = body_of(call("GET", "/v1/users", told={"refusal": "the header ApiKey is missing"}), 401)
    assert refused["detail"] == "the header ApiKey is missing"
    assert call("GET", "/v1/users", told={"partner_id": "acme"})["statusCode"] == 401


def test_a_request_that_comes_again_makes_nothing_twice_and_is_answered_the_same() -> None:
    first = call("POST", "/v1/users", {"reference": "a"}, Idempotency_Key="k1")
    again = call("POST", "/v1/users", {"reference": "a"}, Idempotency_Key="k1")
    assert (again["statusCode"], again["body"]) == (201, first["body"])
    for name in ("ETag", "Location", "Content-Type"):
        assert header_of(again, name) == header_of(first, name)
    assert header_of(again, "Idempotent-Replayed") == "true"
    assert len(body_of(call("GET", "/v1/users"))["users"]) == 1
    assert (
        body_of(call("POST", "/v1/users", {"reference": "b"}, Idempotency_Key="k1"), 422)["field"] == "Idempotency-Key"
    )
    assert call("POST", "/v1/users", {"reference": "a"}, Idempotency_Key="k1", tenant="other")["statusCode"] == 201


def test_a_refused_request_may_be_mended_under_the_same_key() -> None:
    user_id = a_user()
    path = f"/v1/users/{user_id}/locations"
    assert call("POST", path, {**HOME, "time_zone": "x"}, Idempotency_Key="k1")["statusCode"] == 422
    assert call("POST", path, HOME, Idempotency_Key="k1")["statusCode"] == 201


@pytest.mark.parametrize("key", ["", "k" * 256, "clé"])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    assert body_of(call("POST", "/v1/users", {}, Idempotency_Key=key), 422)["field"] == "Idempotency-Key"


def test_a_user_has_no_more_than_so_many_locations() -> None:
    user_id = a_user()
    for _ in range(20):
        a_location(user_id)
    assert call("POST", f"/v1/users/{user_id}/locations", HOME)["statusCode"] == 422


def test_a_user_is_erased_by_a_deletion_that_is_told_of() -> None:
    user_id = a_user()
    a_location(user_id)
    begun = call("DELETE", f"/v1/users/{user_id}")
    deletion = body_of(begun, 202)
    path = f"/v1/deletions/{deletion['deletion_id']}"
    assert header_of(begun, "Location") == f"{BASE_URL}{path}"
    assert call("GET", f"/v1/users/{user_id}")["statusCode"] == 404
    assert body_of(call("GET", path)) == deletion
    assert deletion["state"] == "RUNNING"
    assert body_of(call("DELETE", f"/v1/users/{user_id}"), 202) == deletion
    for strange in (path, "/v1/deletions/del_none", f"/v1/deletions/{'x' * 3000}"):
        assert call("GET", strange, tenant="other")["statusCode"] == 404
    assert call("DELETE", f"/v1/users/{user_id}", tenant="other")["statusCode"] == 404
    assert call("POST", f"/v1/users/{user_id}/locations", HOME)["statusCode"] == 404
