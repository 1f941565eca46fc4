"""Looking a partner's interfaces up with the token it just gave us (CONFORMANCE C1, C6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from offpeak.errors import PeerUnavailable, PeerUnusable
from offpeak.ocpi.client import OcpiAnswer, OcpiClient
from offpeak.ocpi.credentials import CredentialsObject
from offpeak.ocpi.envelope import RequestIds, Status
from offpeak.ocpi.peer_address import PeerAddressRule
from offpeak.ocpi.versions import EndpointObject, highest_common, read_endpoints
from offpeak.ocpi.wire_json import JsonValue
from offpeak.partners.model import Endpoint
from offpeak.telemetry import logger

TIMEOUT_S = 2.5
"""Seconds for each of the three calls that there may be: the partner waits, and should have its answer within ten."""

NEEDED = "chargingprofiles"
MODULES = frozenset({"credentials", "sessions", NEEDED, "locations", "tariffs", "hubclientinfo"})
"""The interfaces of a CPO that we may call."""


@dataclass(frozen=True, slots=True)
class Interface:
    """What a partner's versions and version details say. `raw_token`: it takes tokens as they are only (T2)."""

    version: str
    endpoints: tuple[Endpoint, ...]
    raw_token: bool


class Handshake:
    """The calls within a registration. `new_id` makes the id of each request."""

    def __init__(self, client: OcpiClient, rule: PeerAddressRule, ids: RequestIds, new_id: Callable[[], str]) -> None:
        self._client = client
        self.rule = rule
        self._ids = ids
        self._new_id = new_id

    def look_up(self, credentials: CredentialsObject, *, raw_token: bool) -> Interface:
        """GET the versions and the details of the highest one in common.

        A partner that refuses the token in the form that we know it by is asked once more in the other form. Raises
        PeerUnusable: 3001 for an interface that does not answer as OCPI wants, 3002, and 3003 for one without
        charging profiles.
        """
        answer = self._get(credentials.url, credentials.token, raw_token)
        if answer.http_status in (401, 403):
            raw_token = not raw_token
            answer = self._get(credentials.url, credentials.token, raw_token)
        highest = highest_common(_data(answer, "your versions"))
        details = _data(self._get(highest.url, credentials.token, raw_token), "your version details")
        return Interface(highest.version, self._endpoints(read_endpoints(details)), raw_token)

    def _get(self, url: str, token: str, raw_token: bool) -> OcpiAnswer:
        try:
            return self._client.call(
                "GET",
                url,
                token,
                raw_token=raw_token,
                ids=self._ids.followed_by(self._new_id()),
                timeout_s=TIMEOUT_S,
            )
        except PeerUnavailable as error:
            raise PeerUnusable(Status.PEER_UNUSABLE, f"GET {url}: {error}") from error

    def _endpoints(self, offered: list[EndpointObject]) -> tuple[Endpoint, ...]:
        endpoints = []
        for each in offered:
            if each.identifier not in MODULES:
                continue
            problem = self.rule.problem(each.url)
            if problem is None:
                endpoints.append(Endpoint(each.identifier, each.role or "", each.url))
            elif each.identifier == NEEDED:
                raise PeerUnusable(Status.PEER_UNUSABLE, f"the url of your {NEEDED} endpoint {problem}")
            else:
                logger.warning("endpoint_passed_over", module=each.identifier, problem=problem)
        if not any(each.identifier == NEEDED for each in endpoints):
            raise PeerUnusable(Status.NO_MATCHING_ENDPOINTS, f"your version details have no {NEEDED} endpoint")
        return tuple(endpoints)


def _data(answer: OcpiAnswer, what: str) -> JsonValue:
    if not answer.is_success:
        said = f"HTTP {answer.http_status}, OCPI {answer.ocpi_status or '-'}"
        raise PeerUnusable(Status.PEER_UNUSABLE, f"{what} answered {said}")
    return answer.data
