"""What authorisation costs: a session's PATCH by either kind of token, beside the same PATCH that nobody checks.

The one beside goes through an API of its own, without authoriser, to a twin of ocpi_sessions: the same file, layers,
role and tables, with a caller that is made up. Also here: the authoriser alone, cold and warm, and how long a revoked
client is still let in.
"""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import count

import httpx

from local.background import PROJECT
from local.cloud import Cloud
from local.cpo.wire import authorization
from offpeak.instants import format_instant
from tests.bench.report import Progress, Row, median, ms, quantile
from tests.bench.sessions import EVENING, PARTY
from tests.bench.stand import PARTNER, Stand

NAME = "authorisation"
ROUNDS = 80
WARM_UP = 10
COLD_STARTS = 5
REFUSED_WITHIN_S = 60.0
GIVEN_UP_AFTER_S = 90.0

TWIN = """
import json, os
import ocpi_sessions

CALLER = json.loads(os.environ["CALLER"])

def handler(event, context):
    event["requestContext"]["authorizer"] = CALLER
    return ocpi_sessions.handler(event, context)
"""

Headers = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Way:
    """One way to send a PATCH: to which API, and what is shown."""

    name: str
    url: str
    headers: Headers


def measure(stand: Stand, progress: Progress) -> list[Row]:
    client = stand.cloud.invoke("ops_access", {"action": "create_client", "partner_id": PARTNER})
    with httpx.Client(timeout=30, trust_env=False) as http, open_twin(stand.cloud) as open_url:
        token = _token(http, client)
        ocpi = {"Authorization": authorization(stand.outside.token, raw=False)}
        bearer = {"Authorization": f"Bearer {token}", "ApiKey": client["api_key"]}
        nobody = Way("nobody checked", open_url, {})
        ways = [
            Way("OCPI token", stand.cloud.base_url, ocpi),
            Way("JWT and ApiKey", stand.cloud.base_url, bearer),
            nobody,
        ]
        progress(f"{ROUNDS} PATCHes each way, in turns")
        took = _in_turns(stand, http, ways)
        beside = took[nobody.name]
        rows = [_row(f"PATCH, {way.name}", took[way.name], beside) for way in ways[:2]]
        for way in ways[:2]:
            progress(f"{COLD_STARTS} cold starts of the authoriser, {way.name}")
            rows += authoriser_rows(stand.cloud, way)
        progress("a revoked client, until it is refused: half a minute")
        return [*rows, revocation_row(stand, http, client["client_id"], ways[1])]


def authoriser_rows(cloud: Cloud, way: Way) -> Iterator[Row]:
    """Yield how long the authoriser takes alone: in a new process, for what it remembers, for what it does not."""
    event = {
        "type": "REQUEST",
        "methodArn": "arn:aws:execute-api:eu-central-1:000000000000:a/local/GET/ocpi/versions",
        "resource": "/ocpi/versions",
        "headers": dict(way.headers),
    }
    cold, remembered, looked_up = list[float](), list[float](), list[float]()
    for number in range(COLD_STARTS):
        _end_workers(cloud, number)
        cold.append(_timed(partial(cloud.invoke, "authorise", event)))
        remembered += [_timed(partial(cloud.invoke, "authorise", event)) for _ in range(5)]
        # Refused, so not remembered: what it takes to look everything up.
        unseen = {**event, "headers": {**way.headers, "ApiKey": "no key"}}
        if "ApiKey" in way.headers:
            looked_up += [_timed(partial(cloud.invoke, "authorise", unseen)) for _ in range(5)]
    beside = f"{ms(median(remembered))} remembered"
    yield Row(NAME, f"authoriser alone, cold, {way.name}, p50", ms(median(cold)), beside)
    if looked_up:
        yield Row(NAME, f"authoriser alone, warm, {way.name} looked up, p50", ms(median(looked_up)), beside)


def revocation_row(stand: Stand, http: httpx.Client, client_id: str, way: Way) -> Row:
    """Revoke a client that is in use, and see for how long it is still let in."""
    url = f"{way.url}/ocpi/versions"
    assert http.get(url, headers=way.headers).status_code == 200
    order = {"action": "revoke_client", "partner_id": PARTNER, "client_id": client_id}
    stand.cloud.invoke("ops_access", order)
    began = time.monotonic()
    while (after_s := time.monotonic() - began) < GIVEN_UP_AFTER_S:
        if http.get(url, headers=way.headers).status_code == 401:
            break
        time.sleep(0.25)
    goal = f"< {REFUSED_WITHIN_S:g} s"
    return Row(NAME, "a revoked client is refused after", f"{after_s:.1f} s", "", "", goal, after_s < REFUSED_WITHIN_S)


