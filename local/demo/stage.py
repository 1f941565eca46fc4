"""Sets up what the demonstration plays on: the embedded cloud, a price feed and registered CPOs."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import BotoCoreError

from local.cloud import KEPT, Cloud
from local.cpo import CpoSimulator
from local.demo.scenario import Fleet, Scenario
from local.price_feed import PriceFeed

WORKERS = 3
"""Copies of each queue's function: more would wait for the same two cores, and each takes half a second to start."""


class CloudEnded(Exception):
    """The embedded cloud is gone while it is needed; the text says where its log is."""


@dataclass(frozen=True, slots=True)
class Stage:
    """All that runs. `threads` is for calls that are to be made side by side."""

    cloud: Cloud
    cpos: Mapping[str, CpoSimulator]
    threads: ThreadPoolExecutor


@contextmanager
def set_up(scenario: Scenario, say: Callable[[str], None]) -> Iterator[Stage]:
    """Start everything, register the CPOs through the real handshake, and end everything afterwards.

    `say` is told what is going on. Raises what Cloud.start and CpoSimulator.register raise, and CloudEnded; then the
    cloud's log is kept.
    """
    with ExitStack() as ending:
        directory = ending.enter_context(_directory())
        # Entered last, the cloud ends first: whoever still waits for one of its answers is let go at once.
        feed = ending.enter_context(
            PriceFeed(scenario.prices, now=lambda: cloud.clock.now(), license_info=scenario.price_source)
        )
        cpos = {
            fleet.partner_id: ending.enter_context(CpoSimulator(start_at=scenario.start_at, settings=fleet.cpo))
            for fleet in scenario.fleets
        }
        threads = ending.enter_context(ThreadPoolExecutor(len(cpos) + 1))
        say("Starting the embedded cloud and deploying to it (after a change, synthesis takes some ten seconds) ...")
        cloud = ending.enter_context(Cloud.start(directory, price_feed_url=feed.url))
        cloud.stop_schedules()
        cloud.limit_workers(WORKERS)
        cloud.clock.set(scenario.start_at)
        for fleet in scenario.fleets:
            say(f"Inviting {fleet.cpo.name}; it registers by OCPI's credentials handshake ...")
            _register(fleet, cloud, cpos[fleet.partner_id])
        try:
            yield Stage(cloud, cpos, threads)
        except BotoCoreError as error:
            if cloud.server.program.is_running:
                raise
            raise CloudEnded(f"the embedded cloud has ended by itself; its log is in {directory}") from error


def _register(fleet: Fleet, cloud: Cloud, cpo: CpoSimulator) -> None:
    order = {"action": "invite", "partner_id": fleet.partner_id, "settings": fleet.settings}
    invitation = cloud.invoke("ops_partners", order)
    cpo.register(invitation["versions_url"], invitation["token_a"])
    cpo.plug_in(*fleet.visits)


@contextmanager
def _directory() -> Iterator[Path]:
    """Give a folder of its own to each run; after an error it stays, for the log in it."""
    home = KEPT / "demo"
    home.mkdir(parents=True, exist_ok=True)
    for each in home.iterdir():
        if time.time() - each.stat().st_mtime > 24 * 3600:
            shutil.rmtree(each, ignore_errors=True)
    path = Path(tempfile.mkdtemp(dir=home))
    try:
        yield path
    except Exception:
        raise
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        raise
    else:
        shutil.rmtree(path, ignore_errors=True)
