"""A tenant of one test: its app, which calls /v1, and its driver's browser, which opens the pages behind a link."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import urlencode

import httpx

from tests.e2e.partner import Partner
from tests.e2e.scene import Scene
from tests.e2e.test_administration import Operator

REDIRECT = "https://app.hearth.example/back"
TENANTS = "/ops/v1/tenants"
REFERENCE = "driver 17 of the app"
"""What the app calls its user."""


class Tenant:
    """A tenant that operators have added, with a client of its own. Its drivers may pair chargers of `partners`."""

    def __init__(self, scene: Scene, *partners: Partner, name: str = "Hearth") -> None:
        self.scene, self.stage = scene, scene.stage
        self.tenant_id = f"tenant-{scene.stage.next_partner()[0]}"
        operator = Operator(scene)
        settings = {
            "name": name,
            "partner_ids": [each.partner_id for each in partners],
            "redirect_urls": [REDIRECT],
        }
        added = operator.ask("POST", TENANTS, {"tenant_id": self.tenant_id, "settings": settings})
        assert added.status_code == 201, added.text
        made = operator.ask("POST", f"{TENANTS}/{self.tenant_id}/clients").json()
        self.api_key = made["api_key"]
        form = {"grant_type": "client_credentials", "client_id": made["client_id"]}
        shown = self.stage.http.post(made["token_url"], data={**form, "client_secret": made["client_secret"]})
        assert shown.status_code == 200, shown.text
        self.access_token = shown.json()["access_token"]
        self.stage.tokens |= {self.access_token, self.api_key, made["client_secret"]}

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> httpx.Response:
        """Call the app API; `path` goes on behind /v1."""
        credentials = {"Authorization": f"Bearer {self.access_token}", "ApiKey": self.api_key}
        return self.stage.http.request(
            method, f"{self.stage.cloud.base_url}/v1{path}", json=body, headers={**credentials, **headers}
        )

    def get(self, path: str) -> Any:
        answer = self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: object = None) -> Any:
        answer = self.ask("POST", path, body if body is not None else {})
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    def change(self, path: str, **wanted: Any) -> httpx.Response:
        """PATCH what was read just before."""
        seen = self.ask("GET", path).headers["ETag"]
        answer = self.ask("PATCH", path, wanted, **{"If-Match": seen})
        assert answer.status_code == 200, answer.text
        return answer

    def driver(self) -> Driver:
        """Let there be a driver with a charging location."""
        user_id = self.post("/users", {"reference": REFERENCE})["user_id"]
        address = {"street": "Kade 1", "postal_code": "10115", "city": "Berlin", "country_code": "DE"}
        home = {"name": "Home", "time_zone": "Europe/Berlin", "bidding_zone": "DE-LU", "address": address}
        location_id = self.post(f"/users/{user_id}/locations", home)["location_id"]
        return Driver(self, user_id, location_id)


class Driver:
    """A driver of a tenant, as its app sees him."""

    def __init__(self, tenant: Tenant, user_id: str, location_id: str) -> None:
        self.tenant, self.user_id, self.location_id = tenant, user_id, location_id

    @property
    def path(self) -> str:
        return f"/users/{self.user_id}"

    def connect_session(self) -> Any:
        wanted = {"location_id": self.location_id, "redirect_url": f"{REDIRECT}?from=test"}
        return self.tenant.post(f"{self.path}/chargers/connect-sessions", wanted)

    def pair(self, code: str) -> str:
        """Pair a charger by its code, as a driver does on our pages; return its id."""
        begun = self.connect_session()
        browser = Browser(self.tenant.scene)
        browser.open(begun["start_url"])
        browser.send(do="start")
        browser.send(do="code", code=code)
        here = f"{self.path}/chargers/connect-sessions/{begun['connect_session_id']}"
        self.tenant.scene.eventually(lambda: self.tenant.get(here)["state"] != "VALIDATING", within_s=60)
        browser.open(browser.url)
        shown = self.tenant.get(here)
        assert shown["state"] == "PAIRED", (shown, browser.text)
        return str(shown["charger_id"])


class Browser:
    """A browser without a script: keeps our cookie, sends the first form of a page, and follows where that leads."""

    def __init__(self, scene: Scene, language: str | None = None) -> None:
        self.scene, self.language, self.http = scene, language, scene.stage.http
        self.cookie = self.url = self.page = ""
        self.renews = False

    @property
    def text(self) -> str:
        return _text_of(self.page)

    @property
    def heading(self) -> str:
        return self.part("h1")

    def part(self, element: str) -> str:
        """Return the text of the first element of a kind."""
        found = re.search(rf"(?s)<{element}\b[^>]*>(.*?)</{element.split()[0]}>", self.page)
        return _text_of(found[1]) if found else ""

    def shows(self, heading: str) -> None:
        """Fail unless the page has a heading, or comes to have it while it renews itself."""
        self.scene.eventually(lambda: self.heading == heading or not self._goes_on())
        assert self.heading == heading, self.text

    def tells(self, words: str) -> None:
        """Fail unless the page tells of a problem, or comes to tell of it while it renews itself."""
        self.scene.eventually(lambda: words in self.part('div class="problem') or not self._goes_on())
        assert words in self.part('div class="problem'), self.text

    def _goes_on(self) -> bool:
        """Renew the page where it asks for that; say whether it does."""
        if self.renews:
            self.open(self.url)
            return True
        return False

    def open(self, url: str, *, form: dict[str, str] | None = None) -> httpx.Response:
        headers = {"Cookie": self.cookie} if self.cookie else {}
        if self.language:
            headers["Accept-Language"] = self.language
        content = None if form is None else urlencode(form)
        if content is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        method = "GET" if form is None else "POST"
        answer = self.http.request(method, url, headers=headers, content=content, follow_redirects=False)
        if "Set-Cookie" in answer.headers:
            self.cookie = answer.headers["Set-Cookie"].partition(";")[0]
        if answer.status_code == 303:
            return self.open(str(httpx.URL(url).join(answer.headers["Location"])))
        self.url, self.page, self.renews = url, answer.text, "Refresh" in answer.headers
        return answer

    def send(self, **fields: str) -> httpx.Response:
        """Send the first form of the page."""
        token = re.search(r'name="form_token" value="([^"]*)"', self.page)
        assert token, self.text
        return self.open(self.url, form={"form_token": html.unescape(token[1]), **fields})

    def enter(self, code: str) -> Browser:
        self.send(do="code", code=code)
        return self


def _text_of(page: str) -> str:
    body = re.sub(r"(?s)<style.*?</style>|<[^>]+>", " ", page)
    return re.sub(r"\s+", " ", html.unescape(body)).strip()
