"""Drivers connect their chargers on the deployed stack, with a CPO that gives them codes: the whole way, and each way
in which it can go wrong. The whole way, and where a browser is used by its keyboard, renews a page or runs a script,
is in a real one; the others only read pages and send forms, because no page needs more."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import httpx
from playwright.sync_api import Page, expect

from local.cpo import PairingTrouble
from offpeak.events.model import EventKind
from offpeak.pairing.connect import ASKED_FOR, MOST_CODES, ConnectState
from offpeak.tenants.store import TenantStore
from tests.browser.accessible import check_fits
from tests.browser.phone import OpenPhone
from tests.e2e.app import App
from tests.e2e.pairing_driver import BACK, Driver, cpo_with_codes
from tests.e2e.scene import Scene
from tests.e2e.tenant import Browser

PLAIN = {"java_script_enabled": False}
WITHIN_MS = 20_000
"""A worker of the local stack may have to start first."""


def heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(text, timeout=WITHIN_MS)


def problem(page: Page, words: str) -> None:
    expect(page.get_by_role("alert")).to_contain_text(words, timeout=WITHIN_MS)


@contextmanager
def held_up(scene: Scene) -> Iterator[None]:
    """Let the pairing queue's worker sleep meanwhile."""
    client, name = scene.cloud.client("lambda"), scene.cloud.deployed.function("pair_chargers")
    [mapping] = client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    try:
        yield
    finally:
        client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)


def test_a_driver_connects_his_charger(driver: Driver, phone: OpenPhone) -> None:
    """In a browser that runs no scripts: no page needs one."""
    link, code = driver.link(), driver.code("EVSE-1")
    page = phone(**PLAIN)
    page.goto(link.url)
    heading(page, "Connect your charger")
    expect(page.get_by_text("Home", exact=True)).to_be_visible()
    page.get_by_role("button", name="Start").click()
    heading(page, "Enter the code of your charger")
    expect(page.get_by_text("It looks like this: ABC-1234")).to_be_visible()
    link.enter(page, code.lower())
    heading(page, "Your charger is connected")
    expect(page.get_by_text("DE*SIM*EEVSE-1, Home")).to_be_visible()
    check_fits(page)
    account = driver.accounts.known(driver.user)
    [charger] = account.chargers.values()
    assert link.session.state is ConnectState.PAIRED
    assert link.session.charger_id == charger.key.charger_id
    assert [each.uid for each in charger.station.evses] == ["EVSE-1"]
    back = str(page.get_by_role("link", name="Back to Hearth Energy").get_attribute("href"))
    assert back.startswith(f"{BACK}?from=us&")
    told = parse_qs(urlsplit(back).query)
    assert (told["connect_session"], told["connect_state"]) == ([link.connect_id], ["PAIRED"])


def test_an_app_follows_its_driver_from_the_link_to_the_charger(scene: Scene) -> None:
    """The app sees the API and its redirect URL, the driver the pages, the CPO a code: nobody anything else."""
    partner = cpo_with_codes(scene)
    partner.cpo.pairing.issue("ABC-1234", ("EVSE-S1",))
    app = App(scene.stage)
    tenants = TenantStore(scene.stage.table("tenants"))
    tenants.save(replace(tenants.known(app.tenant_id), partner_ids=(partner.partner_id,), redirect_urls=(BACK,)))
    sessions = f"/v1/users/{app.user_id}/chargers/connect-sessions"
    wanted = {"location_id": app.location_id, "redirect_url": BACK, "language": "de"}
    begun = app.done("POST", sessions, wanted, Idempotency_Key="once")
    assert app.done("POST", sessions, wanted, Idempotency_Key="once") == begun
    here = f"{sessions}/{begun['connect_session_id']}"
    assert app.done("GET", here)["state"] == "CREATED"

    page = Browser(scene)
    page.open(begun["start_url"])
    page.send(do="start")
    page.shows("Geben Sie den Code Ihrer Ladestation ein")
    assert app.done("GET", here)["state"] == "OPENED"
    page.enter("ABC-1234").shows("Ihre Ladestation ist verbunden")

    ended = app.done("GET", here)
    assert (ended["state"], ended["problem"]) == ("PAIRED", None)
    charger = f"/v1/users/{app.user_id}/chargers/{ended['charger_id']}"
    assert app.done("GET", charger)["state"] == "waiting_for_session"
    assert scene.eventually(lambda: [each.event.kind for each in app.told(charger)] == [EventKind.CHARGER_PAIRED])
    assert app.done("DELETE", here)["state"] == "PAIRED", "what is decided cannot be cancelled"
    refused = app.ask("POST", sessions, {**wanted, "redirect_url": "https://evil.example/paired"})
    assert (refused.http_status, refused.envelope["field"]) == (422, "redirect_url")


