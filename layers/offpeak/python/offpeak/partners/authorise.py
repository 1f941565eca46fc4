"""Who is calling: from the headers of a request to a caller, and the answer that API Gateway wants."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from offpeak.errors import NotAllowed, NotAuthenticated
from offpeak.ocpi.paths import REGISTRATION_PATHS
from offpeak.ocpi.tokens import tokens_in
from offpeak.partners.store import FoundToken, PartnerStore, TokenKind, digest

CACHED_S = 30.0
"""A token that has ended, or a setting that the authoriser tells, counts for this long at most."""

MOST_CACHED = 1000

ANY_VERSION = "?.?*"
"""In a policy: whatever version a path has. Which of them we speak is the function's to say, in OCPI's words."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Who is calling, and on which resources of the API it may (all, where `resources` is None)."""

    found: FoundToken
    resources: tuple[str, ...] | None


class Authoriser:
    """Finds callers by their token. Decisions on token C are kept for CACHED_S in this process, by the header's hash.

    API Gateway's own cache stays off: it would serve a decision for one path to another.
    """

    def __init__(self, store: PartnerStore, now_s: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._now_s = now_s
        self._cache: dict[str, tuple[float, Decision]] = {}

    def authorise(self, headers: Mapping[str, str], resource: str) -> Decision:
        """Decide on a request for `resource`, a path of the API as its routes write it.

        Raises NotAuthenticated for a missing or unknown token, and for a token A on a functional module (T1);
        NotAllowed for a partner that is suspended.
        """
        header = next((value for name, value in headers.items() if name.lower() == "authorization"), None)
        decision = self._decide(header)
        if decision.resources is not None and resource not in decision.resources:
            raise NotAuthenticated("a token A is good for versions and credentials only")
        return decision

    def _decide(self, header: str | None) -> Decision:
        tokens = tokens_in(header)
        cache_key = digest(header) if header and tokens else ""
        cached = self._cache.get(cache_key)
        if cached is not None and self._now_s() < cached[0]:
            return cached[1]
        found = next((found for found in map(self._store.by_token, tokens) if found), None)
        if found is None:
            raise NotAuthenticated("the token is missing or not known")
        if found.kind is TokenKind.INVITATION:
            return Decision(found, REGISTRATION_PATHS)
        self._store.confirm(found)
        decision = Decision(found, None)
        if len(self._cache) >= MOST_CACHED:
            self._cache.clear()
        self._cache[cache_key] = (self._now_s() + CACHED_S, decision)
        return decision


def policy(decision: Decision, method_arn: str) -> dict[str, object]:
    """Return what a REQUEST authoriser of a REST API answers: a policy, and what functions are told of the caller.

    The policy covers all that the token is good for rather than the one method asked for, so that it stays right
    wherever it might be kept.
    """
    api, stage = method_arn.split("/")[:2]
    paths = ("/*",) if decision.resources is None else decision.resources
    partner = decision.found.partner
    answer: dict[str, object] = {
        if found.partner.is_suspended:
            raise NotAllowed(f"partner {found.partner.partner_id} is suspended")
        "principalId": partner.partner_id,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Action": "execute-api:Invoke",
                    "Effect": "Allow",
                    "Resource": [f"{api}/{stage}/*{path.replace('{version}', ANY_VERSION)}" for path in paths],
                }
            ],
        },
        "context": {
            "partner_id": partner.partner_id,
            "parties": json.dumps([[party.country_code, party.party_id] for party in partner.parties]),
            "strict": "true" if partner.flags.strict else "false",
            "registered": "true" if decision.found.kind is TokenKind.CREDENTIALS else "false",
        },
    }
    if partner.usage_key is not None:
        answer["usageIdentifierKey"] = partner.usage_key
    return answer
