"""A driver: his account at a tenant, a CPO that gives him codes, and links that his app opens."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from playwright.sync_api import Page

from offpeak.pairing import connect
from offpeak.pairing.accounts import AccountStore
from offpeak.pairing.begin import NewConnectSession, begin
from offpeak.pairing.connect import ConnectSession
from offpeak.pairing.connect_store import ConnectStore
from offpeak.pairing.model import ChargingLocation, User, UserKey
from offpeak.tenants.model import Look, Tenant
from offpeak.tenants.store import TenantStore
from tests.e2e.partner import Partner
from tests.e2e.scene import Scene
from tests.e2e.tenant import Browser

PATTERN, EXAMPLE = "[A-Z]{3}-[0-9]{4}", "ABC-1234"
BACK = "https://app.hearth.example/paired"


def cpo_with_codes(scene: Scene) -> Partner:
    """Let there be a CPO that gives out codes such as ABC-1234."""
    partner = scene.partner()
    partner.change(pairing={"url": partner.cpo.pairing_url, "code_pattern": PATTERN, "code_hint": EXAMPLE})
    return partner


@dataclass
class Driver:
    scene: Scene
    partner: Partner
    tenant: Tenant
    user: UserKey
    location_id: str = "loc_1"

    @classmethod
    def moves_in(cls, scene: Scene) -> Driver:
        partner = cpo_with_codes(scene)
        tenant_id = f"tenant-{secrets.token_hex(4)}"
        tenant = Tenant(tenant_id, Look("Hearth Energy", "#7a1f5c"), (partner.partner_id,), (BACK,))
        saved = TenantStore(scene.stage.table("tenants")).save(tenant)
        return cls(scene, partner, saved, UserKey(tenant_id, "")).another()

    def another(self) -> Driver:
        """Return another driver of the same tenant, who lives elsewhere."""
        user, now = UserKey(self.tenant.tenant_id, f"usr_{secrets.token_hex(8)}"), datetime.now(UTC)
        self.accounts.save_user(User(user, now))
        self.accounts.save_location(user, ChargingLocation("loc_1", "Home", "Europe/Berlin", now))
        return replace(self, user=user)

    @property
    def accounts(self) -> AccountStore:
        return AccountStore(self.scene.stage.table("users"))

    @property
    def connects(self) -> ConnectStore:
        return ConnectStore(self.scene.stage.table("connect_sessions"))

    def code(self, evse_uid: str, code: str = EXAMPLE) -> str:
        """Have the CPO give out a code for an EVSE."""
        self.partner.cpo.pairing.issue(code, (evse_uid,))
        return code

    def link(self, language: str | None = None) -> Link:
        """Let the app begin a connect session."""
        connect_id, secret = f"con_{secrets.token_urlsafe(16)}", secrets.token_urlsafe(32)
        said = NewConnectSession.model_validate(
            {"location_id": self.location_id, "redirect_url": f"{BACK}?from=us", "language": language}
        )
        begin(
            self.user,
            said,
            self.tenant,
            self.accounts,
            self.connects,
            connect_id=connect_id,
            secret=secret,
            now=datetime.now(UTC),
        )
        base_url = self.scene.cloud.base_url
        return Link(self, connect_id, f"{base_url}/pair/{connect.start_token(connect_id, secret)}")


@dataclass(frozen=True)
class Link:
    """What the app opens."""

    driver: Driver
    connect_id: str
    url: str

    @property
    def session(self) -> ConnectSession:
        return self.driver.connects.known(self.driver.user, self.connect_id)

    def change(self, **changes: Any) -> None:
        """Let something have happened meanwhile."""
        self.driver.connects.save(replace(self.session, **changes))

    def start(self, page: Page) -> Page:
        page.goto(self.url)
        page.get_by_role("button", name="Start").click()
        return page

    def read(self) -> Browser:
        """Open it in a browser without a script that draws nothing, which takes a hundredth of the time, and start."""
        browser = Browser(self.driver.scene)
        browser.open(self.url)
        browser.send(do="start")
        return browser

    def enter(self, page: Page, code: str) -> Page:
        page.get_by_label("Code", exact=True).fill(code)
        page.get_by_role("button", name="Connect charger").click()
        return page
