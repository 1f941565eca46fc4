"""What the benches of the deployed stack share: the stack, the empty chain beside it, and the world outside both."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from local.cloud import Cloud
from local.price_feed import PriceFeed
from offpeak.profiles.store import ProfileStore
from offpeak.sessions.model import SessionKey
from tests.bench import empty_chain
from tests.bench.outside import Outside
from tests.bench.report import Progress
from tests.bench.sessions import EVENING, PARTY, recorded_prices

PARTNER = "bench"
IN_FLIGHT = 8


@dataclass(frozen=True)
class Stand:
    cloud: Cloud
    outside: Outside
    numbers: Callable[[], int]
    """Numbers that nobody had before, for ids."""

    def key(self, session_id: str) -> SessionKey:
        return SessionKey(PARTNER, session_id)

    @property
    def profiles(self) -> ProfileStore:
        return ProfileStore(self.cloud.table("sessions"), self.cloud.table("profile_requests"))

    def new_sessions(self, many: int) -> list[str]:
        return [f"S{self.numbers():05d}" for _ in range(many)]

    def new_messages(self, many: int) -> list[str]:
        return [f"M{self.numbers():05d}" for _ in range(many)]


@contextmanager
def running(progress: Progress) -> Iterator[Stand]:
    """Start and deploy everything, with its schedules stopped; end it all at the end."""
    progress("starting the embedded cloud, with Offpeak and the empty chain on it")
    with (
        tempfile.TemporaryDirectory(prefix="offpeak-bench-") as folder,
        PriceFeed(recorded_prices(), now=lambda: EVENING) as feed,
        Cloud.start(Path(folder), price_feed_url=feed.url) as cloud,
    ):
        cloud.stop_schedules()
        cloud.limit_workers(IN_FLIGHT)
        cloud.clock.set(EVENING, speed=1)
        empty_url = empty_chain.deploy(cloud, IN_FLIGHT)
        with Outside(cloud.base_url, empty_url) as outside:
            settings = {"name": "Bench", "parties": ["-".join(PARTY)]}
            order = {"action": "invite", "partner_id": PARTNER, "settings": settings}
            outside.register(cloud.invoke("ops_partners", order)["token_a"])
            cloud.invoke("fetch_prices")
            cloud.wait_until_drained(60)
            yield Stand(cloud, outside, count(1).__next__)
