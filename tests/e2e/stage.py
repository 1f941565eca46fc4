"""The stage of the end-to-end tests: the deployed local stack on an evening of recorded prices, and CPOs that are
registered with it. Everything goes over the wire, or is read in the stack's own tables.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any
from urllib.parse import quote

import httpx

from infra.routes import CLOCKS, ROUTES, WORKERS
from local.car import Car, Visit
from local.cloud import Cloud
from local.cpo import CpoSimulator, Misbehaviour, Party, Settings, Style
from local.cpo.wire import authorization, write_instant
from offpeak.aws.tables import Item, Table
from offpeak.profiles.model import ProfileRequest, RequestKind, RequestState, Standing
from offpeak.profiles.store import ProfileStore
from offpeak.sessions.model import KnownSession, SessionKey
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
FUNCTIONS = sorted({"authorise", "ops_partners", *(each.function for each in (*ROUTES, *WORKERS, *CLOCKS))})


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
        if name not in self._tables:
            self._tables[name] = self.cloud.table(name)
        return self._tables[name]

    @contextmanager
    def scene(self) -> Iterator[Scene]:
        """Begin an evening without partners; end with nothing left of it."""
        self.cloud.clock.set(EVENING)
        scene = Scene(self)
        try:
            yield scene
        finally:
            scene.end()
            self.cloud.clear()
            self.cloud.clock.set(EVENING)

    @cached_property
    def sessions(self) -> SessionStore:
        return SessionStore(self.table("sessions"))

    @cached_property
    def profiles(self) -> ProfileStore:
        return ProfileStore(self.table("sessions"), self.table("profile_requests"))

    def logs(self) -> dict[str, list[str]]:
        """Return all that each function has logged so far."""
        return {each: self.cloud.logs(each) for each in FUNCTIONS}

    def ask(
        self, method: str, path: str, token: str | None, *, raw: bool = False, headers: Mapping[str, str] = NOTHING,
        body: object = None, content: str | bytes | None = None,
    ) -> Answer:  # fmt: skip
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
        said = envelope_of(answer.text)
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


class Scene:
    """One evening: the partners of one test, and its time."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.cloud = stage, stage.cloud
        self.partners: list[Partner] = []

    def partner(self, cpo: Settings | None = None, **settings: Any) -> Partner:
        """Invite a CPO, with `settings` of ours, and let its simulator register."""
        partner = self.invited(cpo, **settings)
        partner.register()
        if len(self.partners) == 1:
            self.cloud.invoke("fetch_prices")
            self.settle()
        return partner

    def invited(self, cpo: Settings | None = None, **settings: Any) -> Partner:
        partner_id, party = self.stage.next_partner()
        style = replace(cpo.style, party=party) if cpo else Style(party)
        partner = Partner(self.stage, partner_id, party, replace(cpo or Settings(style), style=style))
        partner.invite(**settings)
        self.partners.append(partner)
        return partner

    @property
    def now(self) -> datetime:
        return self.cloud.clock.now()

    def settle(self, timeout_s: float = 60) -> None:
        """Wait until all that was begun is done, results included."""
        self.cloud.wait_until_drained(timeout_s)
        for partner in self.partners:
            partner.cpo.settle()
        self.cloud.wait_until_drained(timeout_s)

    def later(self, **by: float) -> None:
        """Move the stack's time on, and nothing else."""
        self.cloud.clock.advance(timedelta(**by))

    def pass_time(self, **by: float) -> None:
        """Let time pass for everybody: cars charge, CPOs tell, Offpeak hears and plans."""
        self.later(**by)
        for partner in self.partners:
            partner.cpo.advance(self.now)
        self.settle()

    def sweep(self) -> None:
        """Do what happens every minute, and wait for what follows from it."""
        self.cloud.invoke("sweep_sessions")
        self.settle()

    @contextmanager
    def losing(self, queue: str) -> Iterator[None]:
        """Lose every message that is sent to a queue meanwhile."""
        client, url = self.cloud.client("lambda"), self.cloud.deployed.queue(queue)
        [worker] = [each.function for each in WORKERS if each.queue == queue]
        name = self.cloud.deployed.function(worker)
        [mapping] = client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
        client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        try:
            yield
            assert self.eventually(lambda: self.cloud.messages_in(queue) > 0), "nothing there to lose"
        finally:
            self.cloud.client("sqs").purge_queue(QueueUrl=url)
            client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)

    @contextmanager
    def throttled(self, *, requests_per_s: int, burst: int) -> Iterator[None]:
        """Let each partner ask so much and no more."""
        gateway = self.cloud.client("apigateway")
        [plan] = gateway.get_usage_plans()["items"]
        usual = plan["throttle"]
        self._throttle(plan["id"], requests_per_s, burst)
        try:
            yield
        finally:
            self._throttle(plan["id"], usual["rateLimit"], usual["burstLimit"])

    def _throttle(self, plan_id: str, requests_per_s: float, burst: int) -> None:
        limits = {"/throttle/rateLimit": requests_per_s, "/throttle/burstLimit": burst}
        self.cloud.client("apigateway").update_usage_plan(
            usagePlanId=plan_id,
            patchOperations=[{"op": "replace", "path": path, "value": str(limit)} for path, limit in limits.items()],
        )

    def put_into(self, queue: str, message: object, *, group: str) -> None:
        """Send a message to a queue as it stands."""
        url = self.cloud.deployed.queue(queue)
        fifo = {"MessageDeduplicationId": secrets.token_hex(16)} if url.endswith(".fifo") else {}
        body = message if isinstance(message, str) else json.dumps(message)
        self.cloud.client("sqs").send_message(QueueUrl=url, MessageBody=body, MessageGroupId=group, **fifo)

    def eventually(self, holds: Callable[[], bool], within_s: float = 20) -> bool:
        """Wait until something holds; say whether it did in time."""
        deadline = time.monotonic() + within_s
        while not holds():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def end(self) -> None:
        """Stop the CPOs, so that no call hangs, and wait for the workers that were calling."""
        for partner in self.partners:
            partner.cpo.stop()
        self.eventually(lambda: not any(self._worked(queue) for queue in ("plan", "send", "replan")), within_s=5)

    def _worked(self, queue: str) -> int:
        name = "ApproximateNumberOfMessagesNotVisible"
        url = self.cloud.deployed.queue(queue)
        answer = self.cloud.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[name])
        return int(answer["Attributes"][name])


