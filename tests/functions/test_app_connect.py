"""The app API on connect sessions and the pages behind their links, as API Gateway calls them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from functions import app_connect, pair
from offpeak import wiring
from offpeak.pairing.model import UserKey
from tests.conftest import MakeTable
from tests.functions.conftest import BASE_URL, Cloud
from tests.functions.events import CONTEXT, header_of, rest_event
from tests.functions.logs import captured_log
from tests.pairing.builders import USER, location, user
from tests.pairing.test_choose import cpo
from tests.tenants.builders import a_tenant

SESSIONS = f"/v1/users/{USER.user_id}/chargers/connect-sessions"
WANTED = {"location_id": "loc_1", "redirect_url": "https://hearth.example/paired?from=us"}


@pytest.fixture(autouse=True)
def _world(cloud: Cloud, make_table: MakeTable, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("users", "app_requests", "connect_sessions"):
        monkeypatch.setenv(f"{name.upper()}_TABLE", make_table(name).name)
    queue = cloud.client("sqs").create_queue(QueueName=f"{cloud.partners.name}-pairing")["QueueUrl"]
    monkeypatch.setenv("PAIRING_QUEUE_URL", queue)
    pair.visits.cache_clear()
    for tenant_id in ("hearth", "other"):
        wiring.tenants().save(a_tenant(tenant_id))
    wiring.partners().save(cpo("acme", "[A-Z]{3}-[0-9]{4}"))
    wiring.accounts().save_user(user())
    wiring.accounts().save_location(USER, location())
    yield
    pair.visits.cache_clear()


def call(method: str, path: str, body: object = None, *, tenant: str = "hearth", **headers: str) -> Any:
    event = rest_event(
        method,
        path,
        None if body is None else json.dumps(body),
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        authorizer={"tenant_id": tenant},
    )
    return app_connect.handler(event, CONTEXT)


def visit(method: str, url: str, form: dict[str, str] | None = None, **headers: str) -> Any:
    path, _, query = url.removeprefix(BASE_URL).partition("?")
    body = urlencode(form) if form is not None else None
    event = rest_event(method, path, body, headers=headers, resource="/pair/{token}")
    event["queryStringParameters"] = dict(each.split("=") for each in query.split("&") if each) or None
    return pair.handler(event, CONTEXT)


def made(**changes: object) -> Any:
    answer = call("POST", SESSIONS, {**WANTED, **changes})
    assert answer["statusCode"] == 201, answer["body"]
    return json.loads(answer["body"])


def test_an_app_begins_a_connect_session_and_is_told_its_link_once() -> None:
    session = made(language="nl")
    assert (session["state"], session["problem"], session["charger_id"]) == ("CREATED", None, None)
    assert session["start_url"].startswith(f"{BASE_URL}/pair/{session['connect_session_id']}.")
    shown = call("GET", f"{SESSIONS}/{session['connect_session_id']}")
    assert json.loads(shown["body"]) == {name: value for name, value in session.items() if name != "start_url"}


def test_the_same_request_again_makes_the_same_link_and_keeps_no_secret(cloud: Cloud, dynamodb: Any) -> None:
    answers = [call("POST", SESSIONS, WANTED, Idempotency_Key="key-1") for _ in range(2)]
    first, again = (json.loads(each["body"]) for each in answers)
    assert first == again
    secret = first["start_url"].partition(".con_")[2] or first["start_url"].rpartition(".")[2]
    table = wiring.repeats()._table.name
    assert secret not in str(dynamodb.scan(TableName=table)["Items"])
    assert visit("GET", first["start_url"])["statusCode"] == 200


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"redirect_url": "https://evil.example/paired"}, "redirect_url"),
        ({"location_id": "loc_2"}, "location_id"),
        ({"location_id": "../x"}, "location_id"),
        ({"language": "es"}, "language"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_an_app_may_not_ask_for_is_named(changes: dict[str, object], field: str) -> None:
    answer = call("POST", SESSIONS, {**WANTED, **changes})
    assert (answer["statusCode"], json.loads(answer["body"])["field"]) == (422, field)


def test_another_tenant_neither_makes_sees_nor_cancels_a_session() -> None:
    path = f"{SESSIONS}/{made()['connect_session_id']}"
    for method, at, body in (("POST", SESSIONS, WANTED), ("GET", path, None), ("DELETE", path, None)):
        assert call(method, at, body, tenant="other")["statusCode"] == 404
    assert json.loads(call("GET", path)["body"])["state"] == "CREATED"


@pytest.mark.parametrize("strange", ["Ann-Example", "x" * 3000])
def test_what_is_no_connect_session_is_not_found_and_its_name_is_in_no_log(strange: str) -> None:
    with captured_log() as log:
        assert {call(method, f"{SESSIONS}/{strange}")["statusCode"] for method in ("GET", "DELETE")} == {404}
    assert {each["problem"] for each in log() if "problem" in each} == {"there is no such connect session"}


def test_an_app_cancels_a_session_and_its_link_says_so() -> None:
    session = made()
    path = f"{SESSIONS}/{session['connect_session_id']}"
    for _ in range(2):
        assert json.loads(call("DELETE", path)["body"])["state"] == "CANCELLED"
    assert "Nothing was connected" in visit("GET", session["start_url"])["body"]


def test_even_a_failure_of_ours_is_told_in_the_drivers_language(monkeypatch: pytest.MonkeyPatch) -> None:
    link, dutch = f"{BASE_URL}/pair/con_1.secret", {"Accept-Language": "nl-BE"}
    assert "Deze link werkt niet" in visit("PUT", link, **dutch)["body"]
    monkeypatch.setenv("CONNECT_SESSIONS_TABLE", "gone")
    wiring.connects.cache_clear()
    pair.visits.cache_clear()
    with captured_log():
        failed = visit("GET", link, **dutch)
        assert "Bei uns ist etwas" in visit("GET", f"{link}?lang=de", **dutch)["body"]
    assert failed["statusCode"] == 500
    assert "Er ging bij ons iets mis" in failed["body"]


def test_a_driver_goes_from_the_link_to_the_queue() -> None:
    session = made()
    url, path = session["start_url"], session["start_url"].removeprefix(BASE_URL)
    welcome = visit("GET", url)
    cookie = re.match(r"(__Host-offpeak=[\w-]{43}); ", header_of(welcome, "Set-Cookie") or "")
    assert cookie is not None
    assert header_of(welcome, "Set-Cookie") == (f"{cookie[1]}; Path=/; Max-Age=86400; Secure; HttpOnly; SameSite=Lax")
    assert header_of(welcome, "Referrer-Policy") == "no-referrer"
    token = re.search(r'name="form_token" value="(\w+)"', welcome["body"])
    assert token is not None

    def send(**form: str) -> Any:
        return visit("POST", url, {"form_token": token[1], **form}, Cookie=f"other=1; {cookie[1]}")

    started = send(do="start")
    assert (started["statusCode"], header_of(started, "Location")) == (303, f"{path.rpartition('/')[2]}?lang=en")
    assert "ABC-12345" in send(do="code", code="ABC-12345")["body"]
    assert send(do="code", code="abc-1234")["statusCode"] == 303
    progress = visit("GET", f"{url}?lang=de&auto=yes", Cookie=cookie[1])
    assert header_of(progress, "Refresh") == "2"
    assert "Ihr Code wird geprüft" in progress["body"]
    shown = json.loads(call("GET", f"{SESSIONS}/{session['connect_session_id']}")["body"])
    assert (shown["state"], shown["charger_id"]) == ("VALIDATING", None)
    kept = wiring.connects().known(UserKey("hearth", USER.user_id), session["connect_session_id"])
    assert (kept.code, kept.partner_ids) == ("ABC-1234", ("acme",))
    assert visit("GET", url)["statusCode"] == 403


@pytest.mark.parametrize("path", ["/pair/con_forged.link", "/pair/x", "/pair/%00"])
def test_a_forged_link_is_answered_with_a_page(path: str) -> None:
    answer = visit("GET", path, **{"Accept-Language": "fr"})
    assert answer["statusCode"] == 404
    assert "Ce lien ne fonctionne pas" in answer["body"]
    assert header_of(answer, "Content-Type") == "text/html; charset=utf-8"


def test_a_megabyte_is_refused_with_a_page() -> None:
    answer = visit("POST", made()["start_url"], {"code": "A" * 1_000_000})
    assert answer["statusCode"] == 413
    assert "<h1>Please try that again</h1>" in answer["body"]
