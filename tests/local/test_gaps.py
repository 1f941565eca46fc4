"""Each gap of the embedded AWS, probed twice: mended, it behaves as AWS does; unmended, it still does not.

When a probe of the unmended server succeeds, a newer ministack has closed the gap: remove the mend and its test.
"""

from __future__ import annotations

import base64
import io
import json
import secrets
import sys
import textwrap
import time
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError

from local.cloud_server import REGION, CloudServer

Probe = Callable[[CloudServer], bool]


@pytest.fixture(scope="module")
def mended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudServer]:
    server = CloudServer.start(tmp_path_factory.mktemp("mended"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def unmended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudServer]:
    server = CloudServer.start(tmp_path_factory.mktemp("unmended"), mended=False)
    yield server
    server.stop()


def answers_a_silent_handler_at_once(server: CloudServer) -> bool:
    name = _function(server, "def handler(event, context): return event")
    _invoke(server, name)  # the cold start
    durations = []
    for _ in range(5):
        began = time.perf_counter()
        _invoke(server, name)
        durations.append(time.perf_counter() - began)
    return min(durations) < 0.04


def has_the_log_once_it_has_the_answer(server: CloudServer) -> bool:
    name = _function(server, "def handler(event, context):\n    for line in range(200): print(line)")
    for _ in range(3):
        tail = server.client("lambda").invoke(FunctionName=name, Payload=b"{}", LogType="Tail")["LogResult"]
        if "199" not in base64.b64decode(tail).decode().split():
            return False
    return True


def test_every_line_of_an_invocation_is_in_its_own_log(mended: CloudServer) -> None:
    assert has_the_log_once_it_has_the_answer(mended)


def remembers_what_came_before_an_exception(server: CloudServer) -> bool:
    name = _function(
        server,
        """
        calls = []
        def handler(event, context):
            calls.append(event)
            if len(calls) == 1:
                raise ValueError("first")
            return len(calls)
        """,
    )
    failed = server.client("lambda").invoke(FunctionName=name, Payload=b"{}")
    assert "first" in json.loads(failed["Payload"].read())["errorMessage"]
    assert failed["FunctionError"]
    return bool(_invoke(server, name) == 2)


def hides_what_is_installed_beside_it(server: CloudServer) -> bool:
    name = _function(
        server,
        """
        def handler(event, context):
            import boto3
            try:
                import ministack
            except ImportError:
                return "hidden"
            return "visible"
        """,
    )
    return bool(_invoke(server, name) == "hidden")


def shares_a_layer_between_workers(server: CloudServer) -> bool:
    layer = server.client("lambda").publish_layer_version(
        LayerName=f"layer-{secrets.token_hex(4)}", Content={"ZipFile": _zip("python/shared.py", "answer = 42")}
    )
    source = """
        def handler(event, context):
            import shared
            assert shared.answer == 42
            return shared.__file__
        """
    names = [_function(server, source, layer["LayerVersionArn"]) for _ in range(2)]
    first, second = (_invoke(server, name) for name in names)
    return bool(first == second)


def starts_workers_with_the_same_layers_as_copies_of_one(server: CloudServer) -> bool:
    layer = server.client("lambda").publish_layer_version(
        LayerName=f"layer-{secrets.token_hex(4)}", Content={"ZipFile": _zip("python/shared.py", "")}
    )
    source = """
        import os
        import sys
        def handler(event, context):
            return [os.environ["AWS_LAMBDA_FUNCTION_NAME"], os.getppid(), "boto3" in sys.modules]
        """
    names = [_function(server, source, layer["LayerVersionArn"]) for _ in range(2)]
    (one, parent, has_imported), (other, same_parent, _) = (_invoke(server, name) for name in names)
    assert [one, other] == names, "each has an environment of its own"
    return bool(parent == same_parent != server.program.pid and has_imported)


def lets_cloudformation_set_the_time_to_live(server: CloudServer) -> bool:
    outputs = _deploy(
        server,
        {
            "Table": {
                "Type": "AWS::DynamoDB::Table",
                "Properties": {
                    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
                    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
                    "BillingMode": "PAY_PER_REQUEST",
                    "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True},
                },
            }
        },
        {"Table": {"Ref": "Table"}},
    )
    answer = server.client("dynamodb").describe_time_to_live(TableName=outputs["Table"])
    return bool(answer["TimeToLiveDescription"]["TimeToLiveStatus"] == "ENABLED")


def throttles_by_the_key_that_the_authoriser_names(server: CloudServer) -> bool:
    key = secrets.token_hex(12)
    function = _function(
        server,
        f"""
        def handler(event, context):
            if event.get("type") != "REQUEST":
                return {{"statusCode": 200, "body": "reached"}}
            statement = {{"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": event["methodArn"]}}
            return {{
                "principalId": "partner",
                "policyDocument": {{"Version": "2012-10-17", "Statement": [statement]}},
                "usageIdentifierKey": {key!r},
            }}
        """,
    )
    outputs = _deploy(server, _api_behind_an_authoriser(function), {"Api": {"Ref": "Api"}, "Plan": {"Ref": "Plan"}})
    gateway = server.client("apigateway")
    key_id = gateway.create_api_key(name=key, value=key, enabled=True)["id"]
    gateway.create_usage_plan_key(usagePlanId=outputs["Plan"], keyId=key_id, keyType="API_KEY")
    url = f"{server.url}/restapis/{outputs['Api']}/local/_user_request_/"
    return [httpx.get(url, timeout=60, trust_env=False).status_code for _ in range(3)] == [200, 200, 429]


def takes_loopback_for_tls(server: CloudServer) -> bool:
    sqs = server.client("sqs")
    url = sqs.create_queue(QueueName=f"queue-{secrets.token_hex(4)}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    only_tls = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:*",
        "Resource": arn,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [only_tls]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    try:
        sqs.send_message(QueueUrl=url, MessageBody="{}")
    except ClientError:
        return False
    return True


def grants_batches_to_who_may_send(server: CloudServer) -> bool:
    iam, name = server.client("iam"), f"user-{secrets.token_hex(4)}"
    statement = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}
    iam.create_user(UserName=name)
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName=name, PolicyName="sends", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    queue = server.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    sqs = boto3.client(
        "sqs",
        endpoint_url=server.url,
        region_name=REGION,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    sqs.send_message(QueueUrl=queue, MessageBody="one")
    try:
        sqs.send_message_batch(QueueUrl=queue, Entries=[{"Id": "1", "MessageBody": "two"}])
    except ClientError:
        return False
    return True


def works_two_message_groups_side_by_side(server: CloudServer) -> bool:
    sqs, name = server.client("sqs"), f"groups-{secrets.token_hex(4)}.fifo"
    url = sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true", "VisibilityTimeout": "60"})["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    worker = _function(server, "import time\ndef handler(event, context): time.sleep(2)")
    mapping = {"FunctionName": worker, "EventSourceArn": arn, "BatchSize": 1}
    server.client("lambda").create_event_source_mapping(**mapping)
    for group in ("one", "two"):
        sqs.send_message(QueueUrl=url, MessageBody="{}", MessageGroupId=group, MessageDeduplicationId=group)
    most = 0
    for _ in range(30):
        counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        most = max(most, int(counts["ApproximateNumberOfMessagesNotVisible"]))
        time.sleep(0.05)
    return most == 2


@pytest.mark.parametrize(
    "update",
    ["SET a = :v REMOVE a", "SET a.b = :v, a = :v", "SET a = if_not_exists(a, :v), c = :v ADD c :v", "REMOVE a, #a.b"],
)
def test_an_update_that_writes_a_path_twice_is_refused(mended: CloudServer, unmended: CloudServer, update: str) -> None:
    def refuses_it(server: CloudServer) -> bool:
        dynamodb, table = server.client("dynamodb"), _table(server)
        names = {"ExpressionAttributeNames": {"#a": "a"}} if "#a" in update else {}
        values = {"ExpressionAttributeValues": {":v": {"N": "1"}}} if ":v" in update else {}
        try:
            dynamodb.update_item(TableName=table, Key={"pk": {"S": "1"}}, UpdateExpression=update, **names, **values)
        except ClientError as error:
            return "overlap" in str(error)
        return False

    _holds_only_where_mended(refuses_it, mended, unmended)


def test_updates_of_paths_that_do_not_overlap_pass(mended: CloudServer) -> None:
    dynamodb, table = mended.client("dynamodb"), _table(mended)
    dynamodb.put_item(TableName=table, Item={"pk": {"S": "1"}, "tariff": {"M": {}}, "parts": {"L": [{"N": "1"}]}})
    dynamodb.update_item(
        TableName=table,
        Key={"pk": {"S": "1"}},
        UpdateExpression="SET tariff.a = if_not_exists(tariff.a, :v), tariff.ab = :v, #n = list_append(parts, :l) "
        "REMOVE gone",
        ExpressionAttributeNames={"#n": "new"},
        ExpressionAttributeValues={":v": {"N": "1"}, ":l": {"L": []}},
    )
    item = dynamodb.get_item(TableName=table, Key={"pk": {"S": "1"}})["Item"]
    assert item["tariff"] == {"M": {"a": {"N": "1"}, "ab": {"N": "1"}}}
    assert item["new"] == {"L": [{"N": "1"}]}


def accepts_an_alarm_over_several_metrics(server: CloudServer) -> bool:
    def metric(name: str) -> dict[str, Any]:
        return {
            "Id": name.lower(),
            "MetricStat": {
                "Metric": {"Namespace": "AWS/Lambda", "MetricName": name},
                "Period": 300,
                "Stat": "Sum",
            },
            "ReturnData": False,
        }

    alarm = {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "EvaluationPeriods": 1,
            "Threshold": 1,
            "Metrics": [
                metric("Errors"),
                metric("Throttles"),
                {"Id": "sum", "Expression": "errors + throttles"},
            ],
        },
    }
    try:
        _deploy(server, {"Alarm": alarm}, {"Alarm": {"Ref": "Alarm"}})
    except AssertionError:
        return False
    return True


@pytest.mark.parametrize(
    "probe",
    [
        answers_a_silent_handler_at_once,
        remembers_what_came_before_an_exception,
        hides_what_is_installed_beside_it,
        shares_a_layer_between_workers,
        pytest.param(
            starts_workers_with_the_same_layers_as_copies_of_one,
            marks=pytest.mark.skipif(sys.platform != "linux", reason="only Linux hands files over like that"),
        ),
        lets_cloudformation_set_the_time_to_live,
        throttles_by_the_key_that_the_authoriser_names,
        takes_loopback_for_tls,
        accepts_an_alarm_over_several_metrics,
        grants_batches_to_who_may_send,
        works_two_message_groups_side_by_side,
    ],
)
def test_a_gap_is_mended_and_would_still_be_there(probe: Probe, mended: CloudServer, unmended: CloudServer) -> None:
    _holds_only_where_mended(probe, mended, unmended)


def _holds_only_where_mended(probe: Probe, mended: CloudServer, unmended: CloudServer) -> None:
    assert probe(mended), f"{probe.__name__}: the mend does not work"
    assert not probe(unmended), f"{probe.__name__}: ministack does this by itself now, the mend can go"


def _zip(path: str, content: str) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        package.writestr(path, content)
    return archive.getvalue()


def _function(server: CloudServer, source: str, *layers: str) -> str:
    """Make a function of indented source and return its name."""
    name = f"function-{secrets.token_hex(4)}"
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = server.client("iam").create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )
    server.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=role["Role"]["Arn"],
        Handler="index.handler",
        Code={"ZipFile": _zip("index.py", textwrap.dedent(source))},
        Layers=list(layers),
    )
    server.client("lambda").add_permission(
        FunctionName=name, StatementId="api", Action="lambda:InvokeFunction", Principal="apigateway.amazonaws.com"
    )
    return name