class Partner:
    """One CPO connection from both sides: the simulator, and what the stack has of it."""

    def __init__(self, stage: Stage, partner_id: str, party: Party, settings: Settings) -> None:
        self.stage, self.partner_id, self.party = stage, partner_id, party
        self.cpo = CpoSimulator(start_at=stage.cloud.clock.now(), settings=settings).start()
        self.token_a = ""

    def invite(self, **settings: Any) -> None:
        invitation = self.command("invite", name=f"CPO {self.partner_id}", parties=[self._party_text], **settings)
        self.token_a, self.versions_url = invitation["token_a"], invitation["versions_url"]
        self.stage.tokens.add(self.token_a)

    def register(self) -> None:
        self.cpo.register(self.versions_url, self.token_a)
        self.stage.tokens |= {self.token_b, self.token_c}

    def change(self, **settings: Any) -> None:
        """Change our settings of this partner."""
        self.command("change", **settings)

    def command(self, action: str, **settings: Any) -> Any:
        """Give an operators' command about this partner."""
        answer = self.stage.cloud.invoke(
            "ops_partners", {"action": action, "partner_id": self.partner_id, "settings": settings}
        )
        assert "error" not in answer, answer
        return answer

    @property
    def _party_text(self) -> str:
        return f"{self.party.country_code}-{self.party.party_id}"

    @property
    def token_b(self) -> str:
        return self.cpo.token or ""

    @property
    def token_c(self) -> str:
        return self.cpo.offpeak_token or ""

    # -- what the CPO does

    def plug_in(self, *session_ids: str, **car: Any) -> None:
        """Plug cars in now, of which each session's PUT tells, and wait until each has its plan.

        A car has 60 kWh, 30 % of it charged, and draws 11 kW, unless `car` says otherwise.
        """
        self.cpo.plug_in(*(visit(each, self.cpo.now, **car) for each in session_ids))
        self.cpo.advance(self.cpo.now)

    def misbehave(self, session_id: str | None = None, **how: Any) -> None:
        self.cpo.misbehave(Misbehaviour(**how), session_id)

    def ask(self, method: str, path: str, body: object = None, **how: Any) -> Answer:
        """Send a request of one's own making, with the partner's token."""
        return self.stage.ask(method, path, self.token_c, body=body, **how)

    def path(self, session_id: str) -> str:
        return f"{SESSIONS}/{self.party.country_code}/{self.party.party_id}/{quote(session_id, safe='')}"

    def put(self, session: Mapping[str, Any]) -> Answer:
        return self.ask("PUT", self.path(session["id"]), session)

    def patch(self, session_id: str, **fields: Any) -> Answer:
        return self.ask("PATCH", self.path(session_id), fields)

    def get(self, session_id: str) -> Answer:
        return self.ask("GET", self.path(session_id))

    def session(self, session_id: str, **fields: Any) -> dict[str, Any]:
        """Return a Session object with every required field, begun now, unless `fields` say otherwise."""
        party = {"country_code": self.party.country_code, "party_id": self.party.party_id}
        card = {**party, "uid": "CARD-1", "type": "RFID", "contract_id": "DE-ABC-C1"}
        session = {
            **party,
            "id": session_id,
            "start_date_time": write_instant(EVENING),
            "kwh": 0,
            "cdr_token": card,
            "auth_method": "WHITELIST",
            "location_id": "LOC-1",
            "evse_uid": f"EVSE-{session_id}"[:36],
            "connector_id": "1",
            "currency": "EUR",
            "charging_periods": [],
            "status": "ACTIVE",
            "last_updated": write_instant(EVENING),
        }
        return {**session, **fields}

    def profile_calls(self, session_id: str, kind: str = "set") -> list[Any]:
        """Return the charging profile calls that this CPO got for a session."""
        return [each for each in self.cpo.log(session_id).profile_calls if each.kind == kind]

    # -- what the stack has

    def key(self, session_id: str) -> SessionKey:
        return SessionKey(self.partner_id, session_id)

    def row(self, session_id: str) -> Item | None:
        """Return the session's row."""
        return self.stage.table("sessions").get({"pk": self.key(session_id).text, "sk": "SESSION"})

    def rows(self, session_id: str) -> list[Item]:
        """Return all rows of a session, its charging periods included."""
        return list(self.stage.table("sessions").query("pk = :pk", {":pk": self.key(session_id).text}))

    def stored(self, session_id: str) -> list[Item]:
        """Return what is stored of a session's messages, without what planning makes of them."""
        told = ("sk", "version", "fields", "dimensions", "stamp", "tariff_id")
        return [{name: row[name] for name in told if name in row} for row in self.rows(session_id)]

    def known(self, session_id: str) -> KnownSession:
        known = self.stage.sessions.known(self.key(session_id))
        assert known is not None, f"{session_id} is not known"
        return known

    def standing(self, session_id: str) -> Standing:
        return self.stage.profiles.standing(self.key(session_id))

    def requests(self, session_id: str) -> list[ProfileRequest]:
        """Return all requests for a session in the order in which they were planned."""
        found = self.stage.profiles.requests_of(self.key(session_id))
        return sorted(found, key=lambda each: min(each.steps.values()))

    def newest(self, session_id: str) -> ProfileRequest:
        """Return the session's newest SET or CLEAR."""
        newest_id = self.standing(session_id).newest_request_id
        request = self.stage.profiles.request(newest_id) if newest_id else None
        assert request is not None, f"nothing was planned for {session_id}"
        return request

    def is_planned(self, session_id: str) -> bool:
        return self.standing(session_id).newest_request_id is not None

    def is_confirmed(self, session_id: str) -> bool:
        return self.is_planned(session_id) and self.newest(session_id).state is RequestState.CHARGER_ACCEPTED

    def gate(self) -> Item:
        """Return the row of what stands between us and this CPO."""
        row = self.stage.table("partners").get({"pk": f"GATE#{self.partner_id}", "sk": "GATE"})
        return row or {"failures": 0, "open_until_s": 0}

    def questions(self, session_id: str) -> list[ProfileRequest]:
        return [each for each in self.requests(session_id) if each.kind is RequestKind.GET]


def visit(session_id: str, arrives_at: datetime, leaves_at: datetime | None = None, **car: Any) -> Visit:
    return Visit(
        session_id, f"EVSE-{session_id}"[:36], Car(**{"battery_kwh": 60, "soc": 0.3, **car}), arrives_at, leaves_at
    )


def envelope_of(body: str) -> dict[str, Any]:
    """Return the OCPI envelope in a body; nothing where there is none."""
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
