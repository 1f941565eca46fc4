"""The gaps of ministack 1.5.33 that stand in our way, mended from outside when its server starts.

Each mend says what AWS does, what ministack does, and why we need it. tests/local/test_gaps.py probes a mended and an
unmended server: as soon as the unmended one behaves properly, the test of that gap fails and its mend can go.

Known and left open: a FIFO queue's event source mapping runs one batch at a time (AWS: one per message group); headers
arrive in lower case (AWS keeps the sender's case, so code must read them case-insensitively); a function that raises
answers 502 with its own text (AWS hides it); state does not outlive the server.
"""

from __future__ import annotations

import sysconfig
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from ministack.core import iam_evaluator, lambda_runtime
from ministack.services import apigateway_v1, dynamodb
from ministack.services.cloudformation import provisioners

RUNTIME_PACKAGES = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six.py", "urllib3")
"""What AWS's Python runtime brings besides the standard library."""


def mend(runtime: Path) -> None:
    """Apply every mend to the ministack that this process has imported. `runtime` is a folder for its own use."""
    answer_before_the_log()
    hide_the_developers_packages(runtime)
    let_items_expire()
    throttle_by_the_authorisers_key()
    take_loopback_for_tls()
    refuse_overlapping_updates()


def answer_before_the_log() -> None:
    """A handler that logs nothing costs 50 ms more than one that logs: the worker waits that long for a first line.

    The lines of an invocation are there about when its answer is; what comes later goes with the next invocation.
    """
    original = lambda_runtime.Worker._drain_stderr_bounded

    def drain(worker: lambda_runtime.Worker) -> str:
        return str(original(worker, first_line_wait=0.002, idle_confirm=0.001))

    lambda_runtime.Worker._drain_stderr_bounded = drain


def hide_the_developers_packages(runtime: Path) -> None:
    """On AWS a function finds its own file, its layers and the runtime's packages; a worker of ministack also finds all
    that is installed beside it, so that a package missing in the layer would show on AWS only.
    """
    installed = Path(sysconfig.get_path("purelib"))
    runtime.mkdir(parents=True, exist_ok=True)
    for package in RUNTIME_PACKAGES:
        (runtime / package).symlink_to(installed / package)
    see_only = f"import sys; sys.path[:] = [p for p in sys.path if 'site-packages' not in p] + [{str(runtime)!r}]\n"
    lambda_runtime._PYTHON_WORKER_SCRIPT = see_only + lambda_runtime._PYTHON_WORKER_SCRIPT


def let_items_expire() -> None:
    """CloudFormation sets a table's TimeToLiveSpecification; ministack's passes over it, so nothing would expire."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::DynamoDB::Table"]
    create, update = handlers["create"], handlers["update"]

    def create_with_expiry(logical_id: str, props: dict[str, Any], stack_name: str) -> Any:
        made = create(logical_id, props, stack_name)
        _set_expiry(made[0], props)
        return made

    def update_with_expiry(name: str, old: dict[str, Any], new: dict[str, Any], stack: str, logical_id: str) -> Any:
        made = update(name, old, new, stack, logical_id)
        _set_expiry(made[0], new)
        return made

    handlers.update(create=create_with_expiry, update=update_with_expiry)


def _set_expiry(table_name: str, props: dict[str, Any]) -> None:
    if expiry := props.get("TimeToLiveSpecification"):
        # A template may say true as text; the API may not.
        enabled = str(expiry.get("Enabled", True)).lower() == "true"
        dynamodb._update_ttl(
            {"TableName": table_name, "TimeToLiveSpecification": {**expiry, "Enabled": enabled}},
        )


def throttle_by_the_authorisers_key() -> None:
    """Where an API's key source is AUTHORIZER, API Gateway takes the key from the authoriser's usageIdentifierKey;
    ministack's CloudFormation forgets that setting and its gateway looks at X-API-Key only. Usage plans, and with them
    throttling per partner, would refuse every call.
    """
    key_of_caller: ContextVar[str | None] = ContextVar("key_of_caller", default=None)
    handlers = provisioners._RESOURCE_HANDLERS["AWS::ApiGateway::RestApi"]
    create, invoke_authoriser = handlers["create"], apigateway_v1._invoke_authorizer_lambda
    authorise, key_from_header = apigateway_v1._authorize_request_v1, apigateway_v1._api_key_from_request

    def create_with_key_source(logical_id: str, props: dict[str, Any], stack_name: str) -> Any:
        made = create(logical_id, props, stack_name)
        apigateway_v1._rest_apis[made[0]]["apiKeySource"] = props.get("ApiKeySourceType", "HEADER")
        return made

    async def authorise_anew(api_id: str, *arguments: Any) -> Any:
        source = apigateway_v1._rest_apis[api_id].get("apiKeySource")
        key_of_caller.set("" if source == "AUTHORIZER" else None)
        return await authorise(api_id, *arguments)

    async def keep_key(*arguments: Any) -> Any:
        result = await invoke_authoriser(*arguments)
        if key_of_caller.get() is not None and isinstance(result, dict) and isinstance(result.get("body"), dict):
            key_of_caller.set(result["body"].get("usageIdentifierKey", ""))
        return result

    def key_of(headers: dict[str, str]) -> str:
        key = key_of_caller.get()
        return str(key_from_header(headers)) if key is None else key

    handlers["create"] = create_with_key_source
    apigateway_v1._authorize_request_v1 = authorise_anew
    apigateway_v1._invoke_authorizer_lambda = keep_key
    apigateway_v1._api_key_from_request = key_of


def take_loopback_for_tls() -> None:
    """The queues' policies refuse whoever comes without TLS. Here everybody comes over HTTP on the loopback interface,
    which nobody else can read: it counts as secure transport, so that the policies can stay as they are on AWS.
    """
    from ministack import app

    def pin_secure_origin(source_ip: str, _secure_transport: bool) -> None:
        iam_evaluator.pin_request_origin(source_ip, True)

    app.pin_request_origin = pin_secure_origin


def refuse_overlapping_updates() -> None:
    """DynamoDB refuses an UpdateExpression that writes a path twice, or a path and a part of it; ministack applies
    both, so that such an update would fail on AWS only.
    """
    apply = dynamodb._apply_update_expression

    def apply_checked(
        item: Any, expression: str, values: Any, names: Any, updated: set[Any] | None = None
    ) -> tuple[Any, set[Any]]:
        seen: list[list[str | int]] = []
        for path in _written_paths(expression, names or {}):
            for other in seen:
                if path[: len(other)] == other or other[: len(path)] == path:
                    raise ValueError(
                        "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite "
                        f"one of these paths; path one: {other}, path two: {path}"
                    )
            seen.append(path)
        result: tuple[Any, set[Any]] = apply(item, expression, values, names, updated)
        return result

    dynamodb._apply_update_expression = apply_checked


def _written_paths(expression: str, names: dict[str, str]) -> Iterator[list[str | int]]:
    """Yield the path at the head of every action of an update expression."""
    depth, head = 0, False
    tokens = dynamodb._tokenize(expression)
    for position, (kind, text, *_) in enumerate(tokens):
        depth += (kind == "LPAREN") - (kind == "RPAREN")
        if (kind == "IDENT" and text.upper() in ("SET", "REMOVE", "ADD", "DELETE")) or (kind == "COMMA" and depth == 0):
            head = True
        elif head:
            head = False
            yield dynamodb._parse_path_from_tokens(tokens[position:], names)
