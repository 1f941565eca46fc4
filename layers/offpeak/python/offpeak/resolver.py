"""The routes of one function behind the REST API. Apart from edge.py because it takes long to import, and the functions
behind queues and clocks need none of it."""

from __future__ import annotations

import re
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import APIGatewayRestResolver

from offpeak.ocpi.paths import PREFIX, below_prefix


class OcpiApi(APIGatewayRestResolver):
    """`functional` modules route by party; versions and credentials do not (CONFORMANCE T4)."""

    def __init__(self, *, functional: bool) -> None:
        super().__init__(strip_prefixes=[PREFIX])
        self.functional = functional

    def methods_of(self, path: str) -> set[str]:
        """Return the methods that have a route for `path`."""
        return {
            each.method for each in self._static_routes + self._dynamic_routes if each.rule.match(below_prefix(path))
        }

    def _convert_matches_into_route_keys(self, match: re.Match[str]) -> dict[str, str]:
        # A REST API hands the path over as it was sent, so an id such as NL%2FABC arrives percent-encoded.
        return {name: unquote(value) for name, value in match.groupdict().items()}
