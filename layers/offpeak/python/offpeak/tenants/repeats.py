"""Requests that apps may send again: the same key means the same request, which is done once, for a day.

Rows of `app_requests`: {tenant}#{hash of the key}/REQUEST, what was asked, by a hash that needs the key itself, and the
chance by which its ids are made; ANSWERS#{tenant}#{whom it is about}/{hash of the key}, how it was answered. An answer
may hold personal data, and is found by the user it is about when that user is erased.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from offpeak.aws.tables import Delete, Item, Put, Table, Update
from offpeak.errors import BeingDone, ConcurrentChange, InvalidMessage
from offpeak.instants import format_instant, parse_instant

HEADER = "Idempotency-Key"
LONGEST_KEY = 255
KEPT_FOR = timedelta(days=1)
WORKED_FOR = timedelta(seconds=30)
"""API Gateway waits 29 s for a function, and none runs longer: whoever has not answered by then has died."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request of a tenant, with its key."""

    tenant_id: str
    key: str
    request: bytes
    """What must be the same in a repetition: method, path and body."""

    @property
    def digest(self) -> str:
        return sha256(self.key.encode()).hexdigest()

    @property
    def fingerprint(self) -> str:
        return hmac.new(self.key.encode(), self.request, sha256).hexdigest()

    @property
    def pk(self) -> str:
        return f"{self.tenant_id}#{self.digest}"


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """How a request was answered. `body` None: it holds a secret."""

    http_status: int
    headers: Mapping[str, str]
    body: str | None


@dataclass(frozen=True, slots=True)
class Turn:
    """It is for the caller to do the request, or to answer as it was answered before. `chance` makes its ids: who does
    it again, after another has died at it, makes the same."""

    chance: str
    begun_at: datetime
    answered: KeptAnswer | None = None


class RepeatStore:
    def __init__(self, table: Table) -> None:
        self._table = table

    def begin(self, asked: Asked, about: str | None, chance: str, *, now: datetime) -> Turn:
        """Take a request on, or return how it was answered.

        `about` is taken from the first time it was asked. Raises InvalidMessage where the key was used for another
        request, BeingDone where somebody is at it just now.
        """
        row = {
            "pk": asked.pk,
            "sk": "REQUEST",
            "fingerprint": asked.fingerprint,
            "about": about,
            "chance": chance,
            "begun_at": format_instant(now),
            "expires_at": _end(now),
        }
        try:
            self._table.write(
                Put(row, "attribute_not_exists(pk) OR expires_at <= :now", {":now": int(now.timestamp())})
            )
        except ConcurrentChange:
            return self._again(asked, now)
        return Turn(chance, now)

    def finish(self, asked: Asked, about: str | None, answer: KeptAnswer, *, now: datetime) -> None:
        """Keep the answer to a request that was done."""
        row = {
            "pk": _answers(asked.tenant_id, about),
            "sk": asked.digest,
            "http_status": answer.http_status,
            "headers": dict(answer.headers),
            "body": answer.body,
            "expires_at": _end(now),
        }
        self._table.write(Put(row))

    def refuse(self, asked: Asked) -> None:
        """Forget a request that was refused before anything was done: the key may be used for a better one."""
        self._table.write(Delete({"pk": asked.pk, "sk": "REQUEST"}))

    def let_go(self, asked: Asked) -> None:
        """Let a request that failed be done again at once, and not only when it is clear that nobody is at it."""
        update = Update(_key(asked), "SET begun_at = :never", "attribute_exists(pk)", {":never": NEVER})
        self._table.write(update)

    def answers_about(self, tenant_id: str, about: str) -> list[Item]:
        """Return the answers that are about a user, as they are kept."""
        return list(self._table.query("pk = :pk", {":pk": _answers(tenant_id, about)}))

    def erase(self, tenant_id: str, about: str) -> int:
        """Put in place of the answers that are about a user that he is gone; return how many there were."""
        held = [row for row in self.answers_about(tenant_id, about) if int(row["http_status"]) != GONE]
        for row in held:
            gone = {"pk": row["pk"], "sk": row["sk"], "http_status": GONE, "headers": {}, "body": None}
            self._table.write(Put({**gone, "expires_at": row["expires_at"]}))
        return len(held)

    def _again(self, asked: Asked, now: datetime) -> Turn:
        row = self._table.get(_key(asked))
        if row is None:
            raise BeingDone("the same request was just refused: send it again")
        if not hmac.compare_digest(row["fingerprint"], asked.fingerprint):
            raise InvalidMessage(HEADER, "was used for another request: method, path and body must be the same")
        answer = self._table.get({"pk": _answers(asked.tenant_id, row.get("about")), "sk": asked.digest})
        begun_at = parse_instant(row["begun_at"])
        if answer is not None and int(answer["expires_at"]) > now.timestamp():
            return Turn(row["chance"], begun_at, _answer(answer))
        if begun_at + WORKED_FOR > now:
            raise BeingDone("the same request is being done just now: send it again in a few seconds")
        seen = {":seen": row["begun_at"], ":now": format_instant(now)}
        try:
            self._table.write(Update(_key(asked), "SET begun_at = :now", "begun_at = :seen", seen))
        except ConcurrentChange:
            raise BeingDone("the same request is being done just now: send it again in a few seconds") from None
        return Turn(row["chance"], now)


GONE = 410
NEVER = "2000-01-01T00:00:00Z"


def _key(asked: Asked) -> dict[str, str]:
    return {"pk": asked.pk, "sk": "REQUEST"}


def _answers(tenant_id: str, about: str | None) -> str:
    return f"ANSWERS#{tenant_id}#{about or ''}"


def _answer(row: Mapping[str, Any]) -> KeptAnswer:
    return KeptAnswer(int(row["http_status"]), row["headers"], row.get("body"))


def _end(now: datetime) -> int:
    return int((now + KEPT_FOR).timestamp())
