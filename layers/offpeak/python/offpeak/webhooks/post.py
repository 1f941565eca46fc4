"""One request to a receiver: signed, guarded in where it goes, bounded in time and size."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from offpeak.errors import PeerUnavailable, PeerUnusable
from offpeak.ocpi.guarded_http import GuardedHttp
from offpeak.ocpi.wire_json import write_json
from offpeak.webhooks.model import Delivery, Subscription, Try
from offpeak.webhooks.secrets import SecretBox
from offpeak.webhooks.show import event_shown
from offpeak.webhooks.sign import SIGNATURE, signature

TIMEOUT_S = 5.0
LARGEST_ANSWER = 64 * 1024
KEPT_OF_ANSWER = 200
"""Characters, so that a tenant sees what its receiver said."""


class Post:
    """`real_now` tells the real time: receivers check it."""

    def __init__(self, http: GuardedHttp, secrets: SecretBox, real_now: Callable[[], datetime]) -> None:
        self._http = http
        self._secrets = secrets
        self._real_now = real_now

    def send(self, delivery: Delivery, subscription: Subscription) -> Try:
        """Send a delivery once and return how that went. Any HTTP 2xx is a success; nothing else is."""
        body = write_json(event_shown(delivery.published)).encode()
        at = self._real_now()
        headers = {
            "Content-Type": "application/json",
            "Offpeak-Delivery": delivery.delivery_id,
            "Offpeak-Event": delivery.published.event.event_id,
            SIGNATURE: signature(self._secrets.opened(subscription, at), body, int(at.timestamp())),
        }
        try:
            answer = self._http.exchange(
                "POST", subscription.url, headers, body, timeout_s=TIMEOUT_S, largest=LARGEST_ANSWER
            )
        except (PeerUnavailable, PeerUnusable) as error:
            return Try(at, self._ms_since(at), problem=str(error))
        return Try(
            at,
            self._ms_since(at),
            answer.http_status,
            _beginning(answer.body),
            None if 200 <= answer.http_status < 300 else _problem(answer.http_status),
        )

    def _ms_since(self, at: datetime) -> int:
        return round((self._real_now() - at).total_seconds() * 1000)


def _problem(http_status: int) -> str:
    if 300 <= http_status < 400:
        return f"the receiver answered a redirect (HTTP {http_status}); none is followed"
    return f"the receiver answered HTTP {http_status}"


def _beginning(body: bytes) -> str:
    text = body[: 4 * KEPT_OF_ANSWER].decode(errors="replace")[:KEPT_OF_ANSWER]
    return "".join(each if each.isprintable() else " " for each in text).strip()
