"""What a process remembers, and when it does not trust that."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from offpeak.memory import Memory


class Loads:
    """A table whose every reading is another."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> int:
        self.count += 1
        return self.count


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.mark.parametrize(
    ("later_s", "loads"), [(0, 1), (29.9, 1), (30, 2), (-5, 2)], ids=["at once", "young", "old", "clock set back"]
)
def test_a_value_is_remembered_for_a_while(later_s: float, loads: int) -> None:
    clock, load = Clock(), Loads()
    memory = Memory[str, int](30, clock)
    memory.get("a", load)
    clock.now_s += later_s
    assert memory.get("a", load) == loads


@pytest.mark.parametrize(
    ("changed_s", "loads"),
    [(990, 1), (999.5, 2), (1000, 2), (1005, 2)],
    ids=["long before", "within what clocks may differ", "when it was read", "after"],
)
def test_a_change_is_seen_that_was_made_since(changed_s: float, loads: int) -> None:
    clock, load = Clock(), Loads()
    memory = Memory[str, int](30, clock)
    memory.get("a", load)
    clock.now_s += 10
    assert memory.get("a", load, changed_at=datetime.fromtimestamp(changed_s, UTC)) == loads
    assert memory.get("a", load, changed_at=datetime.fromtimestamp(changed_s, UTC)) == loads, "it is remembered again"


def test_what_was_not_found_is_looked_for_again() -> None:
    def fails() -> int:
        raise KeyError

    memory = Memory[str, int](30)
    with pytest.raises(KeyError):
        memory.get("a", fails)
    assert memory.get("a", lambda: 7) == 7


def test_the_oldest_is_forgotten_first_when_there_are_too_many() -> None:
    memory, load = Memory[int, int](30, Clock(), most=3), Loads()
    for key in (1, 2, 3, 4):
        memory.get(key, load)
    assert memory.get(4, load) == 4
    assert memory.get(1, load) == 5
