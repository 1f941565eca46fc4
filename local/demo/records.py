"""What the deployed stack has recorded: sessions, plans, profile requests and prices, read from its tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from local.cloud import Cloud
from offpeak.partners.model import Partner
from offpeak.partners.store import PartnerStore
from offpeak.planning.plan import Plan
from offpeak.prices.gather import effective_prices
from offpeak.prices.model import PriceCurve
from offpeak.prices.store import PriceStore
from offpeak.profiles.model import ProfileRequest
from offpeak.profiles.store import ProfileStore
from offpeak.sessions.model import KnownSession, SessionKey
from offpeak.sessions.store import SessionStore

KEYS_AT_ONCE = 100
"""As many as BatchGetItem takes."""


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """One session with its last plan and its profile requests, oldest first."""

    known: KnownSession
    plan: Plan | None
    requests: tuple[ProfileRequest, ...]


@dataclass(frozen=True, slots=True)
class PartnerRecord:
    """A partner, its sessions by plug-in, and what a kWh has cost them."""

    partner: Partner
    sessions: tuple[SessionRecord, ...]
    prices: PriceCurve


@dataclass(frozen=True, slots=True)
class Glance:
    """The stack at one moment: cars connected, what they draw, and what was done for them so far."""

    connected: int = 0
    power_w: int = 0
    plans: int = 0
    sent: int = 0
    confirmed: int = 0


class Records:
    """Reads the tables of a deployed stack."""

    def __init__(self, cloud: Cloud) -> None:
        self._dynamodb = cloud.client("dynamodb")
        self._names = {name: cloud.table(name).name for name in ("sessions", "profile_requests")}
        self._partners = PartnerStore(cloud.table("partners"))
        self._sessions = SessionStore(cloud.table("sessions"))
        self._profiles = ProfileStore(cloud.table("sessions"), cloud.table("profile_requests"))
        self._prices = PriceStore(cloud.table("prices"))

    def partners(self) -> tuple[PartnerRecord, ...]:
        """Return all partners with all that was recorded of their sessions."""
        keys = sorted(self._keys(), key=lambda key: key.text)
        return tuple(self._partner(partner, keys) for partner in self._partners.all())

    def glance(self, keys: Sequence[SessionKey]) -> Glance:
        """Look at these sessions, and at all profile requests."""
        rows = [row for start in range(0, len(keys), KEYS_AT_ONCE) for row in self._rows(keys[start:][:KEYS_AT_ONCE])]
        steps = [set(row["steps"]) for row in self._scan("profile_requests", "steps")]
        connected = [row for row in rows if "active_shard" in row]
        return Glance(
            connected=len(connected),
            power_w=sum(int(row.get("power_w", 0)) for row in connected),
            plans=sum(int(row.get("plan_done", 0)) for row in rows),
            sent=sum("sent" in each for each in steps),
            confirmed=sum("confirmed" in each for each in steps),
        )

    def _partner(self, partner: Partner, keys: Sequence[SessionKey]) -> PartnerRecord:
        records = [self._session(key) for key in keys if key.partner_id == partner.partner_id]
        sessions = tuple(sorted((each for each in records if each), key=lambda each: each.known.session.start_at))
        if not sessions:
            return PartnerRecord(partner, (), PriceCurve(partner.planning.bidding_zone, (), ""))
        start_at = min(each.known.session.start_at for each in sessions)
        end_at = max(each.known.session.last_updated for each in sessions) + timedelta(days=1)
        return PartnerRecord(partner, sessions, self._curve(partner, start_at, end_at))

    def _curve(self, partner: Partner, start_at: datetime, end_at: datetime) -> PriceCurve:
        return effective_prices(self._prices, partner.planning, start_at, end_at)

    def _session(self, key: SessionKey) -> SessionRecord | None:
        known = self._sessions.known(key)
        if known is None:
            return None
        requests = sorted(self._profiles.requests_of(key), key=lambda each: each.created_at)
        return SessionRecord(known, self._profiles.standing(key).plan, tuple(requests))

    def _keys(self) -> Iterator[SessionKey]:
        for row in self._scan("sessions", "sk, partner_id, session_id"):
            if row["sk"] == "SESSION":
                yield SessionKey(row["partner_id"], row["session_id"])

    def _rows(self, keys: Sequence[SessionKey]) -> list[Mapping[str, Any]]:
        request = {
            "Keys": [{"pk": {"S": key.text}, "sk": {"S": "SESSION"}} for key in keys],
            "ProjectionExpression": "active_shard, power_w, plan_done",
        }
        answer = self._dynamodb.batch_get_item(RequestItems={self._names["sessions"]: request})
        return [_plain(row) for row in answer["Responses"][self._names["sessions"]]]

    def _scan(self, table: str, attributes: str) -> Iterator[Mapping[str, Any]]:
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._names[table], ProjectionExpression=attributes
        )
        return (_plain(row) for page in pages for row in page["Items"])


_deserializer = TypeDeserializer()


def _plain(row: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: _deserializer.deserialize(value) for name, value in row.items()}
