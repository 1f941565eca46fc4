"""The app API on connect sessions, in which a driver links a charger by its CPO's code, and on codes of ours that he
tells his CPO: /v1/users/{user_id}/chargers/connect-sessions and .../codes."""

from __future__ import annotations

from datetime import UTC, datetime

from aws_lambda_powertools.event_handler import Response

from offpeak import wiring
from offpeak.app_edge import LARGEST_BODY, app_api, checked_id, idempotent, tenant_id, user_key
from offpeak.edge import json_body, rest_handler
from offpeak.ocpi.fields import read_object
from offpeak.operator_edge import answer
from offpeak.pairing.begin import NewConnectSession, begin, cancel, connect_shown, of_chance
from offpeak.pairing.by_cpo import NewCode, code_shown, issue
from offpeak.pairing.connect import start_token

api = app_api()
SESSIONS = "/v1/users/<user_id>/chargers/connect-sessions"
SESSION = f"{SESSIONS}/<connect_session_id>"


@api.post(SESSIONS)
def make(user_id: str) -> Response[str]:
    said = read_object(NewConnectSession, json_body(api, largest=LARGEST_BODY))
    key, tenant = user_key(api, user_id), wiring.tenants().known(tenant_id(api))

    def begun(chance: str) -> Response[str]:
        connect_id, secret = of_chance(chance)
        now = datetime.now(UTC)
        ids = {"connect_id": connect_id, "secret": secret}
        session = begin(key, said, tenant, wiring.accounts(), wiring.connects(), **ids, now=now)
        start_url = f"{wiring.base_url()}/pair/{start_token(connect_id, secret)}"
        location = f"{wiring.base_url()}/v1/users/{user_id}/chargers/connect-sessions/{connect_id}"
        return answer(connect_shown(session, now, start_url), location=location)

    return idempotent(api, wiring.repeats(), begun, about=user_id, again=begun)


@api.post("/v1/users/<user_id>/chargers/codes")
def make_code(user_id: str) -> Response[str]:
    said = read_object(NewCode, json_body(api, largest=LARGEST_BODY))
    key, tenant = user_key(api, user_id), wiring.tenants().known(tenant_id(api))

    def issued(chance: str) -> Response[str]:
        code, made = issue(key, said, tenant, wiring.accounts(), wiring.issued_codes(), chance, now=datetime.now(UTC))
        location = f"{wiring.base_url()}/v1/users/{user_id}/chargers/{made.key.charger_id}"
        return answer(code_shown(code, made), location=location)

    return idempotent(api, wiring.repeats(), issued, about=user_id, again=issued)


@api.get(SESSION)
def show(user_id: str, connect_session_id: str) -> Response[str]:
    session = wiring.connects().known(user_key(api, user_id), checked_id("connect session", connect_session_id))
    return answer(connect_shown(session, datetime.now(UTC)))


@api.delete(SESSION)
def end(user_id: str, connect_session_id: str) -> Response[str]:
    key, connect_id = user_key(api, user_id), checked_id("connect session", connect_session_id)
    now = datetime.now(UTC)
    return answer(connect_shown(cancel(key, connect_id, wiring.connects(), now=now), now))


handler = rest_handler(api)
