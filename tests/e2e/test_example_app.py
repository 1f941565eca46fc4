"""The example app on the deployed stack, with a real browser and its scripts: paired, plugged in, seen, un-paired."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from local.app.server import App
from local.loopback_server import LoopbackServer
from local.tenant import make_tenant
from offpeak.tenants.model import Look
from tests.browser.accessible import check_accessible
from tests.browser.phone import OpenPhone
from tests.e2e.pairing_driver import EXAMPLE, cpo_with_codes
from tests.e2e.scene import Scene

WITHIN_MS = 30_000


@pytest.fixture
def app_url(scene: Scene, tmp_path: Path) -> Iterator[str]:
    """The app of a tenant whose drivers have codes of one CPO."""
    partner = cpo_with_codes(scene)
    partner.cpo.pairing.issue(EXAMPLE, ("EVSE-1",))
    settings = tmp_path / "app.json"
    with LoopbackServer(lambda url: App(settings, url).asgi()) as server:
        ways_back = [f"{server.url}/paired"]
        credentials = make_tenant(
            scene.cloud, "hearth-app", Look("Hearth"), partner_ids=[partner.partner_id], redirect_urls=ways_back
        )
        scene.stage.tokens |= {credentials.client_secret, credentials.api_key}
        told = {
            "credentials": asdict(credentials),
            "cpo_url": partner.cpo.url,
            "price_feed_url": scene.stage.market.feed.url,
            "evse_uid": "EVSE-1",
            "code": EXAMPLE,
        }
        settings.write_text(json.dumps(told))
        yield server.url


def event(page: Page, kind: str) -> None:
    """Wait until a webhook of a kind was received, and its signature was right."""
    row = page.locator("#events li", has_text=kind).first
    expect(row).to_contain_text("verified", timeout=WITHIN_MS)


def test_a_person_pairs_plugs_in_sees_the_plan_and_leaves(scene: Scene, app_url: str, phone: OpenPhone) -> None:
    page = phone(bypass_csp=True)  # axe is a script of its own
    page.goto(app_url)
    expect(page.get_by_role("heading", level=1)).to_have_text("Charge when power is cheap", timeout=WITHIN_MS)
    expect(page.locator("#code")).to_have_text(EXAMPLE)
    check_accessible(page)
    page.get_by_role("button", name="Connect my charger").click()

    page.get_by_role("button", name="Start").click(timeout=WITHIN_MS)
    page.get_by_role("textbox").fill(EXAMPLE)
    page.locator("main form button").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your charger is connected", timeout=WITHIN_MS)
    page.locator(f"a[href^='{app_url}']").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Waiting for a car", timeout=WITHIN_MS)
    event(page, "charger.paired")
    page.get_by_role("button", name="Plug in").click()
    expect(page.locator("#reason")).to_contain_text("Charges", timeout=WITHIN_MS)
    expect(page.locator("#chart .planned").first).to_be_attached(timeout=WITHIN_MS)
    expect(page.locator("#chart .bar.cheap").first).to_be_attached()
    event(page, "session.planned")
    check_accessible(page)

    page.get_by_role("button", name="Charge now, for an hour").click()
    expect(page.get_by_role("button", name="Charging now until")).to_be_visible(timeout=WITHIN_MS)
    expect(page.locator("#reason")).to_contain_text("at once", timeout=WITHIN_MS)
    scene.pass_time(minutes=5)
    page.get_by_role("button", name="Unplug").click()
    event(page, "session.finished")
    page.get_by_role("button", name="Disconnect charger").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Charge when power is cheap", timeout=WITHIN_MS)
    event(page, "charger.unpaired")
    scene.settle()
