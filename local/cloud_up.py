"""What `make up` and `make down` do: a cloud, a simulated CPO and a price feed that go on in the background."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx

from local.background import PROJECT, Ledger, Program, ProgramDidNotStart, start
from local.cloud import Cloud
from local.cloud_assembly import SynthesisFailed
from local.cloud_deploy import DeploymentFailed
from local.cloud_server import REGION
from local.cpo.pairing import PAIRING_PATH
from local.tenant import make_tenant
from offpeak.instants import format_instant, parse_instant
from offpeak.tenants.model import Look
from openapi.document import document
from openapi.page import page
from ops.account import RUNNING_CLOUD
from ops.deployed import FunctionFailed

LIVE_PRICES = "https://api.energy-charts.info"
PARTNER, SESSION = "sim", "SIM-00001"
TENANT, CODE, EVSE = "hearth", "VOLT-4711", "EVSE-2"
PAGE = "api.html"
"""The API's description, to read, beside the logs."""


class Impossible(Exception):
    """The command cannot do what it should; the text says what a person can do about it."""


CANNOT = (Impossible, ProgramDidNotStart, SynthesisFailed, DeploymentFailed, FunctionFailed)


@dataclass(frozen=True, slots=True)
class RunningCloud:
    """What a person needs to know of the cloud in the background; the operators' command reads it too."""

    endpoint_url: str
    region: str
    base_url: str
    operator_url: str
    cpo_url: str
    token: str
    """With which the simulated CPO calls Offpeak: good for nothing else than this cloud."""
    plugged_in_at: str
    app_url: str
    code: str
    """What a driver types on the pages that the app leads to."""


class BackgroundStack:
    """The stack that goes on in the background, with all that it needs in the folder `home`."""

    def __init__(self, home: Path = RUNNING_CLOUD.parent) -> None:
        self._started = Ledger(home / "programs")
        self._running = home / RUNNING_CLOUD.name
        self._directory = home / "cloud"

    def up(self, port: int, *, live_prices: bool = False, speed: float = 1.0) -> None:
        """Start everything and print how to reach it; `speed` is in simulated seconds per second.

        Raises one of CANNOT; then nothing is left running.
        """
        if self._started.programs():
            self.status()
            print("\nIt was running already. To start it afresh, `make down` first.")
            return
        if self._started.path.exists():
            print("The last embedded cloud ended without `make down`: removing what is left of it.")
        self._forget()
        _check_port(port)
        print("Starting the embedded cloud (after a change, synthesis takes some ten seconds) ...")
        try:
            running = self._start_all(port, live_prices=live_prices, speed=speed)
        except BaseException:
            self._started.end_all()
            raise
        self._running.write_text(json.dumps(asdict(running), indent=2))
        self._running.chmod(0o600)
        described = document(running.base_url, running.operator_url)
        (self._directory / PAGE).write_text(page(described))
        _tell(running, self._directory)

    def status(self) -> None:
        """Print how to reach the cloud. Raises Impossible when it does not run, or only in part."""
        modules = {each.module for each in self._started.programs()}
        if not modules:
            raise Impossible("The embedded cloud is not running: `make up` starts it.")
        if not self._running.exists() or not modules >= {"local.cloud_server", "local.cpo", "local.app"}:
            raise Impossible("The embedded cloud runs only in part: `make down`, then `make up` to start it afresh.")
        _tell(RunningCloud(**json.loads(self._running.read_text())), self._directory)

    def down(self) -> None:
        """End what `up` has started, by its process ids."""
        ended = self._started.end_all()
        self._forget()
        print("Ended: " + ", ".join(each.module for each in ended) if ended else "Nothing was running.")

    def _forget(self) -> None:
        self._started.path.unlink(missing_ok=True)
        self._running.unlink(missing_ok=True)
        shutil.rmtree(self._directory, ignore_errors=True)

    def _start_all(self, port: int, *, live_prices: bool, speed: float) -> RunningCloud:
        price_feed_url = LIVE_PRICES if live_prices else self._run("local.retold_prices").url
        cloud = Cloud.start(
            self._directory, price_feed_url=price_feed_url, port=port, ends_with_us=False, ledger=self._started
        )
        cpo_url = self._run("local.cpo", "serve", "--speed", str(speed)).url
        cloud.clock.set(parse_instant(_state(cpo_url)["now"]), speed)
        pairing = {"url": cpo_url + PAIRING_PATH, "tier": "EVSE", "code_pattern": "[A-Z]{4}-[0-9]{4}"}
        settings = {
            "name": "Simulated CPO",
            "parties": ["DE-SIM"],
            "pairing": {**pairing, "code_hint": "ABCD-1234"},
        }
        invitation = cloud.invoke("ops_partners", {"action": "invite", "partner_id": PARTNER, "settings": settings})
        cloud.invoke("fetch_prices")
        order = {"offpeak_versions_url": invitation["versions_url"], "token": invitation["token_a"]}
        _order(cpo_url, "register", order)
        plugged_in_at = format_instant(cloud.clock.now())
        _order(cpo_url, "plug-in", {"session_id": SESSION})
        token = _state(cpo_url)["offpeak_token"]
        app_url = self._start_app(cloud, cpo_url, price_feed_url)
        return RunningCloud(
            endpoint_url=cloud.server.url,
            region=REGION,
            base_url=cloud.base_url,
            operator_url=cloud.deployed.operator_url,
            cpo_url=cpo_url,
            token=token,
            plugged_in_at=plugged_in_at,
            app_url=app_url,
            code=CODE,
        )

    def _start_app(self, cloud: Cloud, cpo_url: str, price_feed_url: str) -> str:
        """Start the example app of a tenant, and have the CPO issue a code for its driver; return its address."""
        settings = self._directory / "app.json"
        app_url = self._run("local.app", "--settings", str(settings)).url
        look, ways_back = Look("Hearth"), [f"{app_url}/paired"]
        credentials = make_tenant(cloud, TENANT, look, partner_ids=[PARTNER], redirect_urls=ways_back)
        _order(cpo_url, "issue-code", {"code": CODE, "evse_uids": [EVSE]})
        told = {"cpo_url": cpo_url, "price_feed_url": price_feed_url, "evse_uid": EVSE, "code": CODE}
        unfinished = settings.with_suffix(".new")
        unfinished.touch(mode=0o600)
        unfinished.write_text(json.dumps({"credentials": asdict(credentials), **told}))
        unfinished.replace(settings)
        return app_url

    def _run(self, module: str, *arguments: str) -> Program:
        program = start(module, *arguments, log_dir=self._directory)
        self._started.add(program)
        return program


