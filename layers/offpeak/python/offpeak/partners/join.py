"""We register at a CPO, by the token A and the versions URL that it gave us (OCPI 2.2.1, 7.1; CONFORMANCE C2)."""

from __future__ import annotations

from collections.abc import Callable

from offpeak.errors import InvalidMessage
from offpeak.ocpi.tokens import LONGEST_TOKEN, is_token
from offpeak.partners.model import Partner
from offpeak.partners.propose import Initiator, exchange


def register_at(versions_url: str, token_a: str, begin: Callable[[], Partner], by: Initiator) -> Partner:
    """Look the CPO's interfaces up with its token A, give it our credentials and keep the ones it answers with.

    `begin` makes the partner once the CPO has shown that it is there. The highest version that both speak is used (C6).
    May be repeated after any failure, with the same token A as long as the CPO takes it. Raises InvalidMessage for what
    the operator got wrong, PeerUnusable (3001 to 3003), PeerUnavailable, ConcurrentChange.
    """
    problem = by.handshake.rule.problem(versions_url)
    if problem is not None:
        raise InvalidMessage("versions_url", problem)
    if not is_token(token_a):
        raise InvalidMessage("token_a", f"must have 1 to {LONGEST_TOKEN} characters from ! to ~")
    interface = by.handshake.look_up(versions_url, token_a, raw_token=False)
    return exchange("POST", begin(), interface, token_a, versions_url, by)
