"""Partners, and what happened to them, as operators see them: plain dicts without secrets. Pure."""

from __future__ import annotations

from offpeak.instants import format_instant
from offpeak.partners.audit import Entry
from offpeak.partners.model import Partner
from offpeak.partners.propose import Attempt
from offpeak.partners.settings import settings_of
from offpeak.partners.trail import Verdict


def partner_shown(partner: Partner) -> dict[str, object]:
    """Return all that can be shown of a partner; `revision` is what a change names as seen."""
    return {**settings_of(partner), "revision": partner.revision}


def partner_in_list(partner: Partner) -> dict[str, object]:
    status = "SUSPENDED" if partner.is_suspended else partner.status.value
    return {"partner_id": partner.partner_id, "name": partner.name, "status": status}


def attempt_shown(done: Attempt) -> dict[str, object]:
    """Return how a registration that we began went: each call, and what was wrong, None where nothing was."""
    return {
        "status": done.partner.status.value if done.partner else None,
        "version": done.partner.version if done.partner else None,
        "problem": done.problem,
        "steps": [{"call": each.call, "outcome": each.outcome, "took_ms": each.took_ms} for each in done.steps],
    }


def entry_shown(entry: Entry) -> dict[str, object]:
    return {
        "number": entry.number,
        "at": format_instant(entry.at),
        "who": entry.actor.who,
        "via": entry.actor.via,
        "action": entry.action.value,
        "note": entry.note,
        "changes": [{"name": each.name, "before": each.before, "after": each.after} for each in entry.changes],
        "hash": entry.hash,
    }


def verdict_shown(verdict: Verdict) -> dict[str, object]:
    return {
        "entries": verdict.entries,
        "hash": verdict.hash,
        "is_whole": not verdict.problems,
        "problems": list(verdict.problems),
    }
