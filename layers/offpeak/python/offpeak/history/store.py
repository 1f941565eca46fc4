"""The history table: of each partner's lists the newest run of each kind, and since when unknown sessions were patched.

Rows: PARTNER#{id}/RUN#{module}#{kind}, a run; PARTNER#{id}/WANTED, the oldest PATCH of an unknown session that no run
has begun to look for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from offpeak.aws.tables import Delete, Key, Put, Table, Update
from offpeak.errors import ConcurrentChange
from offpeak.history.model import Module, Refusal, Run, RunKind, RunState, Tally
from offpeak.instants import format_instant, parse_instant
from offpeak.ocpi.paging import Trail


class HistoryStore:
    def __init__(self, table: Table) -> None:
        self._table = table

    def run(self, partner_id: str, module: Module, kind: RunKind) -> Run | None:
        """Return the newest run of a kind through one of a partner's lists."""
        row = self._table.get(_run_key(partner_id, module, kind))
        return _run(row) if row else None

    def runs(self, partner_id: str) -> dict[tuple[Module, RunKind], Run]:
        """Return the newest run of each kind through each of a partner's lists."""
        rows = self._table.query(
            "pk = :pk AND begins_with(sk, :run)", {":pk": _wanted_key(partner_id)["pk"], ":run": "RUN#"}
        )
        return {(run.module, run.kind): run for run in map(_run, rows)}

    def begin(self, run: Run) -> bool:
        """Save a new run; False where one of its kind is running."""
        condition = "attribute_not_exists(pk) OR #state <> :running"
        names, values = {"#state": "state"}, {":running": RunState.RUNNING.value}
        try:
            self._table.write(Put(_row(run), condition, values, names))
        except ConcurrentChange:
            return False
        return True

    def save(self, run: Run, step: int) -> None:
        """Save a run that was loaded at `step`. Raises ConcurrentChange when somebody else has moved it on."""
        condition = "run_id = :run_id AND step = :step AND #state = :running"
        values = {":run_id": run.run_id, ":step": step, ":running": RunState.RUNNING.value}
        self._table.write(Put(_row(run), condition, values, {"#state": "state"}))

    def want(self, partner_id: str, since: datetime) -> bool:
        """Note that a session which changed at `since` or later is to be looked for; False where that was noted."""
        try:
            self._table.write(
                Update(
                    _wanted_key(partner_id),
                    "SET wanted_since = :since",
                    "attribute_not_exists(wanted_since) OR wanted_since > :since",
                    {":since": format_instant(since)},
                )
            )
        except ConcurrentChange:
            return False  # What is noted goes back as far already.
        return True

    def wanted_since(self, partner_id: str) -> datetime | None:
        row = self._table.get(_wanted_key(partner_id))
        return parse_instant(row["wanted_since"]) if row else None

    def forget_wanted(self, partner_id: str, since: datetime) -> None:
        """Forget what is wanted, for a run begins that asks from `since` on; what goes back further stays."""
        try:
            self._table.write(
                Delete(_wanted_key(partner_id), "wanted_since >= :since", {":since": format_instant(since)})
            )
        except ConcurrentChange:
            return


def _run_key(partner_id: str, module: Module, kind: RunKind) -> Key:
    return {"pk": f"PARTNER#{partner_id}", "sk": f"RUN#{module.value}#{kind.value}"}


def _wanted_key(partner_id: str) -> Key:
    return {"pk": f"PARTNER#{partner_id}", "sk": "WANTED"}


TALLIED = tuple(Tally.__dataclass_fields__)


def _row(run: Run) -> dict[str, Any]:
    return {
        **_run_key(run.partner_id, run.module, run.kind),
        "partner_id": run.partner_id,
        "module": run.module.value,
        "kind": run.kind.value,
        "run_id": run.run_id,
        "since": _optional(run.since),
        "until": _optional(run.until),
        "began_at": format_instant(run.began_at),
        "due_at": format_instant(run.due_at),
        "touched_at": format_instant(run.touched_at),
        "state": run.state.value,
        "step": run.step,
        "attempts": run.attempts,
        "party_at": run.party_at,
        "is_mixed": run.is_mixed,
        "next_url": run.next_url,
        "trail": asdict(run.trail),
        "walks": run.walks,
        "total": run.total,
        "has_shrunk": run.has_shrunk,
        "tally": asdict(run.tally),
        "samples": [asdict(each) for each in run.samples],
        "problem": run.problem,
        "synced_until": _optional(run.synced_until),
        "cooldown_s": run.cooldown_s,
    }


def _run(row: Mapping[str, Any]) -> Run:
    trail = row["trail"]
    return Run(
        partner_id=row["partner_id"],
        module=Module(row["module"]),
        kind=RunKind(row["kind"]),
        run_id=row["run_id"],
        since=_instant(row, "since"),
        until=_instant(row, "until"),
        began_at=parse_instant(row["began_at"]),
        due_at=parse_instant(row["due_at"]),
        touched_at=parse_instant(row["touched_at"]),
        state=RunState(row["state"]),
        step=int(row["step"]),
        attempts=int(row["attempts"]),
        party_at=int(row["party_at"]),
        is_mixed=row["is_mixed"],
        next_url=row.get("next_url"),
        trail=Trail(int(trail["pages"]), trail["url_mark"], trail["content_mark"]),
        walks=int(row["walks"]),
        total=int(row["total"]) if "total" in row else None,
        has_shrunk=row["has_shrunk"],
        tally=Tally(**{name: int(row["tally"][name]) for name in TALLIED}),
        samples=tuple(Refusal(each["object_id"], each["field"], each["problem"]) for each in row["samples"]),
        problem=row.get("problem"),
        synced_until=_instant(row, "synced_until"),
        cooldown_s=int(row["cooldown_s"]),
    )


def _optional(instant: datetime | None) -> str | None:
    return format_instant(instant) if instant else None


def _instant(row: Mapping[str, Any], name: str) -> datetime | None:
    return parse_instant(row[name]) if name in row else None
