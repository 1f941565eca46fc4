"""Which of a group's fresh profiles may go out now, so that no cap is passed whatever becomes of them: pure.

Every session counts with the most that any of its profiles allows, the one that goes out now included. While these sums
stay within the caps, requests may arrive in any order, late or never. So what only goes down is always free to go, and
a rise needs room: it waits where room is on its way, else it goes out as far as there is room.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain, islice

from offpeak.planning.coarse import least_until_end
from offpeak.profiles.power_steps import PowerSteps, cap_steps, instants_of, merged, sampled, slot_start

MOST_NAMED = 5
"""Sessions that are named with one that waits for them."""

FORGIVEN_W = 1e-3
"""Sums of floats have last bits."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What the sessions that `shares` names may draw together, in watts from each instant on; a watt that one of them
    draws counts as many times as its share says."""

    name: str
    steps: tuple[tuple[datetime, float], ...]
    shares: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Claim:
    """One session of a group.

    `exposure` is the most that it may draw as things stand, `expected` the same once all that is on its way has been
    confirmed. `wanted` is what its fresh profile would allow, None where nothing is to be sent. A profile that is cut
    allows `least_w` or more, or nothing; one that `is_whole` cannot be cut, as when limits are taken away. Where a
    charger obeys at the edges of slots only, `slot_s` long, these count as held until then (power_steps.held_in_slots).
    """

    exposure: PowerSteps
    expected: PowerSteps
    wanted: PowerSteps | None = None
    least_w: float = 0
    is_whole: bool = False
    slot_s: int | None = None


@dataclass(frozen=True, slots=True)
class Excess:
    """So much is left above a bound, first at `at`, when everything that is on its way has been confirmed."""

    name: str
    at: datetime
    power_w: float


@dataclass(slots=True)
class Release:
    """`going` is what is to be sent now, those in `cut` less than they want. `waiting` names with each session that
    waits some of those whose confirmation it waits for: none where no room is in sight."""

    going: dict[str, PowerSteps] = field(default_factory=dict)
    cut: set[str] = field(default_factory=set)
    waiting: dict[str, tuple[str, ...]] = field(default_factory=dict)
    excess: tuple[Excess, ...] = ()


def release(claims: Mapping[str, Claim], bounds: Sequence[Bound], now: datetime) -> Release:
    """Return what may go out now. `claims` are in the order in which room is given away.

    What goes allows at each instant at most what is wanted, and no more than the larger of what the session may draw
    anyhow and what the bounds leave beside the exposure of all others. Hence no sum of exposures passes a bound that it
    did not pass before, nor by more than before.
    """
    books = _Books(claims, bounds, now)
    outcome = Release()
    asking = [key for key, claim in claims.items() if claim.wanted is not None]
    for key in sorted(asking, key=books.rises):  # Those that only go down come first; room goes by the order given.
        if books.fits_now(key):
            outcome.going[key] = books.send(key, books.wanted[key])
    blocked = [key for key in asking if key not in outcome.going]
    while stuck := next((key for key in blocked if not books.fits_later(key) or books.is_pressing(key)), None):
        # One that nothing on its way makes room for may hold the room that another waits for: what it gives up goes
        # out now, and then the others are looked at again.
        blocked.remove(stuck)
        cut = books.wanted[stuck] if claims[stuck].is_whole else books.cut(stuck, claims[stuck].least_w)
        if not claims[stuck].is_whole and cut != books.expected[stuck]:
            outcome.going[stuck] = books.send(stuck, cut)
            outcome.cut.add(stuck)
        else:
            outcome.waiting[stuck] = books.blocking(stuck) if books.fits_later(stuck) else ()
    outcome.waiting |= {key: books.blocking(key) for key in blocked}
    outcome.excess = tuple(books.excess())
    return outcome


class _Books:
    """Exposures and sums at every instant at which one of them changes."""

    def __init__(self, claims: Mapping[str, Claim], bounds: Sequence[Bound], now: datetime) -> None:
        caps = [cap_steps(bound.steps) for bound in bounds]
        known = chain.from_iterable((each.exposure, each.expected, each.wanted) for each in claims.values())
        instants = instants_of([steps for steps in [*known, *caps] if steps is not None], now)
        self._slot_s = {key: claim.slot_s for key, claim in claims.items() if claim.slot_s is not None}
        self._instants = _with_edges(instants, set(self._slot_s.values()))
        self._names = [bound.name for bound in bounds]
        self._caps = [sampled(cap, self._instants) for cap in caps]
        self.exposure = {key: sampled(claim.exposure, self._instants) for key, claim in claims.items()}
        self.expected = {key: sampled(claim.expected, self._instants) for key, claim in claims.items()}
        self.wanted = {
            key: sampled(claim.wanted, self._instants) for key, claim in claims.items() if claim.wanted is not None
        }
        self._bounds_of: dict[str, list[tuple[int, float]]] = {key: [] for key in claims}
        for place, bound in enumerate(bounds):
            for key in bound.shares.keys() & claims.keys():
                self._bounds_of[key].append((place, bound.shares[key]))
        self._exposed = [self._sum(place, self.exposure) for place in range(len(bounds))]
        self._to_come = [self._sum(place, self.expected) for place in range(len(bounds))]

    def _sum(self, place: int, powers: Mapping[str, list[float]]) -> list[float]:
        total = [0.0] * len(self._instants)
        for key, values in powers.items():
            share = dict(self._bounds_of[key]).get(place)
            if share is not None:
                total = [so_far + share * value for so_far, value in zip(total, values, strict=True)]
        return total

    def rises(self, key: str) -> bool:
        return any(new > old for new, old in zip(self.wanted[key], self.exposure[key], strict=True))

    def fits_now(self, key: str) -> bool:
        """Say whether all that is wanted has room beside the exposure of all others."""
        return not any(self._blocked_at(key, self.exposure[key], self._exposed))

    def fits_later(self, key: str) -> bool:
        """Say whether it will have room when everything that is on its way has been confirmed."""
        return not any(self._blocked_at(key, self.expected[key], self._to_come))

    def is_pressing(self, key: str) -> bool:
        """Say whether a session holds what is above a bound even then, and would give it up."""
        return any(
            total > cap + FORGIVEN_W and new < old
            for place, _ in self._bounds_of[key]
            for total, cap, new, old in zip(
                self._to_come[place], self._caps[place], self.wanted[key], self.expected[key], strict=True
            )
        )

    def cut(self, key: str, least_w: float) -> list[float]:
        """Return what is wanted as far as there is room now."""
        wanted, exposure = self.wanted[key], self.exposure[key]
        most = list(wanted)
        for place, share in self._bounds_of[key]:
            for at, (total, cap) in enumerate(zip(self._exposed[place], self._caps[place], strict=True)):
                room_w = (cap - total) / share + exposure[at] if share > 0 else most[at]
                most[at] = min(most[at], max(exposure[at], room_w))
        powers = [power if power >= min(least_w, new) else 0 for power, new in zip(most, wanted, strict=True)]
        slot_s = self._slot_s.get(key)
        if slot_s is None:
            return powers
        return least_until_end(powers, [slot_start(at, slot_s) for at in self._instants])

    def send(self, key: str, powers: list[float]) -> PowerSteps:
        """Note that a profile goes out that allows `powers`, and return them as steps."""
        exposure = [max(new, old) for new, old in zip(powers, self.exposure[key], strict=True)]
        for place, share in self._bounds_of[key]:
            self._exposed[place] = _moved(self._exposed[place], share, self.exposure[key], exposure)
            self._to_come[place] = _moved(self._to_come[place], share, self.expected[key], powers)
        self.exposure[key], self.expected[key] = exposure, powers
        return merged(zip(self._instants, powers, strict=True))

    def blocking(self, key: str) -> tuple[str, ...]:
        """Return some of those whose confirmations make room for a session."""
        is_blocked = self._blocked_at(key, self.exposure[key], self._exposed)
        instants = [at for at, blocked in enumerate(is_blocked) if blocked]
        places = {place for place, _ in self._bounds_of[key]}
        found = (
            other
            for other in self.exposure
            if other != key
            and places & {place for place, _ in self._bounds_of[other]}
            and any(self.exposure[other][at] > self.expected[other][at] for at in instants)
        )
        return tuple(islice(found, MOST_NAMED))

    def excess(self) -> Iterator[Excess]:
        for name, totals, caps in zip(self._names, self._to_come, self._caps, strict=True):
            for at, total, cap in zip(self._instants, totals, caps, strict=True):
                if total > cap + FORGIVEN_W:
                    yield Excess(name, at, total - cap)
                    break

    def _blocked_at(self, key: str, held: list[float], totals: Sequence[list[float]]) -> list[bool]:
        """Say at each instant whether a rise from `held` to what is wanted passes a bound."""
        blocked = [False] * len(self._instants)
        for place, share in self._bounds_of[key]:
            columns = zip(self.wanted[key], held, totals[place], self._caps[place], strict=True)
            for at, (new, old, total, cap) in enumerate(columns):
                if new > old and total + share * (new - old) > cap + FORGIVEN_W:
                    blocked[at] = True
        return blocked


def _with_edges(instants: Sequence[datetime], lengths_s: set[int]) -> list[datetime]:
    """Return instants, with where the slots that they are in begin and end."""
    edges = {
        edge
        for slot_s in lengths_s
        for begun in (slot_start(at, slot_s) for at in instants)
        for edge in (begun, begun + timedelta(seconds=slot_s))
        if edge > instants[0]
    }
    return sorted({*instants, *edges})


def _moved(totals: list[float], share: float, before: list[float], after: list[float]) -> list[float]:
    return [total + share * (new - old) for total, new, old in zip(totals, after, before, strict=True)]