def _check_port(port: int) -> None:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        raise Impossible(
            f'Port {port} is in use. Stop what uses it, or choose another one: make up ARGS="--port {port + 1}"'
        ) from None


def _state(cpo_url: str) -> dict[str, Any]:
    state: dict[str, Any] = httpx.get(f"{cpo_url}/_control/state", trust_env=False).json()
    return state


def _order(cpo_url: str, what: str, order: dict[str, Any]) -> None:
    answer = httpx.post(f"{cpo_url}/_control/{what}", json=order, timeout=60, trust_env=False)
    if answer.status_code != 200:
        raise Impossible(f"The simulated CPO could not {what}: {answer.text}")


def _tell(running: RunningCloud, logs: Path) -> None:
    authorization = base64.b64encode(running.token.encode()).decode()
    session = {
        "country_code": "DE",
        "party_id": "SIM",
        "id": SESSION,
        "evse_uid": "EVSE-1",
        "status": "ACTIVE",
        "kwh": 1.5,
        "start_date_time": running.plugged_in_at,
        "last_updated": "'$(date -u +%FT%TZ)'",
    }
    print(
        f"""Example app    {running.app_url}
               Open it in a browser, connect a charger by the code {running.code}, plug a car in, and see its plan.
               At real speed that takes a night: `make up ARGS="--speed 60"` lets it pass in minutes.

Offpeak        {running.base_url}
  versions     {running.base_url}/ocpi/versions
  operators    {running.operator_url}/ops/v1/partners
API, to read   {_shown(logs / PAGE)}   (open it in a browser)
AWS services   {running.endpoint_url}   (access key test, secret test, region {running.region})
Simulated CPO  {running.cpo_url}   (curl {running.cpo_url}/_control lists what it can be told)
Logs           {_shown(logs)}
Operators      {_shown(Path(sys.executable))} -m ops list --local

A car is plugged in at the simulated CPO, as session {SESSION}. Push a change of it to Offpeak, as the CPO would:

  curl -X PUT '{running.base_url}/ocpi/emsp/2.2.1/sessions/DE/SIM/{SESSION}' \\
    -H 'Authorization: Token {authorization}' -H 'Content-Type: application/json' \\
    -d '{json.dumps(session)}'

and see which charging profiles have come back, and what the car makes of them:

  curl {running.cpo_url}/_control/sessions/{SESSION}

`make down` ends all of this."""
    )


def _shown(path: Path) -> Path:
    """The path as a person in the project's folder would type it."""
    return path.relative_to(PROJECT) if path.is_relative_to(PROJECT) else path
