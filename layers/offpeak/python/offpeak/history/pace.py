"""How history keeps out of the way of profiles, which pass the same gate to the same partner. Pure."""

from __future__ import annotations

from math import ceil

from offpeak.partners import gate as gates
from offpeak.partners.model import Gate

LEAST_WAIT_S = 5.0
PAUSE_WHILE_BROKEN_S = 30.0


def background_cap(cap: int) -> int:
    """Return how many of a partner's places may be taken for history to come in still: half of them."""
    return max(1, cap // 2)


def wait_s(retry_in_s: float) -> int:
    """Return how long history waits that was not let in: longer than a profile would."""
    return ceil(max(retry_in_s, LEAST_WAIT_S))


def pause_s(gate: Gate, cap: int, call_s: float) -> int:
    """Return how long to leave the gate to profiles after a page whose call took `call_s`.

    Where there is one place only, history has it for half of the time at most; where a broken partner is being tried,
    the tries are for profiles.
    """
    if gates.is_broken(gate):
        return ceil(PAUSE_WHILE_BROKEN_S)
    return ceil(call_s) if cap == 1 else 0
