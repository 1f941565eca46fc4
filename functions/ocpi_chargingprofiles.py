"""OCPI charging profiles, sender interface: results and active profiles come in here (OCPI 2.2.1, 14.2.2)."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from aws_lambda_powertools.event_handler import Response

from offpeak import wiring
from offpeak.edge import caller, json_body, ocpi_api, ocpi_ok, rest_handler
from offpeak.ocpi.chargingprofiles import read_active_profile, read_result
from offpeak.profiles.active import receive_active_profile
from offpeak.profiles.follow_up import Outlets
from offpeak.profiles.results import awaiting, receive_result
from offpeak.sessions.model import SessionKey

api = ocpi_api()
PATH = "/ocpi/emsp/<version>/chargingprofiles"


def outlets() -> Outlets:
    return Outlets(
        wiring.sessions(), wiring.plan_queue(), wiring.send_queue(), wiring.outbox(), lambda: datetime.now(UTC)
    )


@api.post(f"{PATH}/results/<kind>/<request_id>")
def post_result(kind: str, request_id: str) -> Response[str]:
    partner_id = caller(api).partner_id
    request = awaiting(kind, request_id, partner_id, wiring.profiles())
    receive_result(
        request,
        read_result(json_body(api)),
        wiring.profiles(),
        outlets(),
        wiring.partners().load_cached(partner_id).planning,
        question_id=secrets.token_urlsafe(24),
        now=wiring.clock().now(),
        at=datetime.now(UTC),
    )
    return ocpi_ok()


@api.put(f"{PATH}/<session_id>")
def put_active_profile(session_id: str) -> Response[str]:
    partner_id = caller(api).partner_id
    receive_active_profile(
        SessionKey(partner_id, session_id),
        read_active_profile(json_body(api)),
        wiring.profiles(),
        outlets(),
        wiring.partners().load_cached(partner_id).planning,
        question_id=secrets.token_urlsafe(24),
        now=wiring.clock().now(),
        at=datetime.now(UTC),
    )
    return ocpi_ok()


handler = rest_handler(api, watch=wiring.watch)
