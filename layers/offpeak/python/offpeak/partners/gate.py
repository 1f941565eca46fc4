"""The rules of a partner's gate, pure: how many calls run at the same time, and when a broken peer is tried again.

A circuit breaker (Nygard, Release It!, 5.2) and a cap on calls in flight, in one value that all Lambdas share. A call's
place is a lease, so that a caller who dies holds it for LEASE_S at most. Times are real, in epoch seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

from offpeak.partners.model import Gate

LEASE_S = 15.0
"""Longer than the function that calls may live: a lease never ends while its call still runs."""

FAILURES_TO_OPEN = 5
FIRST_PAUSE_S = 10.0
LONGEST_PAUSE_S = 300.0

RETRY_WHEN_FULL_S = 1.0
RETRY_WHILE_PROBING_S = 4.0
"""One call's time-out and a little: then the probe has told."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """The call may go; it must leave afterwards."""

    gate: Gate


@dataclass(frozen=True, slots=True)
class Deferred:
    """The call may not go now; ask again in `retry_in_s` seconds."""

    retry_in_s: float


def enter(gate: Gate, call_id: str, now_s: float) -> Admitted | Deferred:
    """Ask for a place. At most `gate.cap` leases are alive at any time; after a pause one probe goes alone."""
    alive = {call: until_s for call, until_s in gate.leases.items() if until_s > now_s}
    if now_s < gate.open_until_s:
        return Deferred(gate.open_until_s - now_s)
    if is_broken(gate) and alive:
        return Deferred(RETRY_WHILE_PROBING_S)
    if len(alive) >= gate.cap:
        return Deferred(RETRY_WHEN_FULL_S)
    return Admitted(gate.renewed(leases={**alive, call_id: now_s + LEASE_S}))


def leave(gate: Gate, call_id: str, ok: bool | None, now_s: float) -> Gate:
    """Give the place back and say how the call went; `ok` is False only where the peer was at fault, None where the
    peer was not called.

    A call that fails while the circuit is open began before it opened: it tells nothing new.
    """
    leases = {call: until_s for call, until_s in gate.leases.items() if call != call_id and until_s > now_s}
    if ok:
        return gate.renewed(leases=leases, failures=0, open_until_s=0.0)
    if ok is None or now_s < gate.open_until_s:
        return gate.renewed(leases=leases)
    failures = gate.failures + 1
    if failures < FAILURES_TO_OPEN:
        return gate.renewed(leases=leases, failures=failures)
    doublings = min(failures - FAILURES_TO_OPEN, 10)
    pause_s = min(FIRST_PAUSE_S * 2**doublings, LONGEST_PAUSE_S)
    return gate.renewed(leases=leases, failures=failures, open_until_s=now_s + pause_s)


def is_broken(gate: Gate) -> bool:
    """Say whether the circuit has opened and no call has succeeded since."""
    return gate.failures >= FAILURES_TO_OPEN
