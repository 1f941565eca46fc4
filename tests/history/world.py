"""Everything around a partner's history: real tables, a real server with a list, the queue and the clocks in hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

from offpeak.aws.queues import FairQueue, FifoQueue
from offpeak.aws.secrets import EncryptedToken
from offpeak.aws.tables import Table
from offpeak.history.begin import Beginner
from offpeak.history.model import Module, Run, RunKind
from offpeak.history.pull import Puller, pull_page
from offpeak.history.queue import HistoryQueue
from offpeak.history.readers import HubClientReader, LocationReader, SessionReader, TariffReader
from offpeak.history.stop import StopRule
from offpeak.history.store import HistoryStore
from offpeak.instants import format_instant
from offpeak.locations.store import LocationStore
from offpeak.ocpi.client import OcpiClient
from offpeak.ocpi.peer_address import PeerAddressRule
from offpeak.partners.gates import Gates
from offpeak.partners.hub_clients import HubClients
from offpeak.partners.model import Endpoint, Partner, PartnerStatus, Party
from offpeak.partners.store import PartnerStore, Tokens, digest
from offpeak.sessions.merge import MergedSession
from offpeak.sessions.model import SessionKey, SessionMessage
from offpeak.sessions.plan_queue import PlanQueue
from offpeak.sessions.receive import receive_session
from offpeak.sessions.store import SessionStore
from offpeak.tariffs.store import TariffStore
from tests.conftest import MakeTable
from tests.ocpi.peer import Answering, Peer
from tests.profiles.world import Life, ProcessDied

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
REAL_START = datetime(2026, 6, 1, 12, tzinfo=UTC)
"""Real time is not the sessions' time, so that a mix-up shows."""
PARTNER = "acme"
PARTY = Party("NL", "ACM")
OCPI = OcpiClient(PeerAddressRule(loopback=True))

Json = dict[str, Any]


def listed(session_id: str, updated_at: datetime = NOW - timedelta(hours=1), **fields: Any) -> Json:
    """A session in a list, complete enough for lenient reading."""
    session = {
        "country_code": PARTY.country_code,
        "party_id": PARTY.party_id,
        "id": session_id,
        "evse_uid": f"E-{session_id}",
        "status": "COMPLETED",
        "kwh": 7,
        "start_date_time": format_instant(updated_at - timedelta(hours=2)),
        "last_updated": format_instant(updated_at),
        "charging_periods": [],
    }
    return {**session, **fields}


@dataclass
class ListCpo:
    """A CPO's list of one module. `pages` are what it answers in place of it, by the number of the call from 0 on."""

    peer: Peer
    module: Module = Module.SESSIONS
    objects: list[Json] = field(default_factory=list)
    page_size: int = 10
    pages: dict[int, Callable[[Answering], None]] = field(default_factory=dict)
    asked: list[Mapping[str, str]] = field(default_factory=list)
    """The query of each call."""

    def __post_init__(self) -> None:
        path = f"/{self.module.value}"
        self.url = self.peer.url + path
        self.peer.answers[path] = self._answer

    def _answer(self, it: Answering) -> None:
        self.asked.append(_query(it))
        page = self.pages.get(len(self.asked) - 1)
        if page is not None:
            page(it)
        else:
            self.serve(it)

    def serve(self, it: Answering) -> None:
        """Answer a call by the list."""
        query = _query(it)
        found = [each for each in self.objects if self._is_in(each, query)]
        offset = int(query.get("offset", 0))
        end = offset + min(int(query["limit"]), self.page_size)
        headers = {"X_Total_Count": str(len(found)), "X_Limit": str(self.page_size)}
        if end < len(found):
            kept = "&".join(f"{name}={query[name]}" for name in ("date_from", "date_to", "limit") if name in query)
            headers["Link"] = f'<{self.url}?{kept}&offset={end}>; rel="next"'
        body = {"status_code": 1000, "timestamp": format_instant(NOW), "data": found[offset:end]}
        it.answer(200, json.dumps(body).encode(), **headers)

    def _is_in(self, listed: Json, query: Mapping[str, str]) -> bool:
        updated = listed.get("last_updated", "")
        return query.get("date_from", "") <= updated < query.get("date_to", "9999")


def _query(it: Answering) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(it.received.path).query).items()}


class TokenB:
    """What the partner is called with; `renewable` says whether another one can be had when it is refused."""

    renewable = False

    def of(self, partner: Partner) -> str:
        return f"token-b-of-{partner.partner_id}"

    def was_refused(self, partner: Partner) -> bool:
        return self.renewable


class MortalClient:
    """A boto3 client whose process may die right before any write."""

    WRITES = frozenset({"put_item", "update_item", "delete_item", "transact_write_items"})

    def __init__(self, client: Any, life: Life) -> None:
        self._client, self._life = client, life

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._client, name)
        if name not in self.WRITES:
            return call

        def write(**request: Any) -> Any:
            self._life.spend()
            return call(**request)

        return write


