"""The API's authoriser: who is calling, by an OCPI token, or by an access token and an ApiKey."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from offpeak import wiring
from offpeak.edge import authoriser_handler
from offpeak.partners.authorise import Authoriser, policy


@cache
def authoriser() -> Authoriser:
    return Authoriser(wiring.partners(), wiring.bearers())


def decide(headers: Mapping[str, str], resource: str, method_arn: str) -> dict[str, object]:
    return policy(authoriser().authorise(headers, resource), method_arn)


handler = authoriser_handler(decide)
