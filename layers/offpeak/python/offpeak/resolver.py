"""The routes of one function behind the REST API, and what its errors are answered with.

Apart from edge.py because it takes long to import, and the functions behind queues and clocks need none of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware

from offpeak.errors import (
    ConcurrentChange,
    InvalidMessage,
    MethodNotAllowed,
    NotAuthenticated,
    PeerUnavailable,
    PeerUnusable,
    QueueUnavailable,
    UnknownLocation,
    UnknownObject,
    UnparseableBody,
)
from offpeak.ocpi.envelope import Status, envelope
from offpeak.ocpi.paths import PREFIX, below_prefix
from offpeak.ocpi.versions import SUPPORTED_VERSIONS
from offpeak.telemetry import count, logger

ANSWERS: dict[type[Exception], tuple[int, int]] = {
    UnparseableBody: (400, Status.INVALID_PARAMETERS),
    NotAuthenticated: (401, Status.INVALID_PARAMETERS),
    UnknownObject: (404, Status.CLIENT_ERROR),
    MethodNotAllowed: (405, Status.CLIENT_ERROR),
    InvalidMessage: (200, Status.INVALID_PARAMETERS),
    UnknownLocation: (200, Status.UNKNOWN_LOCATION),
    PeerUnavailable: (200, Status.PEER_UNUSABLE),
    ConcurrentChange: (503, Status.SERVER_ERROR),
    QueueUnavailable: (503, Status.SERVER_ERROR),
}
"""Error -> (HTTP status, OCPI status), CONFORMANCE T6 and T7. PeerUnusable carries its own OCPI status at HTTP 200;
whatever is not here is our fault: HTTP 500, OCPI 3000, and not a word about why."""


class Api(APIGatewayRestResolver):
    """Routes below a deployment's prefix. `refuse` makes the answer of an error, of a wrong address too."""

    functional = False
    refused: Exception | None = None
    """Why the request that was answered last was refused, where it was."""

    def __init__(self, refuse: Callable[[Exception], Response[str]]) -> None:
        super().__init__(strip_prefixes=[PREFIX])
        self._answer_to = refuse
        self.exception_handler(Exception)(self._refuse)
        self.not_found(self._no_route)

    def _refuse(self, error: Exception) -> Response[str]:
        self.refused = error
        return self._answer_to(error)

    def _no_route(self, _: NotFoundError) -> Response[str]:
        path = below_prefix(self.current_event.path)
        if any(route.rule.match(path) for route in self._static_routes + self._dynamic_routes):
            return self._refuse(MethodNotAllowed(f"{self.current_event.http_method} is not possible here"))
        return self._refuse(UnknownObject("there is nothing at this address"))

    def _convert_matches_into_route_keys(self, match: re.Match[str]) -> dict[str, str]:
        # A REST API hands the path over as it was sent, so an id such as NL%2FABC arrives percent-encoded.
        return {name: unquote(value) for name, value in match.groupdict().items()}


class OcpiApi(Api):
    """`functional` modules route by party; versions and credentials do not (CONFORMANCE T4)."""

    def __init__(self, *, functional: bool) -> None:
        super().__init__(refusal)
        self.functional = functional
        self.use([_let_in, _in_a_version_that_we_speak])

    @property
    def version(self) -> str:
        """The OCPI version in the path of the request that is being answered, one of SUPPORTED_VERSIONS."""
        return str(self.context["version"])


def _let_in(api: APIGatewayRestResolver, go_on: NextMiddleware) -> Response[str]:
    """Refuse whom the authoriser knows but does not let in: it cannot say why itself, its refusals have fixed texts."""
    refused = api.current_event.request_context.authorizer.get_context().get("refusal")
    if refused is not None:
        count("CallersRefused")
        raise NotAuthenticated(refused)
    return go_on(api)


def _in_a_version_that_we_speak(api: APIGatewayRestResolver, go_on: NextMiddleware) -> Response[str]:
    """Take the version out of what a route's function is called with: those who need it ask `OcpiApi.version`."""
    version = api.context["_route_args"].pop("version", None)
    if version is not None and version not in SUPPORTED_VERSIONS:
        raise UnknownObject(f"we do not speak OCPI {version}; our versions are {', '.join(SUPPORTED_VERSIONS)}")
    api.context["version"] = version
    return go_on(api)


def success(data: object, http_status: int) -> Response[str]:
    """Answer OCPI 1000, with data where there is any."""
    return _response(http_status, envelope(Status.SUCCESS, datetime.now(UTC), data=data))


def refusal(error: Exception) -> Response[str]:
    """Answer an error as ANSWERS says."""
    now = datetime.now(UTC)
    if isinstance(error, PeerUnusable):
        http_status, status = 200, error.ocpi_status
    elif type(error) in ANSWERS:
        http_status, status = ANSWERS[type(error)]
    else:
        logger.exception("request_failed", exc_info=error)
        count("RequestsFailed")
        return _response(500, envelope(Status.SERVER_ERROR, now, message="something went wrong on our side"))
    logger.info("request_refused", http_status=http_status, status=int(status), problem=str(error))
    return _response(http_status, envelope(status, now, message=str(error)))


def _response(http_status: int, body: str) -> Response[str]:
    return Response(http_status, content_type="application/json", body=body)
