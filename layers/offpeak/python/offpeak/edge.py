"""The edge: what API Gateway, SQS and EventBridge hand in becomes plain calls, and errors become statuses, once.

A function says what it does; this module gives it logs with a correlation id, metrics, OCPI's envelope and ids, bounds
on what comes in, and partial batch failures.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import uuid4

from offpeak.errors import InvalidMessage, NotAllowed, NotAuthenticated, OffpeakError, UnparseableBody
from offpeak.gateway import Deployed, denying, deployed_at
from offpeak.ocpi.envelope import CORRELATION_ID, REQUEST_ID, SWAPPED, RequestIds, is_echoable
from offpeak.ocpi.paths import below_prefix
from offpeak.ocpi.wire_json import JsonValue, read_json, write_json
from offpeak.partners.model import Caller, Party
from offpeak.telemetry import count, logger, metrics

if TYPE_CHECKING:
    from aws_lambda_powertools.event_handler import Response

    from offpeak.partners.watch import Watch
    from offpeak.resolver import Api, OcpiApi

LARGEST_BODY = 256 * 1024
"""Bytes. A session with two thousand charging periods fits; API Gateway itself would take 10 MB."""

MODULE = re.compile(r"/\{version\}/([a-z]+)")
"""The module in a route's pattern."""

Handler: TypeAlias = Callable[[dict[str, Any], Any], Any]
Message: TypeAlias = Mapping[str, str | int | None]
Record: TypeAlias = Mapping[str, Any]
FindWatch: TypeAlias = "Callable[[], Watch]"


def ocpi_api(*, functional: bool = True) -> OcpiApi:
    """Return an empty API whose errors are answered as OCPI wants them."""
    from offpeak.resolver import OcpiApi

    return OcpiApi(functional=functional)


def rest_handler(api: Api, watch: FindWatch | None = None) -> Handler:
    """Return the Lambda handler of an API: logs, metrics and ids around each request.

    `watch` finds who keeps what was noticed of partners, their refused objects included; so it does below.
    """

    @logger.inject_lambda_context(clear_state=True)
    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        ids = _ids(headers)
        event["headers"] = {**headers, **{name.lower(): value for name, value in ids.headers().items()}}
        logger.set_correlation_id(ids.correlation_id)
        logger.append_keys(ocpi_request_id=ids.request_id)
        api.refused = None
        try:
            answer = api.resolve(event, context)
            if watch:
                _notice_refusal(api.refused, event, watch())
                watch().keep()
        finally:
            _flush_metrics()
        answer["multiValueHeaders"].update({name: [value] for name, value in ids.headers().items()})
        if api.functional:
            answer["multiValueHeaders"].update(_swapped_routing(headers))
        logger.info(
            "request_answered",
            method=event["httpMethod"],
            resource=event.get("resource"),
            http_status=answer["statusCode"],
        )
        return answer

    return handler


def caller(api: OcpiApi) -> Caller:
    """Return who is calling, as the authoriser found out."""
    context = api.current_event.request_context.authorizer.get_context()
    if "partner_id" not in context:
        raise NotAuthenticated("the request did not pass the authoriser")
    return Caller(
        partner_id=context["partner_id"],
        parties=tuple(Party(country_code, party_id) for country_code, party_id in json.loads(context["parties"])),
        strict=context["strict"] == "true",
        registered=context["registered"] == "true",
    )


def request_ids(api: OcpiApi) -> RequestIds:
    """Return the ids of the request that is being answered."""
    headers = api.current_event.headers
    return RequestIds(headers[REQUEST_ID], headers[CORRELATION_ID])


