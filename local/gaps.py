"""The gaps of ministack 1.5.33 that stand in our way, mended from outside when its server starts.

Each mend says what AWS does, what ministack does, and why we need it. tests/local/test_gaps.py probes a mended and an
unmended server: as soon as the unmended one behaves properly, the test of that gap fails and its mend can go.

Known and left open: headers arrive in lower case (AWS keeps the sender's case, so code must read them
case-insensitively); a function that raises answers 502 with its own text (AWS hides it); state does not outlive the
server.
"""

from __future__ import annotations

import io
import os
import queue
import subprocess
import sys
import sysconfig
import threading
import time
import zipfile
from collections.abc import Iterator
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ministack.core import iam_actions, iam_evaluator, lambda_runtime
from ministack.services import apigateway_v1, dynamodb, lambda_svc
from ministack.services.cloudformation import provisioners

from local.worker_forge import Forge

RUNTIME_PACKAGES = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six.py", "urllib3")
"""What AWS's Python runtime brings besides the standard library."""
END_OF_LOG = "\0end of log"
LOG_WAIT_S, LOG_LOOK_S = 10.0, 0.25
"""For the end of a log of a worker that lives, and between two looks whether it does."""


def mend(folder: Path) -> None:
    """Apply every mend to the ministack that this process has imported. Some keep files in `folder`."""
    end_the_log_with_the_invocation()
    keep_a_worker_whose_handler_raised()
    hide_the_developers_packages(folder / "runtime")
    unpack_a_layer_once(folder / "layers")
    fork_workers_that_share_layers(folder / "runtime")
    let_items_expire()
    throttle_by_the_authorisers_key()
    take_loopback_for_tls()
    refuse_overlapping_updates()
    read_an_expression_once()
    stand_alarms_on_one_metric()
    grant_batches_to_who_may_send()
    work_message_groups_side_by_side()
    look_for_messages_at_once()


def end_the_log_with_the_invocation() -> None:
    """ministack guesses when a handler has logged its last line: a silent handler costs 50 ms more than one that logs,
    and lines that come late are seen with the next invocation only. The worker says itself when it is done.
    """
    lambda_runtime._PYTHON_WORKER_SCRIPT = lambda_runtime._PYTHON_WORKER_SCRIPT.replace(
        "            result = handler_fn(event, context)\n",
        "            try:\n"
        "                result = handler_fn(event, context)\n"
        "            finally:\n"
        f"                print({END_OF_LOG!r}, file=sys.stderr, flush=True)\n",
    )

    def drain(worker: lambda_runtime.Worker) -> str:
        lines: list[str] = []
        give_up_at = time.monotonic() + LOG_WAIT_S
        while not lines or lines[-1] != END_OF_LOG:
            try:
                lines.append(worker._stderr_queue.get(timeout=LOG_LOOK_S))
            except queue.Empty:
                has_died = worker._proc is None or worker._proc.poll() is not None
                if has_died or time.monotonic() > give_up_at:
                    return "\n".join(lines)
        return "\n".join(lines[:-1])

    lambda_runtime.Worker._drain_stderr_bounded = drain


def keep_a_worker_whose_handler_raised() -> None:
    """On AWS an execution environment outlives a handler's exception; ministack ends the worker, and the next call is a
    cold start. Every 401 would cause one, because an authoriser refuses by raising. The worker hands the exception over
    as a result, which becomes an error again on this side.
    """
    invoke = lambda_runtime.Worker.invoke
    lambda_runtime._PYTHON_WORKER_SCRIPT = lambda_runtime._PYTHON_WORKER_SCRIPT.replace(
        '{"status": "error", "error": str(e), "trace": traceback.format_exc()}',
        '{"status": "ok", "raised": str(e), "trace": traceback.format_exc()}',
    )

    def invoke_and_keep(worker: lambda_runtime.Worker, *arguments: Any, **options: Any) -> dict[str, Any]:
        answer: dict[str, Any] = invoke(worker, *arguments, **options)
        if "raised" in answer:
            answer |= {"status": "error", "error": answer["raised"]}
        return answer

    lambda_runtime.Worker.invoke = invoke_and_keep


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


