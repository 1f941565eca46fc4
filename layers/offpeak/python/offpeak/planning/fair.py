"""Who gets how much where a cap leaves too little for all (docs/planning.md, Many sessions).

Everybody gets the same share of what he needs, or what he could have drawn alone if that is less; where somebody cannot
use more, the others share it (lexicographic max-min). What sessions can be given together is a polymatroid, so this
takes nothing from the total: it is also the most that can be delivered. The share is found by Newton's steps on
minimum cuts: each maximum flow names those who are bound, and what they can have together.
"""

from __future__ import annotations

from collections.abc import Sequence

from offpeak.planning.flow import NOTHING, Branch, Tier, flow_of


def fair_shares(
    rooms: Sequence[Sequence[float]],
    needs: Sequence[float],
    caps: Sequence[float],
    tiers: Sequence[Tier],
    *,
    branches: Sequence[Branch] = (),
    served: Sequence[float] | None = None,
) -> list[float]:
    """Return the kWh of its need that each session is given, all of them together deliverable.

    `served` is what comes before these needs and is delivered in any case.
    """
    sure = list(served) if served else [0.0] * len(needs)
    alone = _alone(rooms, needs, caps, branches)
    given = [0.0] * len(needs)
    open_ = {session for session, most in enumerate(alone) if most > NOTHING}
    bound: set[int] = set()
    share = 1.0
    while open_:
        wanted = [0.0] * len(needs)
        for session in open_:
            wanted[session] = given[session] = min(share * needs[session], alone[session])
        flow = flow_of(rooms, caps, branches=branches)
        flow.pour(sure, tiers)
        flow.pour(wanted, tiers)
        left = flow.left()
        if not any(left[session] for session in open_):
            if share >= 1.0 or not bound:
                break
            _settle(bound, given, sure, open_)
            bound, share = set(), 1.0
            continue
        stuck = flow.bound(tiers)
        bound = {session for session in open_ if stuck[session] or left[session]}
        had = sum(given[session] - left[session] for session in bound)
        lower = _share_of(had, [(needs[session], alone[session]) for session in bound])
        if lower >= share - 1e-12:
            for session in bound:
                given[session] = max(0.0, given[session] - left[session])
            _settle(bound, given, sure, open_)
            bound, share = set(), 1.0
            continue
        share = lower
    return given


def _settle(bound: set[int], given: Sequence[float], sure: list[float], open_: set[int]) -> None:
    for session in bound:
        sure[session] += given[session]
    open_ -= bound


def _share_of(total: float, members: Sequence[tuple[float, float]]) -> float:
    """Return the share at which `members` (need, the most alone) have `total` together."""
    rest, whole = total, sum(need for need, _ in members)
    for need, most in sorted(members, key=lambda each: each[1] / each[0]):
        if rest / whole <= most / need:
            return max(0.0, rest / whole)
        rest -= most
        whole -= need
        if whole <= NOTHING:
            break
    return 1.0


def _alone(
    rooms: Sequence[Sequence[float]], needs: Sequence[float], caps: Sequence[float], branches: Sequence[Branch]
) -> list[float]:
    """Return what each session could draw of its need were it alone under the caps."""
    node_of = {session: place for place, branch in enumerate(branches) for session in branch.members}
    least: list[Sequence[float]] = []
    for branch in branches:
        above = caps if branch.parent < 0 else least[branch.parent]
        least.append([min(pair) for pair in zip(branch.caps, above, strict=True)])
    alone = []
    for session, (row, need) in enumerate(zip(rooms, needs, strict=True)):
        place = node_of.get(session)
        above = caps if place is None else least[place]
        alone.append(max(0.0, min(need, sum(min(pair) for pair in zip(row, above, strict=True)))))
    return alone
