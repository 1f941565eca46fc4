"""Everything around a session's profiles: real tables, a real CPO over HTTP, queues and clocks in the test's hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from offpeak.aws.queues import FairQueue, FifoQueue
from offpeak.aws.secrets import EncryptedToken, TokenCipher
from offpeak.aws.tables import Table
from offpeak.events.outbox import Outbox
from offpeak.grid.memory import SignalMemory
from offpeak.grid.store import SignalStore
from offpeak.groups.store import GroupStore
from offpeak.habits.store import HabitStore
from offpeak.locations.chargers import Chargers
from offpeak.locations.store import LocationStore
from offpeak.ocpi.chargingprofiles import read_result
from offpeak.ocpi.client import OcpiClient
from offpeak.ocpi.guarded_http import GuardedHttp
from offpeak.ocpi.peer_address import PeerAddressRule
from offpeak.pairing.accounts import AccountStore
from offpeak.pairing.own_markets import OwnMarkets
from offpeak.pairing.ownership import OwnershipStore
from offpeak.partners.gates import Gates
from offpeak.partners.model import Endpoint, Partner, PartnerStatus, Party, PlanningDefaults
from offpeak.partners.peer_access_store import PeerAccessStore
from offpeak.partners.peer_tokens import PeerTokens
from offpeak.partners.store import PartnerStore, Tokens, digest
from offpeak.prices.memory import PriceMemory
from offpeak.prices.model import QUARTER, PriceCurve, PriceSlot
from offpeak.profiles.dispatch import Sender, send_profile
from offpeak.profiles.drivers import Drivers
from offpeak.profiles.follow_up import Outlets
from offpeak.profiles.gather import Planner
from offpeak.profiles.model import ProfileRequest, Standing
from offpeak.profiles.outcome import Planned
from offpeak.profiles.plan import plan_asked, plan_session
from offpeak.profiles.results import awaiting, receive_result
from offpeak.profiles.sites import Sites
from offpeak.profiles.store import ProfileStore
from offpeak.profiles.sweep import Sweeper, Swept, sweep
from offpeak.sessions.model import SessionKey, SessionMessage
from offpeak.sessions.plan_queue import PlanQueue
from offpeak.sessions.receive import receive_session
from offpeak.sessions.store import SessionStore
from offpeak.tariffs.store import TariffStore
from tests.conftest import MakeTable
from tests.profiles.cpo import Cpo
from tests.sessions.builders import KEY, PLUG_IN, a_put

BASE_URL = "https://api.offpeak.example"
REAL_START = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
"""Real time is not the sessions' time, so that a mix-up shows."""

OCPI = OcpiClient(PeerAddressRule(loopback=True))

Message = dict[str, Any]


class ProcessDied(BaseException):
    """The process ends here; nothing of it runs any more."""


