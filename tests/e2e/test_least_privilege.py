"""IAM is enforced in the deployed stack: each function may do its own work and nothing else."""

from __future__ import annotations

import io
import json
import secrets
import zipfile
from typing import Any

import pytest

from tests.e2e.scene import Scene

PROBE = """
import boto3
from botocore.exceptions import ClientError

def handler(calls, _):
    outcomes = []
    for service, operation, arguments in calls:
        try:
            getattr(boto3.client(service), operation)(**arguments)
            outcomes.append("done")
        except ClientError as error:
            outcomes.append(error.response["Error"]["Code"])
    return outcomes
"""

DENIED = {"AccessDeniedException", "AccessDenied", "AuthorizationError"}


def attempt(scene: Scene, role_of: str, *calls: tuple[str, str, dict[str, Any]]) -> list[str]:
    """Make calls under the role of a function; return "done" or the error's code for each."""
    functions = scene.cloud.client("lambda")
    role = functions.get_function_configuration(FunctionName=scene.cloud.deployed.function(role_of))["Role"]
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("probe.py", PROBE)
    name = f"probe-{secrets.token_hex(4)}"
    functions.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=role,
        Handler="probe.handler",
        Code={"ZipFile": package.getvalue()},
        Timeout=30,
    )
    try:
        answer = functions.invoke(FunctionName=name, Payload=json.dumps(calls))
        return list(json.loads(answer["Payload"].read()))
    finally:
        functions.delete_function(FunctionName=name)


def read(scene: Scene, table: str, **key: str) -> tuple[str, str, dict[str, Any]]:
    typed = {name: {"S": value} for name, value in key.items()}
    return "dynamodb", "get_item", {"TableName": scene.stage.table(table).name, "Key": typed}


def write(scene: Scene, table: str, **key: str) -> tuple[str, str, dict[str, Any]]:
    typed = {name: {"S": value} for name, value in key.items()}
    return "dynamodb", "put_item", {"TableName": scene.stage.table(table).name, "Item": typed}


def send(scene: Scene, queue: str) -> tuple[str, str, dict[str, Any]]:
    fifo = {"MessageGroupId": "probe", "MessageDeduplicationId": secrets.token_hex(8)} if queue == "plan" else {}
    return "sqs", "send_message", {"QueueUrl": scene.cloud.deployed.queue(queue), "MessageBody": "{}", **fifo}


def test_a_function_may_do_what_it_was_granted(scene: Scene) -> None:
    row = {"pk": "probe", "sk": "probe"}
    outcomes = attempt(scene, "ocpi_sessions", read(scene, "partners", **row), write(scene, "sessions", **row))
    assert outcomes == ["done", "done"]


@pytest.mark.parametrize("function", ["ocpi_versions", "replan_sessions", "ocpi_sessions", "plan_sessions"])
def test_only_who_keeps_partners_may_write_them(scene: Scene, function: str) -> None:
    [outcome] = attempt(scene, function, write(scene, "partners", pk="probe", sk="probe"))
    assert outcome in DENIED


def test_a_function_may_not_do_anothers_work(scene: Scene) -> None:
    row = {"pk": "probe", "sk": "probe"}
    outcomes = attempt(
        scene,
        "ocpi_versions",
        read(scene, "sessions", **row),
        read(scene, "profile_requests", request_id="probe"),
        read(scene, "prices", **row),
        send(scene, "plan"),
        send(scene, "send"),
        send(scene, "replan"),
    )
    assert set(outcomes) <= DENIED


def test_nobody_may_scan_or_drop_a_table(scene: Scene) -> None:
    table = {"TableName": scene.stage.table("sessions").name}
    outcomes = attempt(scene, "plan_sessions", ("dynamodb", "scan", table), ("dynamodb", "delete_table", table))
    assert set(outcomes) <= DENIED


def test_only_who_calls_partners_may_read_their_tokens(scene: Scene) -> None:
    partner = scene.partner()
    row = scene.stage.table("partners").get({"pk": f"PARTNER#{partner.partner_id}", "sk": "TOKENS"})
    assert row is not None
    assert partner.token_b not in json.dumps(row, default=str)
    functions = scene.cloud.client("lambda")
    name = scene.cloud.deployed.function("send_profiles")
    key = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]["TOKEN_KEY_ID"]
    encrypt = ("kms", "encrypt", {"KeyId": key, "Plaintext": "token"})
    for function in ("ocpi_sessions", "plan_sessions", "authorise", "sweep_sessions"):
        assert attempt(scene, function, encrypt)[0] in DENIED
    for function in ("ocpi_credentials", "send_profiles"):
        assert attempt(scene, function, encrypt) == ["done"]