def unpack_a_layer_once(layers: Path) -> None:
    """AWS mounts a layer; ministack unpacks it anew for every worker, which costs the server itself half a second and
    twenty megabytes each time. A version of a layer never changes, so one folder serves all workers.
    """
    spawn, unpacking = lambda_runtime.Worker._spawn, threading.Lock()

    def folder_of(layer_arn: str) -> Path:
        folder = layers / layer_arn.replace(":", "_")
        with unpacking:
            if not folder.exists():
                unfinished = folder.with_suffix(".unfinished")
                with zipfile.ZipFile(io.BytesIO(lambda_svc._resolve_layer_zip(layer_arn))) as archive:
                    archive.extractall(unfinished)
                unfinished.rename(folder)
        return folder

    def spawn_with_shared_layers(worker: lambda_runtime.Worker) -> None:
        config = dict(worker.config)
        arns = [each if isinstance(each, str) else each["Arn"] for each in config.pop("Layers", [])]
        if arns:
            variables = dict(config.get("Environment", {}).get("Variables", {}))
            variables["_LAMBDA_LAYERS_DIRS"] = os.pathsep.join(str(folder_of(arn)) for arn in arns)
            worker.config = {**config, "Environment": {"Variables": variables}}
        spawn(worker)

    lambda_runtime.Worker._spawn = spawn_with_shared_layers


def fork_workers_that_share_layers(runtime: Path) -> None:
    """AWS starts a function from a machine that stands ready; ministack starts an interpreter for every worker, which
    costs it half a second of processor. Those that share their layers begin as copies of one that has imported them.
    """
    if sys.platform != "linux":
        return
    usual, starting, forges = subprocess.Popen, threading.Lock(), dict[str, Forge]()

    def start(command: list[str], *, env: dict[str, str], cwd: str, **options: Any) -> Any:
        layers = env.get("_LAMBDA_LAYERS_DIRS", "")
        if command[0] != sys.executable or not layers:
            return usual(command, env=env, cwd=cwd, **options)
        with starting:
            if layers not in forges or not forges[layers].is_running:
                forges[layers] = Forge(layers.split(os.pathsep), str(runtime))
        return forges[layers].start(command[1], cwd, env)

    lambda_runtime.subprocess = SimpleNamespace(**{**vars(subprocess), "Popen": start})


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


def read_an_expression_once() -> None:
    """ministack takes an expression to pieces and checks its grammar anew for every item that it is held against; in a
    night of charging that is a tenth of all its work. The same text always reads the same.
    """
    tokens_of = lru_cache(maxsize=1000)(dynamodb._tokenize)
    dynamodb._tokenize = lambda expression: list(tokens_of(expression))
    dynamodb._condition_syntax_error = lru_cache(maxsize=1000)(dynamodb._condition_syntax_error)


def stand_alarms_on_one_metric() -> None:
    """CloudWatch alarms may compute over several metrics; ministack refuses a stack with such an alarm. Nobody is woken
    by the embedded cloud, so the alarm watches the first metric of its sum.
    """
    record = provisioners._cw_metric_alarm_record

    def record_first_metric(name: str, props: dict[str, Any]) -> Any:
        queries = [query["MetricStat"] for query in props.get("Metrics", []) if "MetricStat" in query]
        if not queries:
            return record(name, props)
        first = queries[0]
        plain = {key: value for key, value in props.items() if key != "Metrics"}
        return record(name, {**plain, **first["Metric"], "Statistic": first["Stat"], "Period": first["Period"]})

    provisioners._cw_metric_alarm_record = record_first_metric


def grant_batches_to_who_may_send() -> None:
    """Whoever may send a message to a queue may send a batch of them: IAM knows no action of SQS for batches, but
    ministack asks for one, so that a policy that is right on AWS would refuse every batch.
    """
    action_of = iam_actions.extract_iam_action

    def action_without_batch(service: str, *request: Any) -> str | None:
        action: str | None = action_of(service, *request)
        return action.removesuffix("Batch") if action and service == "sqs" else action

    iam_actions.extract_iam_action = action_without_batch


def work_message_groups_side_by_side() -> None:
    """AWS works a FIFO queue's message groups side by side, each in order; ministack works one batch at a time, though
    its queue holds back every group that has a message in flight. More batches than processors would gain nothing.
    """
    usual = lambda_svc._sqs_esm_concurrency
    processors = os.cpu_count() or 1

    def concurrency(
        esm: dict[str, Any], function: dict[str, Any], config: dict[str, Any], queue: dict[str, Any] | None = None
    ) -> int:
        limit = int(usual(esm, function, config, None))
        return min(limit, processors) if (queue or {}).get("is_fifo") else limit

    lambda_svc._sqs_esm_concurrency = concurrency


def look_for_messages_at_once() -> None:
    """AWS's pollers wait at the queue and take a message within milliseconds; ministack's, once it was woken for
    nothing, as it is by every message that is still being worked, sleeps 50 ms before it looks again.
    """
    lambda_svc._ESM_IDLE_WAKE_GAP_SECONDS = 0.002
