"""The gates of all partners, one row each: the pure rules of gate.py, applied by whoever wins the conditional write."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from zlib import crc32

from offpeak.aws.tables import Put, Table
from offpeak.errors import ConcurrentChange
from offpeak.partners import gate as rules
from offpeak.partners.gate import Admitted, Deferred
from offpeak.partners.model import Gate
from offpeak.telemetry import count, logger

__all__ = ["Admitted", "Deferred", "Gates"]

TRIES_TO_ENTER = 8
TRIES_TO_LEAVE = 40
"""Writers of one gate are as many as calls to its partner at the same moment. Who does not get in comes again; who does
not get out holds a place for nothing until its lease ends."""


class Gates:
    """Who may call a partner now. Holding one's place and giving it back are one conditional write each."""

    def __init__(self, table: Table, pause: Callable[[float], None] = time.sleep) -> None:
        self._table = table
        self._pause = pause

    def enter(self, partner_id: str, cap: int, call_id: str, now_s: float) -> Admitted | Deferred:
        """Ask for one of `cap` places for the call `call_id`; `now_s` is the real time in epoch seconds."""
        for attempt in range(TRIES_TO_ENTER):
            gate = replace(self._load(partner_id), cap=cap)
            decision = rules.enter(gate, call_id, now_s)
            if isinstance(decision, Deferred):
                return decision
            try:
                self._save(decision.gate)
            except ConcurrentChange:
                self._pause(_spread_s(call_id, attempt))
            else:
                return decision
        return Deferred(rules.RETRY_WHEN_FULL_S)

    def leave(self, partner_id: str, call_id: str, ok: bool | None, now_s: float) -> None:
        """Give the place back and say whether the peer answered, None where it was not called.

        A place that cannot be given back ends by itself.
        """
        for attempt in range(TRIES_TO_LEAVE):
            before = self._load(partner_id)
            after = rules.leave(before, call_id, ok, now_s)
            try:
                self._save(after)
            except ConcurrentChange:
                self._pause(_spread_s(call_id, attempt))
            else:
                _report(before, after)
                return
        logger.warning("gate_not_left", partner_id=partner_id)

    def _load(self, partner_id: str) -> Gate:
        row = self._table.get(_key(partner_id))
        if row is None:
            return Gate(partner_id, cap=1)
        return Gate(
            partner_id=partner_id,
            cap=int(row["cap"]),
            leases={call: float(until_s) for call, until_s in row["leases"].items()},
            failures=int(row["failures"]),
            open_until_s=float(row["open_until_s"]),
            revision=int(row["revision"]),
        )

    def _save(self, gate: Gate) -> None:
        row = {
            **_key(gate.partner_id),
            "cap": gate.cap,
            "leases": {call: _seconds(until_s) for call, until_s in gate.leases.items()},
            "failures": gate.failures,
            "open_until_s": _seconds(gate.open_until_s),
            "revision": gate.revision,
        }
        if gate.revision == 1:
            self._table.write(Put(row, "attribute_not_exists(pk)"))
        else:
            self._table.write(Put(row, "revision = :before", {":before": gate.revision - 1}))


def _key(partner_id: str) -> dict[str, str]:
    return {"pk": f"GATE#{partner_id}", "sk": "GATE"}


def _spread_s(call_id: str, attempt: int) -> float:
    """A pause that grows up to 50 ms and differs from call to call, so that those who met do not meet again."""
    return min(attempt + 1, 10) * 0.005 * (crc32(f"{call_id}{attempt}".encode()) / 2**32)


def _seconds(moment_s: float) -> Decimal:
    return Decimal(f"{moment_s:.3f}")


def _report(before: Gate, after: Gate) -> None:
    if after.open_until_s > before.open_until_s:
        count("CircuitsOpened")
        logger.warning("circuit_opened", partner_id=after.partner_id, failures=after.failures)
    elif rules.is_broken(before) and not rules.is_broken(after):
        logger.info("circuit_closed", partner_id=after.partner_id)
