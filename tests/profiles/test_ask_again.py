from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from offpeak.profiles.ask_again import EVER, INSTANT, windows
from tests.sessions.builders import PLUG_IN

MINUTE = timedelta(minutes=1)


def asked_in(minutes: int, seconds: float = 0) -> list[int]:
    """Return in which minutes a row is taken up that never succeeds, when the sweeps come so far into the minute."""
    ticks = {n: PLUG_IN + n * MINUTE + timedelta(seconds=seconds) for n in range(1, minutes + 1)}
    return [n for n, now in ticks.items() if any(since <= PLUG_IN <= until for since, until in windows(now))]


def test_a_row_is_taken_up_every_minute_then_every_five_then_every_hour() -> None:
    assert asked_in(300, seconds=0.5) == [1, 2, 3, 4, *range(5, 60, 5), *range(60, 301, 60)]


def test_no_row_falls_between_two_windows_or_into_both() -> None:
    full_hour = [*windows(PLUG_IN)]
    assert [(older[1], younger[0]) for younger, older in pairwise(full_hour)] == [
        (since - INSTANT, since) for since, _ in full_hour[:-1]
    ]
    assert (full_hour[0][1], full_hour[-1][0]) == (PLUG_IN, EVER)
