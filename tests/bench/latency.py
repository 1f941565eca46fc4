"""From a session's message to its profile at the CPO, and on to the charger's result, beside the empty chain."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from offpeak.profiles.model import ProfileRequest, Step
from tests.bench.outside import Passed
from tests.bench.report import Progress, Row, ms, quantile
from tests.bench.stand import IN_FLIGHT, Stand

NAME = "latency"
GOAL_RATIO, GOAL_S = 1.5, 1.0

WARM_UP = 3 * IN_FLIGHT
ROUNDS, A_ROUND = 6, 4 * IN_FLIGHT
"""The chains take turns, so that whatever else the machine does hits both alike."""
ALONE = 24
"""How many go one at a time, after the rounds."""


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds between the steps of one session or message. `to_arrived` ends at the server outside, so it holds
    what `to_sent` leaves out: what happens between the stamp and the call."""

    to_planned: float
    to_sent: float
    to_arrived: float
    sent_to_confirmed: float


def measure(stand: Stand, progress: Progress) -> list[Row]:
    _carry(stand, 1, WARM_UP, IN_FLIGHT)
    offpeak, empty = _carry(stand, ROUNDS, A_ROUND, IN_FLIGHT, progress)
    offpeak_alone, empty_alone = _carry(stand, ALONE // 4, 4, 1, progress)
    return [
        *rows(f"{IN_FLIGHT} in flight", offpeak, empty, has_goal=True),
        *rows("1 in flight", offpeak_alone, empty_alone, has_goal=False),
    ]


def rows(load: str, offpeak: Sequence[Took], empty: Sequence[Took], *, has_goal: bool) -> list[Row]:
    """Return what the two chains took, step by step: the median and, in brackets, the 99th percentile."""
    steps: dict[str, Callable[[Took], float]] = {
        "received to sent": lambda took: took.to_sent,
        "sent to confirmed": lambda took: took.sent_to_confirmed,
        "  received to planned": lambda took: took.to_planned,
        "  received to arrived at the CPO": lambda took: took.to_arrived,
        "  received to confirmed": lambda took: took.to_sent + took.sent_to_confirmed,
    }
    found = []
    for what, of in steps.items():
        is_judged = has_goal and not what.startswith(" ")
        ours, theirs = (quantile(map(of, chain), 0.5) for chain in (offpeak, empty))
        worst, beside_worst = (quantile(map(of, chain), 0.99) for chain in (offpeak, empty))
        found.append(
            Row(
                NAME,
                f"{what}, {load}, p50 (p99)",
                f"{ms(ours)} ({ms(worst)})",
                f"{ms(theirs)} ({ms(beside_worst)}) empty chain",
                f"{ours / theirs:.2f}",
                f"≤ {GOAL_RATIO:g}" if is_judged else "",
                ours <= GOAL_RATIO * theirs if is_judged else None,
            )
        )
        if is_judged:
            ours, theirs = (quietest(list(map(of, chain))) for chain in (offpeak, empty))
            what = f"  the same in the quietest of {ROUNDS} rounds, p50"
            found.append(Row(NAME, what, ms(ours), f"{ms(theirs)} empty chain", f"{ours / theirs:.2f}"))
    if has_goal:
        sent = quantile((took.to_sent for took in offpeak), 0.5)
        found.append(Row(NAME, f"received to sent, {load}, p50", ms(sent), goal=f"< {GOAL_S:g} s", holds=sent < GOAL_S))
    return found


def quietest(took: Sequence[float]) -> float:
    """Return the least median of the rounds: where others use the machine too, the busier chain suffers more."""
    return min(quantile(took[start : start + A_ROUND], 0.5) for start in range(0, len(took), A_ROUND))


def of_request(request: ProfileRequest, arrived_at: float) -> Took:
    """Return what a session took, by the steps of its profile request's row."""
    received, planned, sent, confirmed = (
        request.steps[step].timestamp() for step in (Step.RECEIVED, Step.PLANNED, Step.SENT, Step.CONFIRMED)
    )
    return Took(planned - received, sent - received, arrived_at - received, confirmed - sent)


def of_message(passed: Passed) -> Took:
    return Took(
        passed.planned_at - passed.received_at,
        passed.sent_at - passed.received_at,
        passed.arrived_at - passed.received_at,
        passed.confirmed_at - passed.sent_at,
    )


def _carry(
    stand: Stand, rounds: int, a_round: int, at_once: int, progress: Progress | None = None
) -> tuple[list[Took], list[Took]]:
    """Carry sessions and empty messages, in turns; return what each took."""
    outside = stand.outside
    sessions: list[str] = []
    passed: list[Passed] = []

    def ours() -> None:
        new = stand.new_sessions(a_round)
        outside.run_at_once([partial(outside.session, each) for each in new], at_once)
        sessions.extend(new)

    def empty() -> None:
        new = stand.new_messages(a_round)
        passed.extend(outside.run_at_once([partial(outside.empty_message, each) for each in new], at_once))

    for number in range(rounds):
        for turn in (ours, empty) if number % 2 == 0 else (empty, ours):
            turn()
            stand.cloud.wait_until_drained(60)
        if progress:
            progress(f"{at_once} in flight: {len(sessions)} of {rounds * a_round} sessions and as many empty messages")
    return list(_took(stand, sessions)), [of_message(each) for each in passed]


def _took(stand: Stand, sessions: Iterable[str]) -> Iterable[Took]:
    profiles, arrived_at = stand.profiles, stand.outside.arrived_at
    for each in sessions:
        [request] = profiles.requests_of(stand.key(each))
        yield of_request(request, arrived_at[each])
