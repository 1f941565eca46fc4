"""A run as operators see it."""

from __future__ import annotations

from dataclasses import asdict

from offpeak.history.model import Run


def run_shown(run: Run) -> dict[str, object]:
    """Return what can be told of a run: where it stands, what it brought, what could not be taken and why."""
    return {
        "partner_id": run.partner_id,
        "module": run.module.value,
        "kind": run.kind.value,
        "run_id": run.run_id,
        "state": run.state.value,
        "since": run.since,
        "until": run.until,
        "began_at": run.began_at,
        "touched_at": run.touched_at,
        "synced_until": run.synced_until,
        "pages": run.step,
        "attempts": run.attempts,
        "total": run.total,
        **asdict(run.tally),
        "samples": [asdict(each) for each in run.samples],
        "problem": run.problem,
    }
