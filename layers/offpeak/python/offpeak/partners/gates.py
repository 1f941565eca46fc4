"""The gates of all partners, one row each: the pure rules of gate.py, applied by whoever wins the conditional write."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from zlib import crc32

from offpeak.aws.tables import Item, Put, Table, Update
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
    """Who may call a partner now.

    While all is well, taking a place and giving it back are one write each, whose condition the database checks: many
    callers at the same moment stand in nobody's way. Otherwise the gate is read, and what the rules make of it is
    written on condition that nobody else was faster.
    """

    def __init__(self, table: Table, pause: Callable[[float], None] = time.sleep) -> None:
        self._table = table
        self._pause = pause

    def enter(self, partner_id: str, cap: int, call_id: str, now_s: float) -> Admitted | Deferred:
        """Ask for one of `cap` places for the call `call_id`; `now_s` is the real time in epoch seconds."""
        entered = self._entered_a_gate_in_order(partner_id, cap, call_id, now_s)
        if entered:
            return entered
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
        if ok is not False and self._left_a_gate_in_order(partner_id, call_id):
            return
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

    def is_broken(self, partner_id: str) -> bool:
        """Say whether a partner's circuit has opened and no call has succeeded since."""
        return rules.is_broken(self._load(partner_id))

    def _entered_a_gate_in_order(self, partner_id: str, cap: int, call_id: str, now_s: float) -> Admitted | None:
        """Take a place of a gate that has one to spare and of whose peer nothing bad is known; else None.

        Leases that have ended count here, so this never lets more in than the rules would.
        """
        try:
            row = self._table.change(
                Update(
                    _key(partner_id),
                    "SET leases.#call = :until_s, cap = :cap, revision = revision + :one",
                    condition="failures = :none AND size(leases) < :cap",
                    values={":until_s": _seconds(now_s + rules.LEASE_S), ":cap": cap, ":one": 1, ":none": 0},
                    names={"#call": call_id},
                )
            )
        except ConcurrentChange:
            return None
        return Admitted(_gate(partner_id, row))

    def _left_a_gate_in_order(self, partner_id: str, call_id: str) -> bool:
        """Give a place back to a gate of whose peer nothing bad is known; say whether it was one."""
        try:
            self._table.write(
                Update(
                    _key(partner_id),
                    "SET revision = revision + :one REMOVE leases.#call",
                    condition="failures = :none",
                    values={":one": 1, ":none": 0},
                    names={"#call": call_id},
                )
            )
        except ConcurrentChange:
            return False
        return True

    def _load(self, partner_id: str) -> Gate:
        row = self._table.get(_key(partner_id))
        return _gate(partner_id, row) if row else Gate(partner_id, cap=1)

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


def _gate(partner_id: str, row: Item) -> Gate:
    return Gate(
        partner_id=partner_id,
        cap=int(row["cap"]),
        leases={call: float(until_s) for call, until_s in row["leases"].items()},
        failures=int(row["failures"]),
        open_until_s=float(row["open_until_s"]),
        revision=int(row["revision"]),
    )


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
