"""A partner's figures of one day: counters and histograms that add up in any order, from however many processes. Pure.

A histogram has fixed buckets whose bounds grow by a tenth, so that two histograms add up bucket by bucket, and a
quantile read off their sum is within 5 % of the true one (DDSketch: Masson, Rim, Lee, VLDB 2019). Only buckets that
hold something are kept. All durations are whole milliseconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil, log

GROWTH = 1.1
LONGEST = timedelta(days=7)
MARK = "~"
"""Between a histogram's name and a bucket's number in the name of the counter."""

MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Sample:
    """One object that was refused: where it came in, which field was wrong, and what is left of it once everything
    that could be a secret or a person's was taken out."""

    at: datetime
    call: str
    field: str | None
    problem: str
    excerpt: str


@dataclass(frozen=True, slots=True)
class Figures:
    counts: Mapping[str, int] = field(default_factory=dict)
    samples: tuple[Sample, ...] = ()

    def __getitem__(self, name: str) -> int:
        """Return a counter, 0 where nothing was counted."""
        return self.counts.get(name, 0)

    def below(self, prefix: str) -> dict[str, int]:
        """Return the counters whose names begin with `prefix.`, by the rest of their names, greatest first."""
        found = {name.removeprefix(f"{prefix}."): n for name, n in self.counts.items() if name.startswith(f"{prefix}.")}
        return dict(sorted(found.items(), key=lambda each: (-each[1], each[0])))

    def timed(self, name: str) -> int:
        """Return how many durations a histogram holds."""
        return sum(self._buckets(name).values())

    def quantile(self, name: str, share: float) -> timedelta | None:
        """Return the duration that `share` (0 to 1) of a histogram does not exceed, within 5 %; None for none."""
        buckets = sorted(self._buckets(name).items())
        left = share * sum(n for _, n in buckets)
        for bucket, n in buckets:
            left -= n
            if left <= 0:
                return _middle(bucket)
        return None

    def _buckets(self, name: str) -> dict[int, int]:
        start = name + MARK
        return {int(each.removeprefix(start)): n for each, n in self.counts.items() if each.startswith(start)}


def timing(name: str, took: timedelta, *, late_after: timedelta) -> Counter[str]:
    """Return the counters of one duration: its bucket, and `NAME.late` where it took longer than it may.

    A negative duration counts as none, an endless one as a week.
    """
    counts = Counter({f"{name}{MARK}{_bucket(took)}": 1})
    if took > late_after:
        counts[f"{name}.late"] += 1
    return counts


def _bucket(took: timedelta) -> int:
    took_ms = min(took, LONGEST) / MILLISECOND
    return max(0, ceil(log(took_ms, GROWTH))) if took_ms > 0 else 0


def _middle(bucket: int) -> timedelta:
    """The duration that is as far from both bounds of a bucket, as a share of itself."""
    return MILLISECOND * round(2 * GROWTH**bucket / (GROWTH + 1)) if bucket else timedelta(0)
