"""A CPO simulator with its codes, Offpeak's tables, and drivers who pair: for the tests of pairing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from typing import Any
from zlib import crc32

from local.cpo import CpoSimulator
from offpeak.aws.queues import FifoQueue
from offpeak.aws.tables import Put, Table
from offpeak.errors import ConcurrentChange, PeerUnavailable
from offpeak.events.outbox import Outbox
from offpeak.ocpi.client import OcpiClient
from offpeak.ocpi.peer_address import PeerAddressRule
from offpeak.ocpi.tokens import PeerToken
from offpeak.pairing.accounts import AccountStore
from offpeak.pairing.cpo import PairingInterfaces
from offpeak.pairing.link import Claimer, Linker, Refused, link
from offpeak.pairing.model import Charger, ChargerKey, UserKey
from offpeak.pairing.own_markets import OwnMarkets
from offpeak.pairing.ownership import OwnershipStore
from offpeak.pairing.tries import Tries
from offpeak.partners.gates import Gates
from offpeak.partners.model import Flags, Pairing, Partner, PartnerStatus, Tier
from tests.conftest import MakeTable
from tests.local.cpo_scene import registered_cpo
from tests.pairing.builders import NOW, location, user
from tests.partners.builders import a_partner

TABLES = ("users", "evse_ownership", "connect_sessions", "events", "partners", "own_markets")
Sent = tuple[Mapping[str, Any], str, str]


class HeardQueue(FifoQueue):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []

    def send(self, message: Mapping[str, Any], *, group: str, deduplication_id: str) -> None:
        self.sent.append((message, group, deduplication_id))


@dataclass(frozen=True, slots=True)
class OcpiToken:
    """Calls every partner with the token that it gave us."""

    token: str

    def of(self, partner: Partner) -> PeerToken:
        return self.token

    def was_refused(self, partner: Partner) -> bool:
        return False


@dataclass
class Scene:
    cpo: CpoSimulator
    tables: dict[str, Table]
    partner: Partner
    real_now: Callable[[], datetime] = lambda: datetime.now(UTC)
    queue: HeardQueue = field(default_factory=HeardQueue)
    planned: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)

    @property
    def accounts(self) -> AccountStore:
        return AccountStore(self.tables["users"])

    @property
    def ownership(self) -> OwnershipStore:
        return OwnershipStore(self.tables["evse_ownership"])

    @property
    def tries(self) -> Tries:
        return Tries(self.tables["connect_sessions"])

    @property
    def outbox(self) -> Outbox:
        return Outbox(self.tables["events"], self.queue)

    @property
    def interfaces(self) -> PairingInterfaces:
        client = OcpiClient(PeerAddressRule(loopback=True))
        return PairingInterfaces(
            Gates(self.tables["partners"]), OcpiToken(str(self.cpo.token)), client, real_now=self.real_now
        )

    @property
    def claimer(self) -> Claimer:
        return Claimer(
            self.accounts,
            self.ownership,
            OwnMarkets(self.tables["own_markets"]),
            self.outbox,
            causes=self.causes,
            plan_anew=lambda partner_id, uids: self.planned.append((partner_id, tuple(uids))),
            real_now=self.real_now,
        )

    @property
    def linker(self) -> Linker:
        ids = count(1)
        return Linker(self.claimer, self.interfaces, self.tries, new_id=lambda: f"call-{next(ids)}-{id(ids)}")

    def causes(self, chargers: Sequence[Charger]) -> list[tuple[Table, Put]]:
        """Stand in for the sessions that run at chargers: `caused` tells whose plans were wanted."""
        return [(self.tables["events"], Put({"pk": "CAUSE", "sk": each.key.charger_id})) for each in chargers]

    def caused(self) -> list[str]:
        return sorted(row["sk"]["S"] for row in self._all("events") if row["pk"]["S"] == "CAUSE")

    def with_tables(self, wrap: Callable[[Table], Table]) -> Scene:
        """Return the same scene as seen through other tables."""
        return replace(self, tables={name: wrap(table) for name, table in self.tables.items()})

    def moves_in(self, name: str) -> UserKey:
        """A driver appears, with a charging location."""
        key = UserKey("hearth", f"usr_{name}")
        self.accounts.save_user(user(key))
        self.accounts.save_location(key, location())
        return key

    def link(self, code: str, driver: UserKey, attempt: str = "1", charger_id: str = "") -> Charger | Refused:
        key = ChargerKey(driver, charger_id or f"chg_{driver.user_id}_{attempt}")
        claim_id = f"con_{crc32(f'{driver.user_id} {attempt}'.encode()):08x}.1"
        return link(code, self.partner, key, "loc_1", claim_id, self.linker, now=NOW)

    def links(self, code: str, driver: UserKey, attempt: str = "1") -> Charger | Refused:
        """Link as a queue does: what may help when it is tried again, is."""
        while True:
            try:
                return self.link(code, driver, attempt)
            except (PeerUnavailable, ConcurrentChange):
                continue

    def events(self) -> list[tuple[str, str]]:
        """Return all that waits to be told: (charger, kind)."""
        client: Any = self.tables["events"]._client
        rows = client.scan(TableName=self.tables["events"].name)["Items"]
        told = {(row["event_id"]["S"], row["charger_id"]["S"], row["kind"]["S"]) for row in rows if "kind" in row}
        return sorted((charger_id, kind) for _, charger_id, kind in told)

    def check_that_nothing_is_half_linked(self) -> None:
        """Hold owners against chargers: each EVSE has one owner at most, and he has it with all of its station."""
        owners = {}
        for row in self._all("evse_ownership"):
            if row["sk"]["S"] == "EVSE" and "owner" in row:
                owner = row["owner"]["M"]
                owners[row["uid"]["S"]] = (owner["user_id"]["S"], owner["charger_id"]["S"])
        had = {}
        for row in self._all("users"):
            if row["sk"]["S"].startswith("CHARGER#"):
                for evse in row["station"]["M"]["evses"]["L"]:
                    uid = evse["M"]["uid"]["S"]
                    assert uid not in had, f"two drivers have {uid}"
                    had[uid] = (row["user_id"]["S"], row["charger_id"]["S"])
        assert had == owners

    def _all(self, name: str) -> list[dict[str, Any]]:
        client: Any = self.tables[name]._client
        found: list[dict[str, Any]] = client.scan(TableName=self.tables[name].name)["Items"]
        return found


@contextmanager
def a_scene(make_table: MakeTable, tier: Tier = Tier.EVSE, code_pattern: str | None = None) -> Iterator[Scene]:
    with registered_cpo() as (cpo, _):
        partner = replace(
            a_partner(),
            status=PartnerStatus.REGISTERED,
            pairing=Pairing(cpo.pairing_url, tier, code_pattern),
            flags=Flags(in_flight_cap=16),
        )
        yield Scene(cpo, {name: make_table(name) for name in TABLES}, partner)


class Died(Exception):
    """The process ended here."""


class MortalClient:
    """A DynamoDB client whose process dies at its `dies_at`-th call, before or after that is carried out."""

    def __init__(self, client: Any, life: Life) -> None:
        self._client = client
        self._life = life

    def __getattr__(self, name: str) -> Any:
        whole = getattr(self._client, name)
        if not callable(whole) or name == "exceptions":
            return whole

        def call(**request: Any) -> Any:
            self._life.lives_through(name, is_done=False)
            answer = whole(**request)
            self._life.lives_through(name, is_done=True)
            return answer

        return call


@dataclass
class Life:
    """Counts the moments between any two calls; ends at one of them."""

    dies_at: int
    moments: int = 0

    def lives_through(self, name: str, *, is_done: bool) -> None:
        self.moments += 1
        if self.moments == self.dies_at:
            raise Died(f"{'after' if is_done else 'before'} {name}, moment {self.moments}")

    def mortal(self, table: Table) -> Table:
        return Table(MortalClient(table._client, self), table.name)
