"""History keeps out of the way of profiles at the gate that they share."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offpeak.history.pace import background_cap, pause_s, wait_s
from offpeak.partners.gate import FAILURES_TO_OPEN, Admitted, enter
from offpeak.partners.model import Gate

HEALTHY = Gate("acme", cap=8)
BROKEN = Gate("acme", cap=8, failures=FAILURES_TO_OPEN)


@given(st.integers(1, 100), st.integers(0, 100))
def test_whenever_history_gets_in_a_profile_gets_in_beside_it(cap: int, profiles: int) -> None:
    gate = Gate("acme", cap=background_cap(cap), leases={f"profile-{n}": 100.0 for n in range(min(profiles, cap))})
    place = enter(gate, "history", now_s=0.0)
    if isinstance(place, Admitted) and cap > 1:
        beside = Gate("acme", cap=cap, leases=place.gate.leases)
        assert isinstance(enter(beside, "profile", now_s=0.0), Admitted)


def test_a_partner_with_one_place_takes_history_all_the_same() -> None:
    assert background_cap(1) == 1


@pytest.mark.parametrize(
    ("gate", "cap", "call_s", "pause"),
    [(HEALTHY, 8, 3.0, 0), (HEALTHY, 1, 2.2, 3), (BROKEN, 8, 0.1, 30), (BROKEN, 1, 0.1, 30)],
)
def test_the_gate_is_left_to_profiles_where_there_is_little_room(
    gate: Gate, cap: int, call_s: float, pause: int
) -> None:
    assert pause_s(gate, cap, call_s) == pause


def test_history_waits_longer_than_a_profile_would() -> None:
    waits = [wait_s(retry_in_s) for retry_in_s in (0.5, 1, 10, 300)]
    assert waits[0] == 5
    assert all(one <= other for one, other in pairwise(waits))
