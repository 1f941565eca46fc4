"""Who calls in the fuzz tests, and what makes a made-up request likely enough to get past the door."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import strategies as st
from schemathesis import Case

from local.cloud_server import REGION
from local.cpo.wire import authorization, write_instant
from offpeak.pairing.ownership import OwnershipStore
from tests.e2e.app import HOME, NOBODY_LISTENS, REDIRECT_URL, SPAN, App
from tests.e2e.oauth import bearer, client_of, token_of
from tests.e2e.partner import Partner
from tests.e2e.scene import Scene
from tests.e2e.stage import EVENING, Stage

STAMPS = ("last_updated", "start_date_time", "end_date_time")
IDENTITY = ("country_code", "party_id", "id", "uid")
IDS = {
    "session_id": ["S1", "S2", "F1", "F2"],
    "location_id": ["LOC-1", "L2"],
    "evse_uid": ["EVSE-S1", "E2"],
    "connector_id": ["1", "2"],
    "tariff_id": ["T1", "T2"],
    "group_id": ["fuzz-a", "fuzz-b"],
    "signal_id": ["fuzz-1", "fuzz-2"],
}
SPOILT = (
    b"",
    b"{",
    b"[]",
    b"null",
    b'"text"',
    b"\xff\xfe{}",
    b'{"kwh": NaN}',
    b'{"kwh": 1e400}',
    b'{"kwh": ' + b"9" * 5000 + b"}",
    b'{"id": "\\ud800"}',
    b'{"id": "\\u0000"}',
    b'{"id": 1, "id": 2}',
    b"[" * 5000,
    b'{"a":' * 30 + b"1" + b"}" * 30,
    b"grant_type=client_credentials&grant_type=&%ff",
)
"""Bodies that are no JSON, no text, or more than any database holds."""
OPERATED = ["fuzz-1", "fuzz-2", "fuzz-3"]
"""The partners that operators change while the others go on."""


class _Signed(requests.auth.AuthBase):
    """An operator's signature of what is sent, as it is sent."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        assert request.method is not None
        assert request.url is not None
        signed = AWSRequest(request.method, request.url, data=request.body)
        SigV4Auth(Credentials("test", "test"), "execute-api", REGION).add_auth(signed)
        request.headers.update(dict(signed.headers))
        return request


@dataclass(frozen=True)
class Visitors:
    """A partner that is registered, one that is not yet, a tenant's app, and an operator; and where each calls."""

    stage: Stage
    partner: Partner
    newcomer: Partner
    app: App
    of_the_app: Mapping[str, list[str]]
    """What the app has, by the names of path variables."""
    unpairing_id: str
    """One of which the partner was not told yet."""
    shown: Mapping[str, Mapping[str, str]]
    session: requests.Session
    errors_before: frozenset[str]
    welcome: set[str] = field(default_factory=set)
    """The operations that somebody could carry out."""

    def ask(self, case: Case, who: str, body: bytes | None = None) -> Any:
        """Send a made-up request as somebody, with `body` in place of its own where there is one; return what was
        answered."""
        operators = case.path.startswith("/ops/")
        base = self.stage.cloud.deployed.operator_url if operators else self.stage.cloud.base_url
        # What no HTTP library would send is refused by the server itself, before anything of ours.
        case.headers = {name: re.sub(r"[^\x20-\x7e]", "", text).strip() for name, text in (case.headers or {}).items()}
        answer = case.call(
            base_url=base,
            session=self.session,
            headers=dict(self.shown.get(who, {})),
            auth=_Signed() if who == "operator" else None,
            **({} if body is None else {"data": body}),
        )
        if answer.status_code < 300 and "status_message" not in answer.text:
            self.welcome.add(case.operation.definition.raw["operationId"])
        return answer

    def may_call(self, case_path: str, method: str) -> list[str]:
        """Say who calls an endpoint. Nobody who is registered leaves: all that follows would be refused."""
        if case_path.startswith("/ops/"):
            return ["operator", "operator", "operator", "nobody"]
        if case_path.startswith(("/oauth", "/.well-known")):
            return ["nobody"]
        if case_path.startswith("/v1/"):
            return ["app"] * 7 + ["partner", "stranger", "nobody"]
        if case_path.endswith("/credentials") and method == "DELETE":
            return ["newcomer", "stranger", "nobody"]
        return ["partner"] * 6 + ["client", "newcomer", "stranger", "nobody"]


