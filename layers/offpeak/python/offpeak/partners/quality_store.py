"""The quality table: a row of counters for each partner and day, and rows of samples beside it.

Counters are attributes of their own, so that one UpdateItem adds up any number of them, and two writers never meet.
Samples have rows of their own because a write is paid by the size of its row.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

from offpeak.aws.tables import Table, Update
from offpeak.errors import ConcurrentChange
from offpeak.instants import format_instant, parse_instant
from offpeak.partners.figures import Figures, Sample

KEPT_FOR = timedelta(days=400)
MOST_AT_ONCE = 150
"""Counters in one UpdateItem, whose expression may have 300 operators and 4 KB."""
KEYS = frozenset({"pk", "sk", "expires_at"})


class QualityStore:
    def __init__(self, table: Table) -> None:
        self._table = table

    def add(self, partner_id: str, day: date, counts: Mapping[str, int]) -> None:
        """Add counters to those of a partner's day."""
        named = sorted(counts.items())
        for first in range(0, len(named), MOST_AT_ONCE):
            part = named[first : first + MOST_AT_ONCE]
            self._table.write(
                Update(
                    _key(partner_id, day),
                    "SET expires_at = :expires_at ADD " + ", ".join(f"#{at} :{at}" for at in range(len(part))),
                    values={":expires_at": _expires_at(day), **{f":{at}": n for at, (_, n) in enumerate(part)}},
                    names={f"#{at}": name for at, (name, _) in enumerate(part)},
                )
            )

    def add_sample(self, partner_id: str, day: date, slot: int, sample: Sample) -> None:
        """Keep a sample, unless there is one in its slot already."""
        said = {
            "at": format_instant(sample.at),
            "call": sample.call,
            "field": sample.field,
            "problem": sample.problem,
            "excerpt": sample.excerpt,
            "expires_at": _expires_at(day),
        }
        kept = {name: value for name, value in said.items() if value is not None}
        try:
            self._table.write(
                Update(
                    _key(partner_id, day, f"#{slot:02d}"),
                    "SET " + ", ".join(f"#{name} = :{name}" for name in kept),
                    "attribute_not_exists(pk)",
                    {f":{name}": value for name, value in kept.items()},
                    {f"#{name}": name for name in kept},
                )
            )
        except ConcurrentChange:
            return

    def day(self, partner_id: str, day: date) -> Figures:
        """Return a partner's figures of a day; empty ones where nothing came."""
        values = {":partner_id": partner_id, ":day": day.isoformat()}
        rows = list(self._table.query("pk = :partner_id AND begins_with(sk, :day)", values))
        counts = {
            name: int(n) for row in rows if row["sk"] == day.isoformat() for name, n in row.items() if name not in KEYS
        }
        samples = [
            Sample(parse_instant(row["at"]), row["call"], row.get("field"), row["problem"], row["excerpt"])
            for row in rows
            if row["sk"] != day.isoformat()
        ]
        return Figures(counts, tuple(sorted(samples, key=lambda each: each.at)))


def _key(partner_id: str, day: date, kind: str = "") -> dict[str, str]:
    return {"pk": partner_id, "sk": f"{day.isoformat()}{kind}"}


def _expires_at(day: date) -> int:
    return int((datetime.combine(day, time(), UTC) + KEPT_FOR).timestamp())
