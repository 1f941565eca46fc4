"""Who is calling: from the headers of a request to a caller, and the answer that API Gateway wants."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from offpeak.errors import NotAllowed, NotAuthenticated
from offpeak.gateway import Deployed, allowing
from offpeak.ocpi.paths import PARTNERS_AREAS, REGISTRATION_PATHS
from offpeak.ocpi.tokens import tokens_in
from offpeak.partners.bearer import API_KEY, Bearers, FoundClient, bearer_in
from offpeak.partners.store import FoundToken, PartnerStore, TokenKind, digest

CACHED_S = 30.0
"""A token that has ended, or a setting that the authoriser tells, counts for this long at most."""

MOST_CACHED = 1000

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Decision:
    """Who is calling, and on which resources of the API it may (all of partners', where `resources` is None).

    `refusal` is what a caller that we know lacks; the function behind the API tells it, in OCPI's envelope.
    """

    found: FoundToken | FoundClient
    resources: tuple[str, ...] | None
    refusal: str | None = None


class Kept(Generic[V]):
    """Decisions that a process keeps for some seconds, by the hash of what was shown for them. `now_s` tells monotonic
    seconds."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._cache: dict[str, tuple[float, V]] = {}

    def get(self, shown: tuple[str | None, ...], decide: Callable[[], tuple[V, float]]) -> V:
        """Return what is kept, or `decide`, which says for how many seconds its decision may be kept."""
        cache_key = digest("\n".join(each or "" for each in shown))
        cached = self._cache.get(cache_key)
        if cached is not None and self._now_s() < cached[0]:
            return cached[1]
        decision, kept_s = decide()
        if kept_s > 0:
            if len(self._cache) >= MOST_CACHED:
                self._cache.clear()
            self._cache[cache_key] = (self._now_s() + kept_s, decision)
        return decision


class Authoriser:
    """Finds callers by their token. Decisions are kept for CACHED_S in this process, by the hash of the headers that
    they rest on; those on token A and refusals are not.

    API Gateway's own cache stays off: it would serve a decision for one path to another.
    """

    def __init__(self, store: PartnerStore, bearers: Bearers, now_s: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._bearers = bearers
        self._kept = Kept[Decision](now_s)

    def authorise(self, headers: Mapping[str, str], resource: str) -> Decision:
        """Decide on a request for `resource`, a path of the API as its routes write it.

        Raises NotAuthenticated for a missing or unknown token, and for a token A on a functional module (T1);
        NotAllowed for a partner that is suspended, and for what is not partners'.
        """
        said = {name.lower(): value for name, value in headers.items()}
        header, api_key = said.get("authorization"), said.get(API_KEY.lower())
        access_token = bearer_in(header)
        if access_token is None:
            decision = self._kept.get((header,), lambda: self._by_token(header))
        else:
            decision = self._kept.get((access_token, api_key), lambda: self._by_client(access_token, api_key))
        if decision.resources is not None and resource not in decision.resources:
            raise NotAuthenticated("a token A is good for versions and credentials only")
        if decision.resources is None and not resource.startswith(PARTNERS_AREAS):
            raise NotAllowed(f"partner {decision.found.partner.partner_id} has no business at {resource}")
        return decision

    def _by_token(self, header: str | None) -> tuple[Decision, float]:
        """Decide by an OCPI token; return the decision and the seconds for which it may be kept."""
        found = next((found for found in map(self._store.by_token, tokens_in(header)) if found), None)
        if found is None:
            raise NotAuthenticated("the token is missing or not known")
        if found.partner.is_suspended:
            raise NotAllowed(f"partner {found.partner.partner_id} is suspended")
        if found.kind is TokenKind.INVITATION:
            return Decision(found, REGISTRATION_PATHS), 0
        self._store.confirm(found)
        return Decision(found, None), CACHED_S

    def _by_client(self, access_token: str, api_key: str | None) -> tuple[Decision, float]:
        found = self._bearers.find(access_token, api_key)
        if found.problem is not None:
            return Decision(found, None, found.problem), 0
        return Decision(found, None), min(CACHED_S, found.expires_at_s - self._bearers.real_now().timestamp())


def policy(decision: Decision, deployed: Deployed) -> dict[str, object]:
    """Return what a REQUEST authoriser of a REST API answers: a policy, and what functions are told of the caller.

    The policy covers all that the token is good for rather than the one method asked for, so that it stays right
    wherever it might be kept.
    """
    partner = decision.found.partner
    told = {"refusal": decision.refusal} if decision.refusal else _told(decision.found)
    paths = PARTNERS_AREAS if decision.resources is None else decision.resources
    return allowing(partner.partner_id, deployed, paths, told, partner.usage_key)


def _told(found: FoundToken | FoundClient) -> dict[str, str]:
    """What functions are told of a caller."""
    is_invitation = isinstance(found, FoundToken) and found.kind is TokenKind.INVITATION
    return {
        "partner_id": found.partner.partner_id,
        "parties": json.dumps([[party.country_code, party.party_id] for party in found.partner.parties]),
        "strict": "true" if found.partner.flags.strict else "false",
        "registered": "false" if is_invitation else "true",
    }
