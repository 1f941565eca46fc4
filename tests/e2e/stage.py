"""The stage of the end-to-end tests: the deployed local stack, asked over the wire and read in its own tables."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

import httpx

from local.cloud import Cloud
from local.cpo import Party
from local.cpo.wire import authorization
from offpeak.aws.tables import Table
from offpeak.profiles.store import ProfileStore
from offpeak.sessions.store import SessionStore
from tests.e2e.market import Market

EVENING = datetime(2025, 10, 2, 17, tzinfo=UTC)
"""19:00 in Germany: the dearest hour of the sample's first evening, with tomorrow's prices published."""
DEPARTURE = datetime(2025, 10, 3, 5, tzinfo=UTC)
"""07:00 in Germany: when a session of EVENING is expected to end."""
FULL_W = Decimal(11040)
"""What a car may be granted where nothing else is set."""
SESSIONS = "/ocpi/emsp/2.2.1/sessions"
PROFILES = "/ocpi/emsp/2.2.1/chargingprofiles"
NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Answer:
    """An HTTP answer of the stack; `status` is OCPI's, None where the body was no envelope."""

    http_status: int
    status: int | None
    message: str
    data: Any
    headers: httpx.Headers
    envelope: Mapping[str, Any]

    @property
    def codes(self) -> tuple[int, int | None]:
        return self.http_status, self.status


class Stage:
    """The stack that all tests share. `tokens` are all credentials that were ever used on it."""

    def __init__(self, cloud: Cloud, market: Market) -> None:
        self.cloud, self.market = cloud, market
        self.http = httpx.Client(timeout=30, trust_env=False, limits=httpx.Limits(max_connections=40))
        self.tokens: set[str] = set()
        self._partners = 0
        self._tables: dict[str, Table] = {}

    def table(self, name: str) -> Table:
        """Return a table by its name in the house."""
        if name not in self._tables:
            self._tables[name] = self.cloud.table(name)
        return self._tables[name]

    @cached_property
    def sessions(self) -> SessionStore:
        return SessionStore(self.table("sessions"))

    @cached_property
    def profiles(self) -> ProfileStore:
        return ProfileStore(self.table("sessions"), self.table("profile_requests"))

    def logs(self) -> dict[str, list[str]]:
        """Return all that each function has logged so far."""
        return {each: self.cloud.logs(each) for each in self.functions}

    @cached_property
    def functions(self) -> list[str]:
        """All functions that are deployed, by their names in functions/."""
        [stack] = self.cloud.client("cloudformation").describe_stacks(StackName="Offpeak-local-Service")["Stacks"]
        outputs = [each["OutputKey"] for each in stack["Outputs"] if each["OutputKey"].endswith("Function")]
        return [re.sub(r"(?<!^)(?=[A-Z])", "_", each.removesuffix("Function")).lower() for each in outputs]

    def ask(
        self,
        method: str,
        path: str,
        token: str | None,
        *,
        raw: bool = False,
        headers: Mapping[str, str] = NOTHING,
        body: object = None,
        content: str | None = None,
    ) -> Answer:
        """Send one request; `path` may be a whole URL, `content` is sent as it is in place of a JSON `body`."""
        credentials = {"Authorization": authorization(token, raw=raw)} if token is not None else {}
        if content is None and body is not None:
            content = json.dumps(body)
        answer = self.http.request(
            method,
            path if path.startswith("http") else self.cloud.base_url + path,
            headers={"Content-Type": "application/json", **credentials, **headers},
            content=content,
        )
        said = _envelope_in(answer.text)
        return Answer(
            answer.status_code,
            said.get("status_code"),
            said.get("status_message", ""),
            said.get("data"),
            answer.headers,
            said,
        )

    def next_partner(self) -> tuple[str, Party]:
        """Return an id and a party that no other test has: warm functions remember partners for a while."""
        self._partners += 1
        return f"partner-{self._partners}", Party("DE", f"{self._partners:03d}")


def _envelope_in(body: str) -> dict[str, Any]:
    """Return the OCPI envelope in a body; nothing where there is none."""
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
