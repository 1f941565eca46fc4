"""How many changes of sessions are taken in a second, beside the first hop of the empty chain."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from tests.bench.report import Progress, Row, median, ms, quantile
from tests.bench.sessions import update_of
from tests.bench.stand import IN_FLIGHT, Stand

NAME = "throughput"
SESSIONS, ROUNDS, UPDATES_A_ROUND = 24, 4, 4


@dataclass(slots=True)
class Taken:
    """Round by round: changes a second until the last answer, and until all that follows from them was done too."""

    latencies_s: list[float] = field(default_factory=list)
    answered_a_second: list[float] = field(default_factory=list)
    done_a_second: list[float] = field(default_factory=list)

    def time_round(self, answer: Callable[[], Sequence[float]], finish: Callable[[], object]) -> None:
        began = time.perf_counter()
        latencies = answer()
        answered = time.perf_counter()
        finish()
        self.latencies_s += latencies
        self.answered_a_second.append(len(latencies) / (answered - began))
        self.done_a_second.append(len(latencies) / (time.perf_counter() - began))


def measure(stand: Stand, progress: Progress) -> list[Row]:
    outside = stand.outside
    sessions = stand.new_sessions(SESSIONS)
    outside.run_at_once([partial(outside.session, each) for each in sessions], IN_FLIGHT)
    drained = partial(stand.cloud.wait_until_drained, 60)
    drained()
    a_round = SESSIONS * UPDATES_A_ROUND

    def patch(first: int) -> Sequence[float]:
        updates = [update_of(first + number) for number in range(UPDATES_A_ROUND)]
        jobs = [partial(outside.patch, session_id, update) for update in updates for session_id in sessions]
        return outside.run_at_once(jobs, IN_FLIGHT)

    def enter(messages: Sequence[str]) -> Sequence[float]:
        return outside.run_at_once([partial(outside.enter, each) for each in messages], IN_FLIGHT)

    def passed(messages: Sequence[str]) -> object:
        return outside.run_at_once([partial(outside.passed, each) for each in messages], IN_FLIGHT)

    def take_turns(number: int, offpeak: Taken, empty: Taken) -> None:
        messages = stand.new_messages(a_round)
        turns = [
            partial(offpeak.time_round, partial(patch, 1 + number * UPDATES_A_ROUND), drained),
            partial(empty.time_round, partial(enter, messages), partial(passed, messages)),
        ]
        for turn in turns if number % 2 else reversed(turns):
            turn()

    take_turns(0, Taken(), Taken())  # warms up
    offpeak, empty = Taken(), Taken()
    for number in range(1, ROUNDS + 1):
        take_turns(number, offpeak, empty)
        progress(f"{number * a_round} of {ROUNDS * a_round} PATCHes and as many empty messages")
    return rows(offpeak, empty)


def rows(offpeak: Taken, empty: Taken) -> list[Row]:
    """Return rates by their median over the rounds, and latencies over all of them."""
    rates = {
        "PATCHes answered a second": (offpeak.answered_a_second, empty.answered_a_second),
        "PATCHes answered and planned a second": (offpeak.done_a_second, empty.done_a_second),
    }
    found = []
    for what, (ours, theirs) in rates.items():
        rate, beside = median(ours), median(theirs)
        found.append(Row(NAME, what, f"{rate:.0f}", f"{beside:.0f} empty messages", f"{rate / beside:.2f}"))
    took, beside = (quantile(each.latencies_s, 0.5) for each in (offpeak, empty))
    worst, beside_worst = (quantile(each.latencies_s, 0.99) for each in (offpeak, empty))
    return [
        *found,
        Row(
            NAME,
            f"answer to a PATCH, {IN_FLIGHT} clients, p50 (p99)",
            f"{ms(took)} ({ms(worst)})",
            f"{ms(beside)} ({ms(beside_worst)}) empty chain",
            f"{took / beside:.2f}",
        ),
    ]