def json_body(api: Api, *, largest: int = LARGEST_BODY) -> JsonValue:
    """Return the request's body: whole numbers as int, all others as Decimal.

    Raises UnparseableBody for what is no JSON, and InvalidMessage naming the field for what is out of bounds; `largest`
    is a body's, in bytes.
    """
    text = api.current_event.body
    if not text:
        raise UnparseableBody("the body is empty")
    if len(text) > largest * (2 if api.current_event.is_base64_encoded else 1):
        raise InvalidMessage("body", f"is larger than {largest} bytes")
    if api.current_event.is_base64_encoded:
        try:
            text = base64.b64decode(text, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise UnparseableBody("the body is not text in UTF-8") from None
    if len(text.encode(errors="replace")) > largest:
        raise InvalidMessage("body", f"is larger than {largest} bytes")
    return read_json(text)


def ocpi_ok(data: object = None, *, created: bool = False) -> Response[str]:
    """Answer OCPI 1000 at HTTP 200, or at 201 when something was created."""
    from offpeak.resolver import success

    return success(data, 201 if created else 200)


def queue_handler(process: Callable[[Message], None], watch: FindWatch | None = None) -> Handler:
    """Return the handler of a standard queue's worker: each record succeeds or fails by itself."""
    return _batch_handler(lambda messages: process(messages[0]), lambda records: [[each] for each in records], watch)


def fifo_handler(process: Callable[[list[Message]], None], watch: FindWatch | None = None) -> Handler:
    """Return the handler of a FIFO queue's worker, which gets the messages of a group that a batch holds at once, in
    their order: they succeed or fail together, and other groups go on."""
    return _batch_handler(process, _by_group, watch)


def _batch_handler(
    process: Callable[[list[Message]], None],
    divide: Callable[[list[Record]], list[list[Record]]],
    watch: FindWatch | None,
) -> Handler:
    """The handler never raises: Lambda would slow the queue down for everybody when all of a batch failed."""

    @logger.inject_lambda_context(clear_state=True)
    def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
        failed = [
            record["messageId"]
            for records in divide(event["Records"])
            if not _worked(process, records)
            for record in records
        ]
        if watch:
            watch().keep()
        _flush_metrics()
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

    return handler


def clock_handler(*tasks: Callable[[], object], watch: FindWatch | None = None) -> Handler:
    """Return the handler of a schedule: it runs each task, or fails and is invoked again.

    A task that fails keeps none after it from its turn; the first error is raised, the others are logged.
    """

    @logger.inject_lambda_context(clear_state=True)
    def handler(_event: dict[str, Any], _context: Any) -> None:
        try:
            _run_each(tasks)
        finally:
            if watch:
                watch().keep()
            _flush_metrics()

    return handler


def _run_each(tasks: Iterable[Callable[[], object]]) -> None:
    failed: Exception | None = None
    for task in tasks:
        try:
            task()
        except Exception as error:  # noqa: BLE001 - raised when those behind it had their turn
            if failed is not None:
                logger.error("another_task_failed", exc_info=error)
            failed = failed or error
    if failed is not None:
        raise failed


def command_handler(run: Callable[[JsonValue], object]) -> Handler:
    """Return the handler of an operators' command: a wrong input is answered {"error", "field"?}, not raised."""

    @logger.inject_lambda_context(clear_state=True)
    def handler(event: dict[str, Any], _context: Any) -> object:
        try:
            return json.loads(write_json(run(read_json(json.dumps(event)))))
        except InvalidMessage as error:
            return {"error": error.problem, "field": error.field}
        except OffpeakError as error:
            return {"error": str(error)}
        finally:
            _flush_metrics()

    return handler


def authoriser_handler(decide: Callable[[Mapping[str, str], str, Deployed], dict[str, object]]) -> Handler:
    """Return the handler of a REQUEST authoriser: `decide` gets the headers, the resource as our routes write it, and
    where that is deployed.

    API Gateway answers 401 when the function fails with exactly this word, and 403 when a policy denies.
    """

    @logger.inject_lambda_context(clear_state=True)
    def handler(event: dict[str, Any], _context: Any) -> dict[str, object]:
        resource = below_prefix(event["resource"])
        deployed = deployed_at(event["methodArn"], event["resource"].removesuffix(resource))
        try:
            return decide(event.get("headers") or {}, resource, deployed)
        except NotAuthenticated as error:
            logger.info("caller_refused", resource=event["resource"], problem=str(error))
            count("CallersRefused")
        except NotAllowed as error:
            logger.info("caller_shut_out", resource=event["resource"], problem=str(error))
            count("CallersRefused")
            return denying(event["methodArn"])
        finally:
            _flush_metrics()
        raise Exception("Unauthorized")

    return handler


def _notice_refusal(error: Exception | None, event: Mapping[str, Any], watch: Watch) -> None:
    """Have a partner's object that was refused noticed with the module it was sent to, as in "PUT sessions"."""
    partner_id = event["requestContext"].get("authorizer", {}).get("partner_id")
    if partner_id is None or not isinstance(error, InvalidMessage | UnparseableBody):
        return
    module = MODULE.search(event.get("resource") or "")
    call = f"{event['httpMethod']} {module[1] if module else 'request'}"
    watch.refused(partner_id, call, error, event.get("body") or "")


def _by_group(records: list[Record]) -> list[list[Record]]:
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(record["attributes"]["MessageGroupId"], []).append(record)
    return list(groups.values())


def _worked(process: Callable[[list[Message]], None], records: list[Record]) -> bool:
    """Process records together, and say whether that went well."""
    logger.append_keys(message_id=records[0]["messageId"])
    try:
        process([json.loads(record["body"]) for record in records])
    except OffpeakError as error:
        logger.warning("message_failed", problem=str(error), error=type(error).__name__, exc_info=not error.retry)
    except Exception:  # noqa: BLE001  (whatever it is, it must not take the other records with it)
        logger.exception("message_failed")
    else:
        return True
    count("MessagesFailed", len(records))
    return False


def _ids(headers: Mapping[str, str]) -> RequestIds:
    """The ids as they came, or new ones where they are missing or unfit to be given back (T3)."""
    request_id, correlation_id = (headers.get(name.lower()) for name in (REQUEST_ID, CORRELATION_ID))
    return RequestIds(
        request_id if is_echoable(request_id) else str(uuid4()),
        correlation_id if is_echoable(correlation_id) else str(uuid4()),
    )


def _swapped_routing(headers: Mapping[str, str]) -> dict[str, list[str]]:
    asked = {name: headers.get(asked.lower()) for name, asked in SWAPPED.items()}
    return {name: [value] for name, value in asked.items() if is_echoable(value)}


def _flush_metrics() -> None:
    if metrics.metric_set:
        metrics.flush_metrics()
