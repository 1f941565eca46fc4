"""What is noticed of partners while their messages are served, kept by the day without a write per message.

Whoever notices something adds it to `ledger`, in memory. After an invocation, a partner's figures are added to the row
of the day if a minute has passed since this process did so last: a partner that sends seldom has every message written
at once, one that sends much has one write a minute and process. A process that ends takes with it what it has noticed
since, less than a minute's worth; figures of a day can bear that, and no message waits for them.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from zlib import crc32

from offpeak.errors import InvalidMessage, UnparseableBody
from offpeak.partners.figures import Sample
from offpeak.partners.quality_store import QualityStore
from offpeak.partners.redact import excerpt, field_shown, problem_shown
from offpeak.telemetry import count, logger

EVERY_S = 60.0
AT_ONCE_EVERY_S = 1.0
"""What an integrator waits for, a refusal, is written at once, but no more often than this."""
MOST_HELD = 1000
SLOTS = 16
"""Kinds of refusals that are kept with a sample, by day."""

Place = tuple[str, date]


@dataclass(slots=True)
class Ledger:
    """What this process has noticed and not written yet, by partner and day."""

    counts: dict[Place, Counter[str]] = field(default_factory=dict)
    samples: dict[tuple[Place, int], Sample] = field(default_factory=dict)
    urgent: set[str] = field(default_factory=set)
    """The partners of which something is to be written at once."""

    def add(self, partner_id: str, day: date, counts: Mapping[str, int]) -> None:
        if len(self.counts) < MOST_HELD or (partner_id, day) in self.counts:
            self.counts.setdefault((partner_id, day), Counter()).update(counts)

    def clear(self) -> None:
        self.counts.clear()
        self.samples.clear()
        self.urgent.clear()


ledger = Ledger()
"""One a process, as telemetry's metrics are: who notices something has nothing else to do with how it is kept."""


def notice(partner_id: str, at: datetime, counts: Mapping[str, int]) -> None:
    """Add to a partner's figures of the day (in UTC) that `at` lies in, in the time that sessions live in."""
    ledger.add(partner_id, at.date(), counts)


class Watch:
    """Keeps what the ledger holds. `now` is the time that sessions live in, `now_s` a monotonic clock."""

    def __init__(
        self, store: QualityStore, now: Callable[[], datetime], now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._now = now
        self._now_s = now_s
        self._kept_at_s: dict[str, float] = {}
        self._sampled: set[tuple[Place, int]] = set()

    def refused(self, partner_id: str, call: str, error: InvalidMessage | UnparseableBody, body: str) -> None:
        """Notice that an object was refused; `call` is the method and the route's pattern."""
        now = self._now()
        place = (partner_id, now.date())
        ledger.add(*place, Counter({"refused": 1, f"refused.{call}": 1}))
        ledger.urgent.add(partner_id)
        said = field_shown(error.field) if isinstance(error, InvalidMessage) else None
        problem = problem_shown(error.problem if isinstance(error, InvalidMessage) else str(error))
        slot = crc32(f"{call} {said} {''.join(each for each in problem if not each.isdigit())}".encode()) % SLOTS
        if (place, slot) not in self._sampled:
            ledger.samples[place, slot] = Sample(now, call, said, problem, _excerpt(body, error))

    def keep(self) -> None:
        """Write what is due. A write that fails is tried again after the next invocation."""
        now_s = self._now_s()
        for place in [each for each in ledger.counts if self._is_due(each[0], now_s)]:
            self._kept_at_s[place[0]] = now_s
            counts = ledger.counts.pop(place)
            try:
                self._store.add(*place, counts)
            except Exception:  # noqa: BLE001 - figures must not cost a partner the answer that it has coming
                logger.warning("figures_not_kept", partner_id=place[0], exc_info=True)
                count("FiguresNotKept")
                ledger.add(*place, counts)
            else:
                ledger.urgent.discard(place[0])
                self._keep_samples(place)

    def _keep_samples(self, place: Place) -> None:
        for at, slot in [each for each in ledger.samples if each[0] == place]:
            sample = ledger.samples.pop((at, slot))
            self._remember(place, slot)
            try:
                self._store.add_sample(*place, slot, sample)
            except Exception:  # noqa: BLE001 - the next process that meets such an object has a sample too
                logger.warning("sample_not_kept", partner_id=place[0], exc_info=True)
                count("FiguresNotKept")

    def _is_due(self, partner_id: str, now_s: float) -> bool:
        kept_at_s = self._kept_at_s.get(partner_id)
        wait_s = AT_ONCE_EVERY_S if partner_id in ledger.urgent else EVERY_S
        return kept_at_s is None or now_s - kept_at_s >= wait_s

    def _remember(self, place: Place, slot: int) -> None:
        if len(self._sampled) >= MOST_HELD:
            self._sampled.clear()
        self._sampled.add((place, slot))


def _excerpt(body: str, error: InvalidMessage | UnparseableBody) -> str:
    try:
        return excerpt(json.loads(body), error.field if isinstance(error, InvalidMessage) else "")
    except ValueError:
        return f"<{len(body)} characters that are no JSON>"
    except RecursionError:  # of the parser, or of what walks through all that it took
        return f"<{len(body)} characters, nested too deeply>"
