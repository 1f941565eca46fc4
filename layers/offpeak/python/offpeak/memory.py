"""What a process remembers of tables that change seldom, so that each session does not read them again."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

CLOCKS_DIFFER_S = 1.0
"""By so much the clocks of two Lambdas may differ at most; AWS keeps them within milliseconds."""


class Memory(Generic[K, V]):
    """The values of at most `most` keys, each as it was at most `lasts_s` ago. `now_s` tells real epoch seconds."""

    def __init__(self, lasts_s: float, now_s: Callable[[], float] = time.time, most: int = 1000) -> None:
        self._lasts_s = lasts_s
        self._now_s = now_s
        self._most = most
        self._lock = Lock()
        self._kept: dict[K, tuple[float, V]] = {}

    def get(self, key: K, load: Callable[[], V], *, changed_at: datetime | None = None) -> V:
        """Return what is remembered, or load it and remember it.

        `changed_at` is the real time of a change that the value must hold. What `load` raises is not remembered.
        """
        read_at_s = self._now_s()
        if (kept := self._kept.get(key)) is not None:
            kept_at_s, value = kept
            is_young = 0 <= read_at_s - kept_at_s < self._lasts_s
            if is_young and (changed_at is None or changed_at.timestamp() + CLOCKS_DIFFER_S < kept_at_s):
                return value
        value = load()
        with self._lock:  # Sessions of a tree are read side by side.
            self._kept.pop(key, None)
            while len(self._kept) >= self._most:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = (read_at_s, value)
        return value