@contextmanager
def open_twin(cloud: Cloud) -> Iterator[str]:
    """Deploy the twin of ocpi_sessions behind an API without authoriser; yield its address."""
    functions, gateway = cloud.client("lambda"), cloud.client("apigateway")
    twin = functions.get_function_configuration(FunctionName=cloud.deployed.function("ocpi_sessions"))
    caller = {"partner_id": PARTNER, "parties": json.dumps([list(PARTY)]), "strict": "false", "registered": "true"}
    made = functions.create_function(
        FunctionName="open-sessions",
        Runtime=twin["Runtime"],
        Architectures=twin["Architectures"],
        Role=twin["Role"],
        Handler="index.handler",
        Code={"ZipFile": _package()},
        Layers=[each["Arn"] for each in twin["Layers"]],
        MemorySize=twin["MemorySize"],
        Timeout=twin["Timeout"],
        Environment={"Variables": {**twin["Environment"]["Variables"], "CALLER": json.dumps(caller)}},
    )
    functions.add_permission(
        FunctionName="open-sessions",
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
    )
    api = gateway.create_rest_api(name="open-sessions")["id"]
    [root] = gateway.get_resources(restApiId=api)["items"]
    proxy = gateway.create_resource(restApiId=api, parentId=root["id"], pathPart="{proxy+}")["id"]
    gateway.put_method(restApiId=api, resourceId=proxy, httpMethod="PATCH", authorizationType="NONE")
    path = f"arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/{made['FunctionArn']}/invocations"
    gateway.put_integration(
        restApiId=api,
        resourceId=proxy,
        httpMethod="PATCH",
        type="AWS_PROXY",
        integrationHttpMethod="POST",
        uri=path,
    )
    gateway.create_deployment(restApiId=api, stageName="open")
    try:
        yield f"{cloud.server.url}/restapis/{api}/open/_user_request_"
    finally:
        gateway.delete_rest_api(restApiId=api)
        functions.delete_function(FunctionName="open-sessions")


def _in_turns(stand: Stand, http: httpx.Client, ways: list[Way]) -> dict[str, list[float]]:
    """Send PATCHes for one session each way, round by round; return what each took in seconds."""
    sessions = {way.name: session_id for way, session_id in zip(ways, stand.new_sessions(len(ways)), strict=True)}
    outside = stand.outside
    # Nobody plans what has ended, so nothing runs beside the next PATCH.
    outside.run_at_once([partial(outside.put, each, status="COMPLETED", kwh=7) for each in sessions.values()], 1)
    took: dict[str, list[float]] = {way.name: [] for way in ways}
    numbers = count(1)
    for number in range(WARM_UP + ROUNDS):
        for way in ways if number % 2 == 0 else reversed(ways):
            patched_at = EVENING + timedelta(seconds=next(numbers))
            body = {"last_updated": format_instant(patched_at), "kwh": number}
            url = f"{way.url}/ocpi/emsp/2.2.1/sessions/{'/'.join(PARTY)}/{sessions[way.name]}"
            seconds = _timed(partial(_patch, http, url, way.headers, body))
            if number >= WARM_UP:
                took[way.name].append(seconds)
    return took


def _patch(http: httpx.Client, url: str, headers: Headers, body: Mapping[str, object]) -> None:
    answer = http.patch(url, headers=dict(headers), json=dict(body))
    if answer.status_code != 200 or answer.json()["status_code"] != 1000:
        raise RuntimeError(f"PATCH {url}: HTTP {answer.status_code}, {answer.text[:300]}")


def _token(http: httpx.Client, client: Mapping[str, str]) -> str:
    form = {"grant_type": "client_credentials", **{name: client[name] for name in ("client_id", "client_secret")}}
    return str(http.post(client["token_url"], data=form).json()["access_token"])


def _row(what: str, took: list[float], beside: list[float]) -> Row:
    ours, theirs = quantile(took, 0.5), quantile(beside, 0.5)
    return Row(
        NAME,
        f"{what}, p50 (p99)",
        f"{ms(ours)} ({ms(quantile(took, 0.99))})",
        f"{ms(theirs)} ({ms(quantile(beside, 0.99))}) unauthorised",
        f"{ours / theirs:.2f}",
    )


def _end_workers(cloud: Cloud, number: int) -> None:
    """Have the next invocation of the authoriser start anew, as it does after a deployment."""
    functions, name = cloud.client("lambda"), cloud.deployed.function("authorise")
    functions.update_function_configuration(FunctionName=name, Timeout=6 + number)
    while functions.get_function_configuration(FunctionName=name)["LastUpdateStatus"] == "InProgress":
        time.sleep(0.02)


def _package() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", TWIN)
        archive.write(PROJECT / "functions" / "ocpi_sessions.py", "ocpi_sessions.py")
    return packed.getvalue()


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
