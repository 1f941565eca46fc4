"""Codes that we give to drivers, for pairing that a CPO begins: he tells it his code, and it tells us the charger.

CODE#{hash}/CODE in the connect_sessions table: a code itself is kept nowhere. The row goes by itself.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from offpeak.aws.tables import Part, Put, Table, Update
from offpeak.errors import ConcurrentChange
from offpeak.instants import format_instant, parse_instant
from offpeak.pairing.model import ChargerKey, UserKey

LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Without those that are taken for others."""
LENGTH = 12
"""59 random bits: nobody finds one in the day that it is good for."""
GOOD_FOR = timedelta(days=1)
KEPT_FOR = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class IssuedCode:
    """Links one charger, which will be called `key`, at a location. `partner_ids` are the CPOs that may use it."""

    key: ChargerKey
    location_id: str
    partner_ids: tuple[str, ...]
    expires_at: datetime
    is_used: bool = False


def code_of(chance: str) -> str:
    """Return the code that a random text of at least 22 characters makes: XXXX-XXXX-XXXX."""
    number = int.from_bytes(hashlib.sha256(f"pairing code {chance}".encode()).digest())
    letters = []
    for _ in range(LENGTH):
        number, place = divmod(number, len(LETTERS))
        letters.append(LETTERS[place])
    return "-".join("".join(letters[first : first + 4]) for first in range(0, LENGTH, 4))


def charger_id_of(chance: str) -> str:
    """Return the id of the charger that it links; it tells nothing of the code."""
    return f"chg_{hashlib.sha256(f'charger of a code {chance}'.encode()).hexdigest()[:22]}"


def code_mark(code: str) -> str:
    """Return what is kept of a code, however its letters and dashes are written."""
    letters = "".join(each for each in code.upper() if each in LETTERS)
    return hashlib.sha256(f"{letters} {len(code) > 64}".encode()).hexdigest()


class CodeStore:
    def __init__(self, table: Table) -> None:
        self._table = table

    def put(self, code: str, issued: IssuedCode) -> IssuedCode:
        """Keep a code, and return it as it is kept: the same one may be made twice, by whoever died before his answer
        was out."""
        row = {
            **_key(code),
            "tenant_id": issued.key.user.tenant_id,
            "user_id": issued.key.user.user_id,
            "charger_id": issued.key.charger_id,
            "location_id": issued.location_id,
            "partner_ids": list(issued.partner_ids),
            "good_until": format_instant(issued.expires_at),
            "expires_at": int((issued.expires_at + KEPT_FOR).timestamp()),
        }
        try:
            self._table.write(Put(row, "attribute_not_exists(pk)"))
        except ConcurrentChange:
            return self.find(code) or issued
        return issued

    def find(self, code: str) -> IssuedCode | None:
        """Return what a code links, used or not, good or not; None where we gave out no such code."""
        row = self._table.get(_key(code))
        if row is None:
            return None
        return IssuedCode(
            ChargerKey(UserKey(row["tenant_id"], row["user_id"]), row["charger_id"]),
            row["location_id"],
            tuple(row["partner_ids"]),
            parse_instant(row["good_until"]),
            is_used=bool(row.get("is_used")),
        )

    def using(self, code: str) -> tuple[Table, Part]:
        """Return the write that uses a code up, for the transaction that links its charger."""
        return self._table, Update(
            _key(code),
            "SET is_used = :yes",
            condition="attribute_exists(pk) AND attribute_not_exists(is_used)",
            values={":yes": True},
        )


def _key(code: str) -> dict[str, str]:
    return {"pk": f"CODE#{code_mark(code)}", "sk": "CODE"}