def _invoke(server: CloudServer, name: str) -> Any:
    return json.loads(server.client("lambda").invoke(FunctionName=name, Payload=b"{}")["Payload"].read())


def _table(server: CloudServer) -> str:
    name = f"table-{secrets.token_hex(4)}"
    server.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )
    return name


def _deploy(server: CloudServer, resources: dict[str, Any], outputs: dict[str, Any]) -> dict[str, str]:
    """Create a stack and return its outputs."""
    cloudformation, name = server.client("cloudformation"), f"stack-{secrets.token_hex(4)}"
    template = {"Resources": resources, "Outputs": {key: {"Value": value} for key, value in outputs.items()}}
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template))
    while True:
        [stack] = cloudformation.describe_stacks(StackName=name)["Stacks"]
        if not stack["StackStatus"].endswith("IN_PROGRESS"):
            break
        time.sleep(0.01)
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack.get("StackStatusReason")
    return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}


def _api_behind_an_authoriser(function: str) -> dict[str, Any]:
    """A REST API with one method, whose callers get two requests a second by the key that the authoriser names."""
    invocation = {
        "Fn::Sub": "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/"
        f"arn:aws:lambda:${{AWS::Region}}:${{AWS::AccountId}}:function:{function}/invocations"
    }
    api = {"Ref": "Api"}
    return {
        "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "api", "ApiKeySourceType": "AUTHORIZER"}},
        "Authoriser": {
            "Type": "AWS::ApiGateway::Authorizer",
            "Properties": {
                "Name": "authoriser",
                "RestApiId": api,
                "Type": "REQUEST",
                "AuthorizerResultTtlInSeconds": 0,
                "AuthorizerUri": invocation,
            },
        },
        "Get": {
            "Type": "AWS::ApiGateway::Method",
            "Properties": {
                "RestApiId": api,
                "ResourceId": {"Fn::GetAtt": ["Api", "RootResourceId"]},
                "HttpMethod": "GET",
                "ApiKeyRequired": True,
                "AuthorizationType": "CUSTOM",
                "AuthorizerId": {"Ref": "Authoriser"},
                "Integration": {"Type": "AWS_PROXY", "IntegrationHttpMethod": "POST", "Uri": invocation},
            },
        },
        "Deployment": {
            "Type": "AWS::ApiGateway::Deployment",
            "DependsOn": "Get",
            "Properties": {"RestApiId": api},
        },
        "Stage": {
            "Type": "AWS::ApiGateway::Stage",
            "Properties": {"RestApiId": api, "DeploymentId": {"Ref": "Deployment"}, "StageName": "local"},
        },
        "Plan": {
            "Type": "AWS::ApiGateway::UsagePlan",
            "DependsOn": "Stage",
            "Properties": {
                "ApiStages": [{"ApiId": api, "Stage": "local"}],
                "Throttle": {"RateLimit": 0.001, "BurstLimit": 2},
            },
        },
    }


def test_ministack_reads_an_expression_anew_for_every_item(monkeypatch: pytest.MonkeyPatch) -> None:
    """What read_an_expression_once mends, in this process, where nothing is mended."""
    from ministack.services import dynamodb

    read: list[str] = []
    check = dynamodb._condition_syntax_error

    def counted(expression: str, slot: str) -> str | None:
        read.append(expression)
        error: str | None = check(expression, slot)
        return error

    monkeypatch.setattr(dynamodb, "_condition_syntax_error", counted)
    for number in range(3):
        dynamodb._evaluate_condition("n = :one", {"n": {"N": str(number)}}, {":one": {"N": "1"}}, {})
    assert len(read) == 3, "ministack does this by itself now, the mend can go"


def test_ministack_sleeps_when_it_was_woken_for_nothing() -> None:
    """What look_for_messages_at_once mends, in this process, where nothing is mended."""
    from ministack.services import lambda_svc

    assert lambda_svc._ESM_IDLE_WAKE_GAP_SECONDS >= 0.05, "ministack looks again sooner by itself, the mend can go"
