"""What `make up` and `make down` do: a cloud, a simulated CPO and a price feed that go on in the background."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx

from local.background import PROJECT, Program, ProgramDidNotStart, start
from local.cloud import Cloud
from local.cloud_assembly import SynthesisFailed
from local.cloud_deploy import DeploymentFailed
from local.cloud_server import REGION
from offpeak.instants import format_instant
from ops.account import RUNNING_CLOUD
from ops.deployed import FunctionFailed

HOME = PROJECT / ".local" / "cloud"
LIVE_PRICES = "https://api.energy-charts.info"
PARTNER, SESSION = "sim", "SIM-00001"


class Impossible(Exception):
    """The command cannot do what it should; the text says what a person can do about it."""


CANNOT = (Impossible, ProgramDidNotStart, SynthesisFailed, DeploymentFailed, FunctionFailed)


@dataclass(frozen=True, slots=True)
class Running:
    """What is kept about a cloud in the background, for `down`, `status` and the operators' command."""

    endpoint_url: str
    region: str
    base_url: str
    token: str
    """With which the simulated CPO calls Offpeak: good for nothing else than this cloud."""
    programs: tuple[Program, ...]

    def save(self) -> None:
        RUNNING_CLOUD.write_text(json.dumps(asdict(self), indent=2))
        RUNNING_CLOUD.chmod(0o600)

    @classmethod
    def load(cls) -> Running | None:
        """Return what was saved, or None: nothing was, or nobody can read it."""
        try:
            kept = json.loads(RUNNING_CLOUD.read_text())
            return cls(**{**kept, "programs": tuple(Program(**each) for each in kept["programs"])})
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            return None

    def url_of(self, module: str) -> str:
        return next(each.url for each in self.programs if each.module == module)


def up(port: int, *, live_prices: bool) -> None:
    """Start everything and print how to reach it. Raises one of CANNOT; then nothing is left running."""
    before = Running.load()
    if before and any(each.is_running for each in before.programs):
        print("The embedded cloud is running already; `make down` ends it.\n")
        return _tell(before)
    if RUNNING_CLOUD.exists():
        print("The last embedded cloud ended without `make down`: removing what is left of it.")
    _forget()
    _check_port(port)
    print("Starting the embedded cloud (the first time, and after changes, synthesis takes some ten seconds) ...")
    started: list[Program] = []
    try:
        running = _start_all(port, started, live_prices=live_prices)
    except BaseException:
        for program in reversed(started):
            program.end()
        raise
    running.save()
    return _tell(running)


def status() -> None:
    """Print how to reach the cloud. Raises Impossible when none is running."""
    running = Running.load()
    if running is None or not all(each.is_running for each in running.programs):
        raise Impossible("The embedded cloud is not running (or not all of it). `make down`, then `make up`.")
    _tell(running)


def down() -> None:
    """End what `up` has started, by its process ids."""
    running = Running.load()
    ended = [each for each in reversed(running.programs if running else ()) if each.is_running]
    for program in ended:
        program.end()
    _forget()
    print("Ended: " + ", ".join(each.module for each in ended) if ended else "Nothing was running.")


def _forget() -> None:
    RUNNING_CLOUD.unlink(missing_ok=True)
    shutil.rmtree(HOME, ignore_errors=True)


def _check_port(port: int) -> None:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        raise Impossible(
            f"Port {port} cannot be used ({error.strerror}). Stop what uses it, or choose another one: "
            f'make up ARGS="--port {port + 1}"'
        ) from None


def _start_all(port: int, started: list[Program], *, live_prices: bool) -> Running:
    HOME.mkdir(parents=True)

    def run(module: str, *arguments: str) -> Program:
        program = start(module, *arguments, log_dir=HOME)
        started.append(program)
        return program

    price_feed_url = LIVE_PRICES if live_prices else run("local.retold_prices").url
    cloud = Cloud.start(HOME, price_feed_url=price_feed_url, port=port, ends_with_us=False)
    started.append(cloud.server.program)
    cpo = run("local.cpo", "serve", "--speed", "1")
    settings = {"name": "Simulated CPO", "parties": ["DE-SIM"]}
    invitation = cloud.invoke("ops_partners", {"action": "invite", "partner_id": PARTNER, "settings": settings})
    cloud.invoke("fetch_prices")
    _order(cpo, "register", {"offpeak_versions_url": invitation["versions_url"], "token": invitation["token_a"]})
    _order(cpo, "plug-in", {"session_id": SESSION})
    token = httpx.get(f"{cpo.url}/_control/state", trust_env=False).json()["offpeak_token"]
    programs = tuple(Program(each.module, each.pid, each.url) for each in started)
    return Running(cloud.server.url, REGION, cloud.base_url, token, programs)


def _order(cpo: Program, what: str, order: dict[str, str]) -> None:
    answer = httpx.post(f"{cpo.url}/_control/{what}", json=order, timeout=60, trust_env=False)
    if answer.status_code != 200:
        raise Impossible(f"The simulated CPO could not {what}: {answer.text}")


def _tell(running: Running) -> None:
    cpo, offpeak = running.url_of("local.cpo"), running.base_url
    authorization = base64.b64encode(running.token.encode()).decode()
    now = format_instant(datetime.now(UTC))
    session = {
        "country_code": "DE",
        "party_id": "SIM",
        "id": SESSION,
        "evse_uid": "EVSE-1",
        "status": "ACTIVE",
        "kwh": 1.5,
        "start_date_time": now,
        "last_updated": now,
    }
    print(
        f"""Offpeak        {offpeak}
  versions     {offpeak}/ocpi/versions
AWS services   {running.endpoint_url}   (any credentials, region {running.region})
Simulated CPO  {cpo}   (curl {cpo}/_control lists what it can be told)
Logs           {HOME.relative_to(PROJECT) if HOME.is_relative_to(PROJECT) else HOME}
Operators      {Path(sys.executable).name} -m ops list --local

A car is plugged in at the simulated CPO, as session {SESSION}. Push a change of it to Offpeak, as the CPO would:

  curl -X PUT '{offpeak}/ocpi/emsp/2.2.1/sessions/DE/SIM/{SESSION}' \\
    -H 'Authorization: Token {authorization}' -H 'Content-Type: application/json' \\
    -d '{json.dumps(session)}'

and see which charging profiles have come back, and what the car makes of them:

  curl {cpo}/_control/sessions/{SESSION}

`make down` ends all of this."""
    )