class QueueClient:
    """An SQS client that keeps messages until the test delivers them."""

    def __init__(self, world: World) -> None:
        self._world = world

    def send_message(self, *, QueueUrl: str, MessageBody: str, DelaySeconds: int = 0, **_: Any) -> None:  # noqa: N803
        self._world.life.spend()
        visible_at = self._world.real_now + timedelta(seconds=DelaySeconds)
        if QueueUrl == "history" and not self._world.queue_loses:
            self._world.messages.append((visible_at, json.loads(MessageBody)))


@dataclass
class World:
    make_table: MakeTable
    peer: Peer
    now: datetime = NOW
    real_now: datetime = REAL_START
    life: Life = field(default_factory=Life)
    messages: list[tuple[datetime, Json]] = field(default_factory=list)
    queue_loses: bool = False
    stop: StopRule = lambda _: None
    tokens: TokenB = field(default_factory=TokenB)

    def __post_init__(self) -> None:
        self.cpo = ListCpo(self.peer)
        partners = self._table("partners")
        self.partners = PartnerStore(partners, now_s=count(0, 3600).__next__)  # remembers nothing
        self.gates = Gates(partners, pause=lambda _: None)
        self.sessions = SessionStore(self._table("sessions"))
        self.locations = LocationStore(self._table("locations"))
        self.tariffs = TariffStore(self._table("tariffs"))
        self.hub_clients = HubClients(self._table("hub_clients"))
        self.store = HistoryStore(self._table("history"))
        client: Any = QueueClient(self)
        self.plan_queue = PlanQueue(FifoQueue(client, "plan"))
        self._ids = count(1)
        queue = HistoryQueue(FairQueue(client, "history"))
        self.begin = Beginner(self.store, queue, lambda: self.real_now, lambda: f"run-{next(self._ids)}")
        partner = Partner(
            partner_id=PARTNER,
            name="Acme",
            parties=(PARTY,),
            status=PartnerStatus.REGISTERED,
            endpoints=(Endpoint("sessions", "SENDER", self.cpo.url),),
        )
        tokens = Tokens(current=digest("ours"), theirs=EncryptedToken(PARTNER, "theirs", "dG9rZW4tYg=="))
        self.partner = self.partners.save_credentials(partner, tokens)

    def offer(self, *modules: Module, role: str = "SENDER") -> dict[Module, ListCpo]:
        """Let the partner offer lists of these modules as well; return them."""
        lists = {module: ListCpo(self.peer, module) for module in modules}
        more = (Endpoint(module.value, role, each.url) for module, each in lists.items())
        self.change_partner(endpoints=(*self.partner.endpoints, *more))
        return lists

    def _table(self, name: str) -> Table:
        table = self.make_table(name)
        return Table(MortalClient(table._client, self.life), table.name)

    def change_partner(self, **changes: Any) -> None:
        self.partner = self.partners.save(replace(self.partner, **changes))

    def pass_time(self, **duration: float) -> None:
        self.now += timedelta(**duration)
        self.real_now += timedelta(**duration)

    def push(self, message: SessionMessage) -> None:
        receive_session(
            message,
            self.sessions,
            self.plan_queue,
            self.partner.flags.parking_time,
            now=self.now,
            received_at=self.real_now,
        )

    def work(self, message: Json) -> None:
        """Let a worker have one message, once."""
        puller = Puller(
            begin=self.begin,
            partners=self.partners,
            gates=self.gates,
            tokens=self.tokens,
            client=OCPI,
            readers={
                Module.SESSIONS: SessionReader(self.sessions, self.plan_queue, self.stop, self.begin.real_now),
                Module.LOCATIONS: LocationReader(self.locations),
                Module.TARIFFS: TariffReader(self.tariffs),
                Module.HUB_CLIENTS: HubClientReader(self.hub_clients),
            },
        )
        module, kind = Module(message["module"]), RunKind(message["kind"])
        pull_page(message["partner_id"], module, kind, message["run_id"], message["step"], puller, now=self.now)

    def deliver(self, most: int = 1000) -> int:
        """Work messages as they become visible, and those that come of them; return how many there were."""
        for delivered in range(most):
            visible = next((each for each in self.messages if each[0] <= self.real_now), None)
            if visible is None:
                return delivered
            self.messages.remove(visible)
            try:
                self.work(visible[1])
            except ProcessDied:
                self.messages.append(visible)  # it was not deleted
                raise
        raise AssertionError(f"more than {most} messages")

    def run_all(self) -> None:
        """Deliver everything, and let the time pass that messages wait for."""
        self.deliver()
        for _ in range(100):
            if not self.messages:
                return
            self.real_now = max(self.real_now, min(visible_at for visible_at, _ in self.messages))
            self.deliver()
        raise AssertionError("it never ends")

    def run(self, kind: RunKind = RunKind.SCHEDULED, module: Module = Module.SESSIONS) -> Run:
        run = self.store.run(PARTNER, module, kind)
        assert run is not None
        return run

    def merged(self, session_id: str) -> MergedSession | None:
        stored = self.sessions.load(SessionKey(PARTNER, session_id))
        return stored.merged if stored else None

    def known_ids(self, *session_ids: str) -> set[str]:
        """Return which of these sessions are known."""
        return {each for each in session_ids if self.sessions.known(SessionKey(PARTNER, each)) is not None}
