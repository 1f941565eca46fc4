"""Pairing as operators see it: what CPOs have not acknowledged, and who tries codes. Pure."""

from __future__ import annotations

from offpeak.instants import format_instant
from offpeak.pairing.model import Unpairing
from offpeak.pairing.tries import Tried


def unpairing_shown(waits: Unpairing) -> dict[str, object]:
    return {
        "unpairing_id": waits.unpairing_id,
        "partner_id": waits.partner_id,
        "uid": waits.uid,
        "tier": waits.tier.value,
        "by": waits.why.value,
        "since": format_instant(waits.since),
        "attempts": waits.attempts,
        "due_at": format_instant(waits.due_at),
        "problem": waits.problem,
    }


def tried_shown(tried: Tried) -> dict[str, object]:
    kind, _, whose = tried.whose.partition("#")
    return {
        "hour": f"{tried.hour}:00:00Z",
        "kind": kind,
        "whose": whose or None,
        "tries": max(0, tried.tries),
        "most": tried.most,
        "is_stopped": tried.is_stopped,
    }
