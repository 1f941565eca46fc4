"""The calls within a registration, whoever began it: versions, details, credentials (CONFORMANCE C1, C2, C6)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from offpeak.errors import InvalidMessage, OffpeakError, PeerRefused, PeerUnavailable, PeerUnusable
from offpeak.ocpi.client import OcpiAnswer, OcpiClient
from offpeak.ocpi.credentials import GivenCredentials
from offpeak.ocpi.envelope import RequestIds, Status
from offpeak.ocpi.fields import read_object
from offpeak.ocpi.peer_address import PeerAddressRule
from offpeak.ocpi.tokens import BearerAccess
from offpeak.ocpi.versions import EndpointObject, common_version, read_endpoints
from offpeak.ocpi.wire_json import JsonValue
from offpeak.partners.model import Endpoint
from offpeak.telemetry import logger

TIMEOUT_S = 2.5
"""Seconds for each of the three calls that there may be: the partner waits, and should have its answer within ten."""

PATIENCE_S = 12.0
"""Seconds for a call on the partner's credentials, within which it calls our versions in its turn."""

NEEDED = "chargingprofiles"
MODULES = frozenset({"credentials", "sessions", NEEDED, "locations", "tariffs", "hubclientinfo"})
"""The interfaces of a CPO that we may call."""


@dataclass(frozen=True, slots=True)
class Interface:
    """What a partner's versions and version details say. `raw_token`: it takes tokens as they are only (T2)."""

    version: str
    endpoints: tuple[Endpoint, ...]
    raw_token: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One call of a handshake and what came of it, in words for the operator who waits."""

    call: str
    outcome: str
    took_ms: int


class Handshake:
    """The calls of one registration; `steps` tells how they went. `new_id` makes the id of each request; `access`
    returns what a partner that wants OAuth2 is shown instead of any OCPI token, and may raise PeerUnavailable."""

    def __init__(
        self,
        client: OcpiClient,
        rule: PeerAddressRule,
        ids: RequestIds,
        new_id: Callable[[], str],
        access: Callable[[], BearerAccess | None] = lambda: None,
    ) -> None:
        self._client = client
        self.rule = rule
        self._ids = ids
        self._new_id = new_id
        self._access = access
        self.steps: list[Step] = []

    def look_up(self, url: str, token: str, *, raw_token: bool, version: str | None = None) -> Interface:
        """GET the versions at `url` and the details of `version`, by default of the highest one in common.

        A partner that refuses the token in the form that we know it by is asked once more in the other form. Raises
        PeerUnusable: 3001 for an interface that does not answer as OCPI wants, 3002, and 3003 for one without
        charging profiles.
        """
        answer = self._get(url, token, raw_token)
        if answer.http_status in (401, 403):
            in_other_form = self._get(url, token, not raw_token)
            if in_other_form.is_success:
                raw_token, answer = not raw_token, in_other_form
        chosen = common_version(_data(answer, "your versions"), version)
        details = _data(self._get(chosen.url, token, raw_token), "your version details")
        return Interface(chosen.version, self._endpoints(read_endpoints(details)), raw_token)

    def give_credentials(self, method: str, interface: Interface, token: str, credentials: object) -> GivenCredentials:
        """POST or PUT our credentials to the partner and return the ones that it answers with.

        Raises PeerRefused for an answer that says no; PeerUnavailable where it is not known whether the partner took
        them; PeerUnusable where it took them and its answer makes no sense.
        """
        answer = self._credentials(method, interface.endpoints, token, interface.raw_token, credentials)
        try:
            given = read_object(GivenCredentials, answer.data)
        except InvalidMessage as error:
            raise PeerUnusable(Status.PEER_UNUSABLE, f"the credentials in the answer: {error}") from error
        return given

    def withdraw_credentials(self, endpoints: tuple[Endpoint, ...], token: str, *, raw_token: bool) -> None:
        """DELETE our registration at the partner. Raises as give_credentials does."""
        self._credentials("DELETE", endpoints, token, raw_token, None)

    def try_token(self, url: str, token: str, *, raw_token: bool) -> bool:
        """GET the partner's versions with a token that it just gave us, and say whether it works."""
        try:
            return self._get(url, token, raw_token).is_success
        except PeerUnusable:
            return False

    def _credentials(
        self, method: str, endpoints: tuple[Endpoint, ...], token: str, raw_token: bool, body: object
    ) -> OcpiAnswer:
        url = next((each.url for each in endpoints if each.identifier == "credentials"), None)
        if url is None:
            raise PeerUnusable(Status.NO_MATCHING_ENDPOINTS, "the version details have no credentials endpoint")
        answer = self._call(method, url, token, raw_token, PATIENCE_S, body)
        if not answer.is_success:
            raise PeerRefused(answer.http_status, f"{method} credentials was answered {_said(answer)}")
        return answer

    def _get(self, url: str, token: str, raw_token: bool) -> OcpiAnswer:
        try:
            return self._call("GET", url, token, raw_token, TIMEOUT_S)
        except PeerUnavailable as error:
            raise PeerUnusable(Status.PEER_UNUSABLE, f"GET {url}: {error}") from error

    def _call(
        self, method: str, url: str, token: str, raw_token: bool, timeout_s: float, body: object = None
    ) -> OcpiAnswer:
        began_s, outcome = time.monotonic(), ""
        try:
            answer = self._client.call(
                method,
                url,
                self._access() or token,
                raw_token=raw_token,
                ids=self._ids.followed_by(self._new_id()),
                body=body,
                timeout_s=timeout_s,
            )
            outcome = _said(answer)
        except OffpeakError as error:
            outcome = str(error)
            raise
        finally:
            self.steps.append(Step(f"{method} {url}", outcome, round((time.monotonic() - began_s) * 1000)))
        return answer

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
                logger.warning("endpoint_passed_over", ocpi_module=each.identifier, problem=problem)
        if not any(each.identifier == NEEDED for each in endpoints):
            raise PeerUnusable(Status.NO_MATCHING_ENDPOINTS, f"your version details have no {NEEDED} endpoint")
        return tuple(endpoints)


def _data(answer: OcpiAnswer, what: str) -> JsonValue:
    if not answer.is_success:
        raise PeerUnusable(Status.PEER_UNUSABLE, f"{what} answered {_said(answer)}")
    return answer.data


def _said(answer: OcpiAnswer) -> str:
    words = f": {answer.message}" if answer.message and not answer.is_success else ""
    return f"HTTP {answer.http_status}, OCPI {answer.ocpi_status or '-'}{words}"
