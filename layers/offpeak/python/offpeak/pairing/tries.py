"""How many codes may be tried: counted in rows of the connect_sessions table that go by themselves.

TRIES#{partner}/{hour}#{whose}: a partner's, a tenant's, a user's and a connect session's in one partition, so that
operators see who tries. No tenant comes near the partner's, so none shuts out the drivers of others. Codes that lead
nowhere count; so do those whose trial died half-way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from offpeak.aws.tables import Table, Update
from offpeak.errors import ConcurrentChange
from offpeak.pairing.model import UserKey

MOST_OF_PARTNER, MOST_OF_TENANT, MOST_OF_USER, MOST_OF_CONNECT_SESSION = 600, 200, 10, 6
"""Codes an hour. Whoever tries one in a million (six digits) finds one in two hundred days, by way of twenty users, in
front of everybody's eyes."""
KEPT_FOR = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Tried:
    """`whose` is PARTNER, TENANT#{tenant}, USER#{tenant}#{user} or CONNECT#{id}; `hour` begins the hour, as
    2027-03-01T18."""

    hour: str
    whose: str
    tries: int
    most: int

    @property
    def is_stopped(self) -> bool:
        return self.tries >= self.most


class Tries:
    def __init__(self, table: Table) -> None:
        self._table = table

    def take(self, partner_id: str, user: UserKey, connect_id: str, at: datetime) -> str | None:
        """Count one more try; return whose limit forbids it (`USER`, say), None where none does. `at` is real time."""
        taken: list[tuple[str, int]] = []
        for whose, most in _limits(user, connect_id):
            if not self._count(partner_id, whose, most, at):
                for each, _ in taken:
                    self._give(partner_id, each, at)
                return whose.partition("#")[0]
            taken.append((whose, most))
        return None

    def give_back(self, partner_id: str, user: UserKey, connect_id: str, at: datetime) -> None:
        """Take back a try that was taken at `at`: it led somewhere, or nobody could tell."""
        for whose, _ in _limits(user, connect_id):
            self._give(partner_id, whose, at)

    def of_partner(self, partner_id: str, since: datetime) -> Iterator[Tried]:
        """Yield who tried a partner's codes since then, by the hour."""
        rows = self._table.query(
            "pk = :pk AND sk >= :since", {":pk": f"TRIES#{partner_id}", ":since": f"{since:%Y-%m-%dT%H}"}
        )
        for row in rows:
            hour, _, whose = row["sk"].partition("#")
            yield Tried(hour, whose, int(row["tries"]), int(row["most"]))

    def _count(self, partner_id: str, whose: str, most: int, at: datetime) -> bool:
        try:
            self._table.write(
                Update(
                    _key(partner_id, whose, at),
                    "SET most = :most, expires_at = :expires_at ADD tries :one",
                    condition="attribute_not_exists(tries) OR tries < :most",
                    values={":one": 1, ":most": most, ":expires_at": int((at + KEPT_FOR).timestamp())},
                )
            )
        except ConcurrentChange:
            return False
        return True

    def _give(self, partner_id: str, whose: str, at: datetime) -> None:
        self._table.write(Update(_key(partner_id, whose, at), "ADD tries :less", values={":less": -1}))


def _limits(user: UserKey, connect_id: str) -> tuple[tuple[str, int], ...]:
    return (
        (f"CONNECT#{connect_id}", MOST_OF_CONNECT_SESSION),
        (f"USER#{user.text}", MOST_OF_USER),
        (f"TENANT#{user.tenant_id}", MOST_OF_TENANT),
        ("PARTNER", MOST_OF_PARTNER),
    )


def _key(partner_id: str, whose: str, at: datetime) -> dict[str, str]:
    return {"pk": f"TRIES#{partner_id}", "sk": f"{at:%Y-%m-%dT%H}#{whose}"}
