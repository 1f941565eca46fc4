"""Errors of the operators' and the app API as problem details (RFC 9457). `field` names what is wrong in the body or
the query.

API Gateway answers by itself what it does not let through. Its answers are one for all routes of an API, so those to
apps have OCPI's envelope beside the problem's fields.
"""

from __future__ import annotations

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from offpeak.errors import (
    AlreadyExists,
    BeingDone,
    ConcurrentChange,
    Erased,
    InUse,
    InvalidMessage,
    MethodNotAllowed,
    NotAuthenticated,
    OutOfDate,
    PeerUnavailable,
    PeerUnusable,
    QueueUnavailable,
    SecretReplaced,
    UnknownObject,
    UnparseableBody,
)
from offpeak.ocpi.wire_json import write_json
from offpeak.partners.redact import field_shown, problem_shown
from offpeak.telemetry import count, logger

STATUSES: dict[type[Exception], HTTPStatus] = {
    UnparseableBody: HTTPStatus.BAD_REQUEST,
    NotAuthenticated: HTTPStatus.FORBIDDEN,
    UnknownObject: HTTPStatus.NOT_FOUND,
    MethodNotAllowed: HTTPStatus.METHOD_NOT_ALLOWED,
    AlreadyExists: HTTPStatus.CONFLICT,
    InUse: HTTPStatus.CONFLICT,
    BeingDone: HTTPStatus.CONFLICT,
    Erased: HTTPStatus.GONE,
    SecretReplaced: HTTPStatus.CONFLICT,
    OutOfDate: HTTPStatus.PRECONDITION_FAILED,
    InvalidMessage: HTTPStatus.UNPROCESSABLE_ENTITY,
    PeerUnusable: HTTPStatus.BAD_GATEWAY,
    PeerUnavailable: HTTPStatus.BAD_GATEWAY,
    ConcurrentChange: HTTPStatus.SERVICE_UNAVAILABLE,
    QueueUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""Whatever is not here is our fault: 500, and not a word about why."""


def problem(error: Exception) -> Response[str]:
    """Answer an operator's error as STATUSES says."""
    return _answer(error, STATUSES.get(type(error)))


def app_problem(error: Exception) -> Response[str]:
    """Answer an app's error: as STATUSES says, but that apps show credentials, which may be wrong."""
    if isinstance(error, NotAuthenticated):
        return _answer(error, HTTPStatus.UNAUTHORIZED)
    return problem(error)


def _answer(error: Exception, status: HTTPStatus | None) -> Response[str]:
    if status is None:
        logger.exception("request_failed", exc_info=error)
        count("RequestsFailed")
        return _response(HTTPStatus.INTERNAL_SERVER_ERROR, "something went wrong on our side")
    if isinstance(error, OutOfDate) and error.is_missing:
        status = HTTPStatus.PRECONDITION_REQUIRED
    if not isinstance(error, InvalidMessage):
        logger.info("request_refused", http_status=status.value, problem=str(error))
        return _response(status, str(error))
    # A name that does not exist is the caller's own: it may be anything, and is told to nobody else.
    problem = f"{field_shown(error.field)}: {problem_shown(error.problem)}"
    logger.info("request_refused", http_status=status.value, problem=problem)
    return _response(status, error.problem, error.field)


def _response(status: HTTPStatus, detail: str, field: str | None = None) -> Response[str]:
    body = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    if field is not None:
        body["field"] = field
    return Response(status.value, content_type="application/problem+json", body=write_json(body))
