"""A session's way through the functions, with the queues between them worked by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from functions import ocpi_chargingprofiles, ocpi_sessions, plan_sessions, send_profiles, want_plans
from offpeak import wiring
from offpeak.partners.model import Endpoint, Partner, PartnerStatus, Party, PlanningDefaults
from offpeak.partners.store import Tokens, digest
from offpeak.prices.model import Tariff, TariffKind
from offpeak.profiles.model import ProfileRequest
from offpeak.sessions.model import SessionKey
from tests.functions.events import CONTEXT, rest_event, sqs_event
from tests.profiles.cpo import Cpo

PARTNER_ID = "acme"
KEY = SessionKey(PARTNER_ID, "S-1")
FIXED_PRICE = PlanningDefaults(tariff=Tariff(TariffKind.FIXED))

WORKERS = {"plan": plan_sessions.handler, "send": send_profiles.handler, "replan": want_plans.handler}


class Journey:
    """`queues` are URLs by their names in the house."""

    def __init__(self, sqs: Any, cpo: Cpo, queues: dict[str, str]) -> None:
        self.cpo = cpo
        self._sqs, self._queues = sqs, queues
        partner = Partner(
            partner_id=PARTNER_ID,
            name="Acme",
            parties=(Party("NL", "ACM"),),
            status=PartnerStatus.REGISTERED,
            endpoints=(Endpoint("chargingprofiles", "RECEIVER", cpo.url),),
            planning=FIXED_PRICE,
        )
        theirs = wiring.token_cipher().encrypt("token-b", partner_id=PARTNER_ID, purpose="theirs")
        self.partner = wiring.partners().save_credentials(partner, Tokens(current=digest("token-c"), theirs=theirs))

    def change(self, **changes: Any) -> None:
        """Change the partner's settings; they are in force at once."""
        self.partner = wiring.partners().save(replace(self.partner, **changes))
        wiring.partners.cache_clear()

    def push_session(self, **fields: Any) -> None:
        now = datetime.now(UTC).isoformat()
        session = {
            "id": "S-1",
            "evse_uid": "E1",
            "status": "ACTIVE",
            "kwh": 0,
            "start_date_time": now,
            "last_updated": now,
        }
        answer = self.call(ocpi_sessions, "PUT", "sessions/NL/ACM/S-1", session | fields)
        assert answer["statusCode"] in (200, 201), answer

    def post_result(self, response_url: str, body: object, partner_id: str = PARTNER_ID) -> dict[str, Any]:
        path = response_url.split("/ocpi/emsp/2.2.1/")[1]
        return self.call(ocpi_chargingprofiles, "POST", path, body, partner_id)

    def push_active_profile(self, body: object, session_id: str = "S-1") -> dict[str, Any]:
        return self.call(ocpi_chargingprofiles, "PUT", f"chargingprofiles/{session_id}", body)

    def call(self, function: Any, method: str, path: str, body: object, partner_id: str = PARTNER_ID) -> dict[str, Any]:
        """Call one of our functions as the partner; a body that is no text becomes JSON."""
        authorizer = {
            "partner_id": partner_id,
            "parties": json.dumps([["NL", "ACM"]]),
            "strict": "false",
            "registered": "true",
        }
        text = body if isinstance(body, str) else json.dumps(body)
        event = rest_event(method, f"/ocpi/emsp/2.2.1/{path}", text, authorizer=authorizer)
        answer: dict[str, Any] = function.handler(event, CONTEXT)
        return answer

    def work(self) -> int:
        """Hand all messages to their workers, and those that come of it; return how many there were. Events wait."""
        worked = 0
        while messages := [(queue, message) for queue in WORKERS for message in self.waiting(queue)]:
            for queue, message in messages:
                answer = WORKERS[queue](sqs_event(message, groups=("group",)), CONTEXT)
                assert answer == {"batchItemFailures": []}
                worked += 1
        return worked

    def waiting(self, queue: str) -> list[str]:
        """Take what waits in a queue."""
        found = self._sqs.receive_message(QueueUrl=self._queues[queue], MaxNumberOfMessages=10).get("Messages", [])
        for each in found:
            self._sqs.delete_message(QueueUrl=self._queues[queue], ReceiptHandle=each["ReceiptHandle"])
        return [each["Body"] for each in found]

    @property
    def newest(self) -> ProfileRequest:
        request_id = wiring.profiles().standing(KEY).newest_request_id
        request = wiring.profiles().request(request_id or "")
        assert request
        return request