def visitors_in(scene: Scene) -> Visitors:
    partner, newcomer = scene.partner(), scene.invited()
    partner.plug_in("S1", "S2")
    scene.settle()
    client = client_of(partner)
    shown = {
        "partner": {"Authorization": authorization(partner.token_c, raw=False)},
        "newcomer": {"Authorization": authorization(newcomer.token_a, raw=False)},
        "stranger": {"Authorization": authorization("a-token-that-nobody-gave", raw=False)},
        "client": bearer(token_of(scene.stage, client), client.api_key),
    }
    app = App(scene.stage)
    charger = app.has_paired(partner, "EVSE-S1")
    of_the_app = {name: [each] for name, each in app.belongings(charger, "S1").items()}
    session = requests.Session()
    session.trust_env = False
    shown = {**shown, "app": app.shown}
    unpairing_id = _unpaired(scene, app, partner)
    before = errors_logged(scene.stage)
    return Visitors(scene.stage, partner, newcomer, app, of_the_app, unpairing_id, shown, session, before)


def _unpaired(scene: Scene, app: App, partner: Partner) -> str:
    """Un-pair a charger, and return the id by which operators see that its CPO is to be told."""
    assert app.ask("DELETE", app.has_paired(partner, "EVSE-S2")).http_status == 204
    [waits] = OwnershipStore(scene.stage.table("evse_ownership")).waiting(10, partner.partner_id)
    return waits.unpairing_id


def errors_logged(stage: Stage) -> frozenset[str]:
    """Return each line in which a function told of an error so far."""
    return frozenset(line for log in stage.logs().values() for line in log if '"level":"ERROR"' in line)


def likely(case: Case, visitors: Visitors, draw: st.DataObject) -> None:
    """Let a request be about things that exist, where chance would never hit them; one in five stays as it came."""
    if draw.draw(st.sampled_from(range(5)), "stays as it came at 4") == 4:
        return
    path = dict(case.path_parameters or {})
    party = visitors.partner.party
    known = {
        "country_code": [party.country_code],
        "party_id": [party.party_id],
        "request_id": [visitors.partner.newest("S1").request_id],
        "partner_id": OPERATED,
        **IDS,
        **(visitors.of_the_app if case.path.startswith("/v1/") else {}),
    }
    if "unpairing_id" in path:
        known |= {"partner_id": [visitors.partner.partner_id], "unpairing_id": [visitors.unpairing_id]}
    for name in path.keys() & known.keys():
        path[name] = draw.draw(st.sampled_from(known[name]), name)
    case.path_parameters = path
    if "If-Match" in (case.headers or {}):
        case.headers["If-Match"] = draw.draw(st.sampled_from(["*", '"1"', '"2"']), "If-Match")
    if case.path.endswith("/groups") and isinstance(case.body, dict):
        limited = {name: each for name, each in case.body.items() if name not in ("limit_a", "limit_w", "parent_id")}
        case.body = {**limited, "group_id": draw.draw(st.sampled_from(IDS["group_id"]), "group_id"), "limit_a": 32}
    elif "/signals" in case.path and isinstance(case.body, dict):
        steps = [{"start_at": _tonight(draw), "power_w": 4100}]
        named = (
            {"signal_id": draw.draw(st.sampled_from(IDS["signal_id"]), "signal_id")} if case.method == "POST" else {}
        )
        case.body = {"zone": "DE-LU", "kind": "CAP", "steps": steps, **named}
    elif case.path.endswith("/connect-sessions") and isinstance(case.body, dict):
        case.body = {"location_id": visitors.app.location_id, "redirect_url": f"{REDIRECT_URL}?from=us"}
    elif case.path.endswith("/codes") and isinstance(case.body, dict):
        case.body = {"location_id": visitors.app.location_id}
    elif case.path.endswith("{user_id}/locations") and isinstance(case.body, dict):
        case.body = HOME
    elif case.path == "/v1/webhooks" and isinstance(case.body, dict):
        case.body = {"url": NOBODY_LISTENS}
    elif case.path.endswith("/webhooks/{webhook_id}/replay") and isinstance(case.body, dict):
        case.body = SPAN
    elif case.path.startswith("/v1/"):
        return
    elif case.path.endswith("/partners") and isinstance(case.body, dict):
        settings = case.body.get("settings")
        named = {"name": "Made up", "parties": ["NL-FUZ"], **(settings if isinstance(settings, dict) else {})}
        case.body = {"partner_id": draw.draw(st.sampled_from(OPERATED), "partner_id"), "settings": named}
    elif isinstance(case.body, dict):
        case.body = _sane({name: each for name, each in case.body.items() if name not in IDENTITY}, draw)


def _sane(value: Any, draw: st.DataObject) -> Any:
    """Move every time in a body into the test's evening, and every number to where a charger's numbers are."""
    if isinstance(value, list):
        return [_sane(each, draw) for each in value]
    if isinstance(value, dict):
        return {name: _tonight(draw) if name in STAMPS else _sane(each, draw) for name, each in value.items()}
    return round(value % 1000, 3) if isinstance(value, float) else value


def _tonight(draw: st.DataObject) -> str:
    return write_instant(EVENING + timedelta(minutes=draw.draw(st.integers(-600, 600), "minutes")))