def test_a_charging_station_is_connected_with_all_of_its_evses(driver: Driver) -> None:
    driver.partner.change(pairing={"tier": "STATION"})
    driver.partner.cpo.pairing.issue("STA-0001", ("S1-A", "S1-B"), "S1")
    driver.link().read().enter("STA-0001").shows("Your charger is connected")
    [charger] = driver.accounts.known(driver.user).chargers.values()
    assert [each.uid for each in charger.station.evses] == ["S1-A", "S1-B"]


def test_a_driver_who_has_no_mouse_connects_his_charger(driver: Driver, phone: OpenPhone) -> None:
    link, code = driver.link(), driver.code("EVSE-1")
    page = phone(**PLAIN)
    page.goto(link.url)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Start")).to_be_focused()
    page.keyboard.press("Enter")
    heading(page, "Enter the code of your charger")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Code", exact=True)).to_be_focused()
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    problem(page, "does not look like a code")
    expect(page.locator("#problem")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # the problem leads to its field
    page.keyboard.press("Control+A")
    field = page.get_by_label("Code", exact=True)
    if not field.evaluate("each => each === document.activeElement"):
        page.keyboard.press("Tab")
        page.keyboard.press("Control+A")
    page.keyboard.type(code)
    page.keyboard.press("Enter")
    heading(page, "Your charger is connected")


def test_the_page_watches_by_itself_while_the_cpo_takes_its_time(driver: Driver, phone: OpenPhone) -> None:
    driver.partner.cpo.pairing.order(PairingTrouble(slow_s=5), "pair")
    link, code = driver.link(), driver.code("EVSE-1")
    page = link.enter(link.start(phone(**PLAIN)), code)
    heading(page, "Checking your code")
    expect(page.get_by_role("status")).to_contain_text("This page renews itself every 2 seconds.")
    heading(page, "Your charger is connected")


def test_a_page_that_shall_not_renew_itself_does_not(driver: Driver, phone: OpenPhone, scene: Scene) -> None:
    link, code = driver.link(), driver.code("EVSE-1")
    page = phone(**PLAIN)
    with held_up(scene):
        link.enter(link.start(page), code)
        page.get_by_role("link", name="Do not renew it").click()
        expect(page.get_by_role("status")).to_contain_text("no longer renews itself")
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.wait_for_timeout(3000)
        assert asked == []
    scene.settle()
    page.get_by_role("link", name="Look again now").click()
    heading(page, "Your charger is connected")


HOSTILE = (
    "<script>alert(1)</script>",
    "'; DROP TABLE users; --",
    "АBC-1234",  # it begins in Cyrillic
    "{{7*7}}${7*7}",
    "ABC-1234\u202e",
    "A" * 100,
    "%00%0d%0aSet-Cookie: x=1",
)


def test_a_hostile_code_is_refused_at_once_and_shown_as_what_it_is(driver: Driver, phone: OpenPhone) -> None:
    link = driver.link()
    page = link.start(phone())
    for hostile in HOSTILE:
        link.enter(page, hostile)
        problem(page, "does not look like a code")
        assert page.get_by_label("Code", exact=True).input_value() == hostile
    assert driver.partner.cpo.pairing.calls == []
    assert link.session.codes == 0


def test_a_megabyte_of_code_is_refused_within_a_second(driver: Driver) -> None:
    link = driver.link()
    page = link.read()

    def took_s() -> float:
        page.open(link.url)
        began_s = time.monotonic()
        assert page.send(do="code", code="A" * 1_000_000).status_code == 413
        return time.monotonic() - began_s

    assert any(took_s() < 1 for _ in range(5)), "the machine may be busy with other things, but not each time"


def test_nothing_typed_is_asked_for(driver: Driver) -> None:
    driver.link().read().enter("  ").tells("Enter the code of your charger.")


def test_a_code_that_the_cpo_does_not_know_may_be_followed_by_the_right_one(driver: Driver) -> None:
    code = driver.code("EVSE-1")
    page = driver.link().read().enter("ABC-9999")
    page.tells("does not know this code")
    assert f"Codes you can still try: {MOST_CODES - 1}" in page.text
    page.enter(code).shows("Your charger is connected")


def test_a_charger_that_somebody_else_has_is_refused_and_stays_his(driver: Driver) -> None:
    neighbour = driver.another()
    code = driver.code("EVSE-1")
    neighbour.link().read().enter(code).shows("Your charger is connected")
    driver.link().read().enter(code).tells("connected to somebody else's account")
    assert driver.accounts.known(driver.user).chargers == {}
    assert len(driver.accounts.known(neighbour.user).chargers) == 1
    assert [call.kind for call in driver.partner.cpo.pairing.calls] == ["pair", "pair"], "nobody un-pairs the winner"


def test_who_has_the_charger_already_is_told_so(driver: Driver) -> None:
    code = driver.code("EVSE-1")
    for expected in ("Your charger is connected", "You have this charger already"):
        link = driver.link()
        link.read().enter(code).shows(expected)
    [charger_id] = driver.accounts.known(driver.user).chargers
    assert link.session.charger_id == charger_id


def test_a_cpo_that_does_not_answer_is_told_of_after_a_minute_and_a_half(driver: Driver, scene: Scene) -> None:
    driver.partner.cpo.pairing.order(PairingTrouble(http_status=503, calls=1), "pair")
    link, code = driver.link(), driver.code("EVSE-1")
    page = link.read()
    with held_up(scene):
        page.enter(code)
        link.change(asked_since=datetime.now(UTC) - ASKED_FOR)
        page.open(page.url)
        assert "It takes longer than usual" in page.text
    page.tells("does not answer at the moment")
    assert link.session.codes_left == MOST_CODES
    page.enter(code).shows("Your charger is connected")


def test_a_cpo_that_comes_back_in_time_is_asked_again_by_itself(driver: Driver) -> None:
    driver.partner.cpo.pairing.order(PairingTrouble(http_status=503, calls=2), "pair")
    driver.link().read().enter(driver.code("EVSE-1")).shows("Your charger is connected")
    assert [call.http_status for call in driver.partner.cpo.pairing.calls] == [503, 503, 200]


def test_codes_cannot_be_tried_for_ever(driver: Driver) -> None:
    page = driver.link().read()
    for number in range(MOST_CODES - 1):
        page.enter(f"BAD-000{number}").tells("does not know this code")
        assert f"Codes you can still try: {MOST_CODES - number - 1}" in page.text
    page.enter("BAD-9999").shows("Too many codes were tried")
    page.open(page.url)
    page.shows("Too many codes were tried")
    assert len(driver.partner.cpo.pairing.calls) == MOST_CODES


def test_a_message_that_got_lost_is_taken_up_by_the_sweep(driver: Driver, scene: Scene) -> None:
    link, code = driver.link(), driver.code("EVSE-1")
    page = link.read()
    with scene.losing("pairing"):
        page.enter(code)
        assert page.heading == "Checking your code"
    link.change(due_at=datetime.now(UTC))
    scene.cloud.invoke("sweep_pairings")
    page.shows("Your charger is connected")


def test_a_link_that_has_run_out_opens_nothing(driver: Driver) -> None:
    link = driver.link()
    page = link.read()
    link.change(expires_at=datetime.now(UTC))
    page.enter(driver.code("EVSE-1")).shows("This link has run out")
    assert driver.partner.cpo.pairing.calls == []


def test_a_forged_link_opens_nothing(driver: Driver, scene: Scene) -> None:
    link = driver.link()
    for end in (".x", "", "..x", ".%00", "./../../ocpi/versions"):
        answer = httpx.get(re.sub(r"\.[^.]+$", end, link.url), trust_env=False)
        assert answer.status_code in (401, 403, 404)
        assert "Home" not in answer.text
    page = Browser(scene)
    page.open(f"{link.url}x")
    page.shows("This link does not work")


def test_a_look_at_a_link_consumes_nothing_and_a_started_one_is_refused_elsewhere(driver: Driver, scene: Scene) -> None:
    link, code = driver.link(), driver.code("EVSE-1")
    for _ in range(3):  # the previews of a chat
        assert httpx.get(link.url, trust_env=False).status_code == 200
    assert link.session.state is ConnectState.CREATED
    early, late = Browser(scene), Browser(scene)
    early.open(link.url)
    mine = link.read()
    early.send(do="start")
    early.shows("This link was opened in another browser")
    late.open(link.url)
    late.shows("This link was opened in another browser")
    mine.enter(code).shows("Your charger is connected")
    late.open(late.url)
    late.shows("This link was opened in another browser")


def test_an_app_that_opens_its_link_again_in_the_same_browser_goes_on(driver: Driver) -> None:
    link = driver.link()
    page = link.read()
    page.open(link.url)
    page.shows("Enter the code of your charger")


def test_a_form_without_its_token_or_cookie_is_refused(driver: Driver, phone: OpenPhone) -> None:
    link = driver.link()
    page = phone()
    page.goto(link.url)
    page.evaluate("document.querySelector('input[name=form_token]').value = '0'.repeat(64)")
    page.get_by_role("button", name="Start").click()
    heading(page, "Please try that again")
    page.get_by_role("link", name="Open the page again").click()
    heading(page, "Connect your charger")
    page.context.clear_cookies()
    page.get_by_role("button", name="Start").click()
    heading(page, "Please try that again")
    assert link.session.state is ConnectState.CREATED


def test_who_cancels_has_connected_nothing(driver: Driver) -> None:
    link = driver.link()
    page = link.read()
    page.send(do="cancel")
    page.shows("Cancelled")
    assert "connect_state=CANCELLED" in page.page
    assert link.session.state is ConnectState.CANCELLED


def test_a_driver_reads_his_browsers_language_and_may_choose_another(driver: Driver, scene: Scene) -> None:
    link = driver.link()
    for language, words in (
        ("en-GB", "Connect your charger"),
        ("de-AT,de;q=0.9", "Verbinden Sie Ihre Ladestation"),
        ("fr-FR,fr;q=0.9", "Connectez votre borne"),
        ("pt-PT,pt;q=0.9", "Connect your charger"),
        ("nl-NL,nl;q=0.9", "Koppel je laadpaal"),
    ):
        page = Browser(scene, language)
        page.open(link.url)
        page.shows(words)
    page.open(f"{link.url}?lang=de")
    page.shows("Verbinden Sie Ihre Ladestation")
    page.send(do="start")
    page.shows("Geben Sie den Code Ihrer Ladestation ein")


def test_an_app_that_knows_its_drivers_language_says_so(driver: Driver, scene: Scene) -> None:
    page = Browser(scene, "en-GB")
    page.open(driver.link(language="fr").url)
    page.shows("Connectez votre borne")


def test_the_logs_hold_no_code_no_secret_and_no_cookie(driver: Driver, scene: Scene) -> None:
    link = driver.link()
    page = link.read().enter(driver.code("EVSE-1", "LOG-7777"))
    page.shows("Your charger is connected")
    cookie = page.cookie.partition("=")[2]
    assert cookie
    logs = "\n".join(line for name in ("pair", "pair_chargers") for line in scene.cloud.logs(name))
    assert link.connect_id in logs
    for secret in ("LOG-7777", link.url.rpartition(".")[2], cookie, "Home"):
        assert secret not in logs
