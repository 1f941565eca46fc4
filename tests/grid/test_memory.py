"""Signals as a process remembers them."""

from __future__ import annotations

from datetime import UTC, datetime

from offpeak.grid.memory import REMEMBERED_S, SignalMemory
from offpeak.grid.model import Scope, Signal, SignalKind
from tests.grid.builders import DEPOT, ZONE, a_signal, at


class Stored:
    """Signals that tell how often they were read."""

    def __init__(self) -> None:
        self.reads = list[Scope]()
        self.signals = [a_signal(), a_signal("depot", SignalKind.PRICE_ADDER, 1, scope=DEPOT)]

    def of(self, scope: Scope) -> tuple[Signal, ...]:
        self.reads.append(scope)
        return tuple(each for each in self.signals if each.scope == scope)


def test_signals_are_read_once_in_half_a_minute_and_again_after_a_change() -> None:
    stored, now_s = Stored(), [1000.0]
    memory = SignalMemory(stored, now_s=lambda: now_s[0])

    def caps(changed_at_s: float | None = None) -> int:
        changed_at = None if changed_at_s is None else datetime.fromtimestamp(changed_at_s, UTC)
        return len(memory.since(changed_at).conditions("DE-LU", (), at(12), at(24)).spans)

    assert [caps(), caps(900)] == [1, 1]
    assert stored.reads == [ZONE]
    stored.signals.clear()
    now_s[0] += 10
    assert caps() == 1, "nobody told of a change"
    assert caps(1005) == 0
    now_s[0] += REMEMBERED_S
    assert caps() == 0
    assert len(stored.reads) == 3


def test_a_session_in_a_group_is_under_the_signals_of_both() -> None:
    standing = SignalMemory(Stored()).since(None)
    [span] = standing.conditions("DE-LU", ("board", "depot"), at(12), at(24)).spans
    assert (span.power_w, span.adder_eur_per_kwh) == (4100, 1)