class Life:
    """How many more effects (writes, messages sent) a process lives to see; None: all of them."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.effects = 0

    def spend(self) -> None:
        if self.left == 0:
            raise ProcessDied
        if self.left is not None:
            self.left -= 1
        self.effects += 1


class MortalClient:
    """A boto3 client whose process may die right before any write."""

    WRITES = frozenset({"put_item", "update_item", "delete_item", "transact_write_items"})

    def __init__(self, client: Any, life: Life) -> None:
        self._client, self._life = client, life

    def __getattr__(self, name: str) -> Any:
        if name in self.WRITES:
            self._life.spend()
        return getattr(self._client, name)


class QueueClient:
    """An SQS client that keeps messages until the test delivers them."""

    def __init__(self, world: World) -> None:
        self._world = world

    def send_message(self, *, QueueUrl: str, MessageBody: str, DelaySeconds: int = 0, **_: Any) -> None:  # noqa: N803
        self._world.life.spend()
        if not self._world.queues_are_down:
            visible_at = self._world.real_now + timedelta(seconds=DelaySeconds)
            self._world.messages.append((visible_at, QueueUrl, json.loads(MessageBody)))

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        for each in Entries:
            self.send_message(QueueUrl=QueueUrl, **each)
        return {"Successful": Entries}


class Prices:
    """Day-ahead prices of every day: cheap in `cheap_hours` (UTC), dear at other times."""

    def __init__(self) -> None:
        self.cheap_hours = {1, 2, 3}

    def curve(self, zone: str, start: datetime, end: datetime) -> PriceCurve:
        def slots() -> Iterator[PriceSlot]:
            at = start.replace(minute=0, second=0, microsecond=0)
            while at < end:
                price = Decimal("0.05") if at.hour in self.cheap_hours else Decimal("0.30")
                yield PriceSlot(at, at + QUARTER, price)
                at += QUARTER

        return PriceCurve(zone, tuple(slots()), "made up")


def never_remembered(prices: Any) -> PriceMemory:
    """Prices that are asked for each time: an hour passes between any two looks at the clock."""
    return PriceMemory(prices, now_s=count(0, 3600).__next__)


class PlainKms:
    """A KMS client that encrypts nothing."""

    def decrypt(self, *, CiphertextBlob: bytes, **_: Any) -> dict[str, bytes]:  # noqa: N803
        return {"Plaintext": CiphertextBlob}


def a_partner(cpo: Cpo | None, **planning: Any) -> Partner:
    endpoints = (Endpoint("chargingprofiles", "RECEIVER", cpo.url),) if cpo else ()
    return Partner(
        partner_id=KEY.partner_id,
        name="Example charging",
        parties=(Party("NL", "EXA"),),
        status=PartnerStatus.REGISTERED,
        endpoints=endpoints,
        our_party=Party("NL", "OFP"),
        planning=PlanningDefaults(**planning),
    )


@dataclass
class World:
    make_table: MakeTable
    cpo: Cpo
    now: datetime = PLUG_IN
    real_now: datetime = REAL_START
    life: Life = field(default_factory=Life)
    messages: list[tuple[datetime, str, Message]] = field(default_factory=list)
    queues_are_down: bool = False
    prices: Prices = field(default_factory=Prices)

    def __post_init__(self) -> None:
        sessions, requests, partners = (self._table(each) for each in ("sessions", "profile_requests", "partners"))
        self.price_memory = never_remembered(self.prices)
        self.sessions = SessionStore(sessions)
        self.profiles = ProfileStore(sessions, requests)
        self.partners = PartnerStore(partners, now_s=lambda: self.real_now.timestamp())
        self.gates = Gates(partners, pause=lambda _: None)
        locations, tariffs = self._table("locations"), self._table("tariffs")
        self.locations, self.tariffs = LocationStore(locations), TariffStore(tariffs, self.real_s)
        self.signals = SignalStore(self._table("grid_signals"))
        self.signal_memory = SignalMemory(self.signals, now_s=count(0, 3600).__next__)
        self.sites = Sites(Chargers(locations, self.real_s), self.tariffs)
        self.groups = GroupStore(self._table("limit_groups"), self.real_s)
        self.habits = HabitStore(self._table("habits"), now_s=count(0, 3600).__next__)
        self.ownership, self.accounts = self._table("evse_ownership"), AccountStore(self._table("users"))
        self.drivers = Drivers(OwnershipStore(self.ownership), self.accounts)
        self.own_markets = OwnMarkets(self._table("own_markets"), self.real_s)
        client: Any = QueueClient(self)
        self.events = self._table("events")
        self.outbox = Outbox(self.events, FifoQueue(client, "events"))
        self.plan_queue = PlanQueue(FifoQueue(client, "plan"))
        self.send_queue = FairQueue(client, "send")
        self.replan_queue = FairQueue(client, "replan")
        self._ids = (f"request-{number}" for number in count(1))
        self.partner = a_partner(self.cpo)
        tokens = Tokens(current=digest("ours"), theirs=EncryptedToken(KEY.partner_id, "theirs", "dG9rZW4tYg=="))
        self.partner = self.partners.save_credentials(self.partner, tokens)

    def _table(self, name: str) -> Table:
        table = self.make_table(name)
        return Table(MortalClient(table._client, self.life), table.name)

    def change_partner(self, **changes: Any) -> None:
        """Change settings; they are in force at once."""
        self.partner = self.partners.save(replace(self.partner, **changes))
        self.partners = PartnerStore(self.partners._table, now_s=lambda: self.real_now.timestamp())

    def real_s(self) -> float:
        return self.real_now.timestamp()

    def new_id(self) -> str:
        return next(self._ids)

    def pass_time(self, **duration: float) -> None:
        self.now += timedelta(**duration)
        self.real_now += timedelta(**duration)

    def receive(self, message: SessionMessage | None = None) -> None:
        receive_session(
            message or a_put(0),
            self.sessions,
            self.plan_queue,
            self.partner.flags.parking_time,
            now=self.now,
            received_at=self.real_now,
        )

    def plan(self, key: SessionKey = KEY) -> Planned | None:
        return plan_session(key, self.planner, now=self.now)

    @property
    def planner(self) -> Planner:
        return Planner(
            sessions=self.sessions,
            profiles=self.profiles,
            partners=self.partners,
            prices=self.price_memory,
            signals=self.signal_memory,
            sites=self.sites,
            groups=self.groups,
            habits=self.habits,
            drivers=self.drivers,
            own_markets=self.own_markets,
            plan_queue=self.plan_queue,
            send_queue=self.send_queue,
            outbox=self.outbox,
            real_now=lambda: self.real_now,
            new_id=self.new_id,
        )

    @property
    def outlets(self) -> Outlets:
        return Outlets(self.sessions, self.plan_queue, self.send_queue, self.outbox, lambda: self.real_now)

    @property
    def tokens(self) -> PeerTokens:
        return PeerTokens(
            self.partners,
            PeerAccessStore(self.partners._table),
            TokenCipher(PlainKms(), "key"),
            GuardedHttp(PeerAddressRule(loopback=True)),
            OCPI,
            real_now=lambda: self.real_now,
            spread=lambda: 0.5,
            new_id=self.new_id,
        )

    def send(self, request_id: str) -> None:
        sender = Sender(
            profiles=self.profiles,
            sessions=self.sessions,
            partners=self.partners,
            gates=self.gates,
            tokens=self.tokens,
            client=OCPI,
            send_queue=self.send_queue,
            plan_queue=self.plan_queue,
            outbox=self.outbox,
            base_url=BASE_URL,
            real_now=lambda: self.real_now,
            new_id=self.new_id,
        )
        send_profile(request_id, sender, now=self.now)

    def result(self, response_url: str, body: Any, partner_id: str = KEY.partner_id) -> None:
        """The CPO posts a result to one of our response URLs."""
        kind, request_id = response_url.split("/results/")[1].split("/")
        receive_result(
            awaiting(kind, request_id, partner_id, self.profiles),
            read_result(body),
            self.profiles,
            self.outlets,
            self.partner.planning,
            question_id=self.new_id(),
            now=self.now,
            at=self.real_now,
        )

    def results(self) -> None:
        """The CPO posts ACCEPTED for all that it took."""
        while self.cpo.awaited:
            self.result(self.cpo.awaited.pop(0), {"result": "ACCEPTED"})

    def sweep(self) -> Swept:
        sweeper = Sweeper(
            profiles=self.profiles,
            sessions=self.sessions,
            groups=self.groups,
            partners=self.partners,
            plan_queue=self.plan_queue,
            send_queue=self.send_queue,
            outbox=self.outbox,
            real_now=lambda: self.real_now,
            new_id=self.new_id,
        )
        return sweep(sweeper, now=self.now)

    def waiting(self, queue: str) -> list[Message]:
        return [message for _, name, message in self.messages if name == queue]

    def deliver(self, guard: Callable[[Callable[[], None]], None] = lambda work: work()) -> int:
        """Hand all visible messages to their workers, and those that come of it; return how many there were.

        `guard` runs each piece of work; a message whose work fails is lost.
        """
        delivered = 0
        while visible := [each for each in self.messages if each[0] <= self.real_now]:
            _, queue, message = visible[0]
            self.messages.remove(visible[0])
            if queue == "plan":
                batch = [message, *self._of_the_same_tree(message)]
                guard(lambda batch=batch: plan_asked(batch, self.planner, now=self.now))  # type: ignore[misc]
            elif queue == "send":
                guard(lambda request_id=message["request_id"]: self.send(request_id))  # type: ignore[misc]
            delivered += 1
        return delivered

    def _of_the_same_tree(self, message: Message) -> list[Message]:
        """Take out the messages that wait behind one in the order of its tree, if it has one."""
        behind = [
            each
            for each in self.messages
            if each[1] == "plan" and "root_id" in message and each[2].get("root_id") == message["root_id"]
        ]
        self.messages = [each for each in self.messages if each not in behind]
        return [each for _, _, each in behind]

    @property
    def standing(self) -> Standing:
        return self.profiles.standing(KEY)

    @property
    def newest(self) -> ProfileRequest:
        """The session's newest SET or CLEAR request."""
        assert self.standing.newest_request_id
        return self.request(self.standing.newest_request_id)

    def request(self, request_id: str) -> ProfileRequest:
        request = self.profiles.request(request_id)
        assert request
        return request

    def question(self) -> ProfileRequest:
        """The newest GET."""
        return next(each for each in self.profiles.requests_of(KEY) if each.kind.value == "get")
