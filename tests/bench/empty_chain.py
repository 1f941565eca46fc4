"""The empty chain: as many hops of the same kinds as a session takes to its charger and back, with nothing in them.

API Gateway - authoriser - Lambda - FIFO queue - Lambda - standard queue - Lambda - HTTP, and for the result API Gateway
- authoriser - Lambda. A stack of its own beside Offpeak's, on the same layers, with the same batches and memory.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from local.cloud import Cloud

NAME = "EmptyChain"
API_ID = "empty-chain"
STAGE = "bench"
PASSING = Path(__file__).parent / "passing.py"
MEMORY_MB = {"authorise": 1024, "receive": 1024, "plan": 1024, "send": 512, "confirm": 1024}
"""Each function with the memory of its twin."""
ROUTES = {"receive": "messages", "confirm": "results"}

Resource = dict[str, Any]


def deploy(cloud: Cloud, at_once: int) -> str:
    """Create the stack with at most `at_once` copies of each queue's function; return the address of its API."""
    functions, cloudformation = cloud.client("lambda"), cloud.client("cloudformation")
    twin = functions.get_function_configuration(FunctionName=cloud.deployed.function("plan_sessions"))
    body = json.dumps(template([layer["Arn"] for layer in twin["Layers"]], at_once))
    cloudformation.create_stack(StackName=NAME, TemplateBody=body, Capabilities=["CAPABILITY_IAM"])
    status = "CREATE_IN_PROGRESS"
    while status == "CREATE_IN_PROGRESS":
        time.sleep(0.05)
        status = cloudformation.describe_stacks(StackName=NAME)["Stacks"][0]["StackStatus"]
    if status != "CREATE_COMPLETE":
        events = cloudformation.describe_stack_events(StackName=NAME)["StackEvents"]
        raise RuntimeError(f"the empty chain is {status}: {[each.get('ResourceStatusReason') for each in events]}")
    return f"{cloud.server.url}/restapis/{API_ID}/{STAGE}/_user_request_"


def template(layers: list[str], at_once: int) -> Resource:
    """Return the stack as CloudFormation has it."""
    return {
        "Resources": {
            "Role": _role(),
            "First": {"Type": "AWS::SQS::Queue", "Properties": {"FifoQueue": True, "VisibilityTimeout": 180}},
            "Second": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 60}},
            **{f"{name.capitalize()}Function": _function(name, layers) for name in MEMORY_MB},
            "PlanWorker": _worker("Plan", "First", batch_size=10, at_once=at_once),
            "SendWorker": _worker("Send", "Second", batch_size=1, at_once=at_once),
            **_api(),
        }
    }


def _role() -> Resource:
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    queues = {"Effect": "Allow", "Action": "sqs:*", "Resource": [_arn("First"), _arn("Second")]}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
            "Policies": [
                {"PolicyName": "Queues", "PolicyDocument": {"Version": "2012-10-17", "Statement": [queues]}},
            ],
        },
    }


def _function(name: str, layers: list[str]) -> Resource:
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Runtime": "python3.13",
            "Architectures": ["arm64"],
            "Handler": f"index.{name}",
            "Code": {"ZipFile": PASSING.read_text()},
            "Layers": layers,
            "MemorySize": MEMORY_MB[name],
            "Timeout": 10,
            "Role": _arn("Role"),
            "Environment": {
                "Variables": {"FIRST_QUEUE_URL": {"Ref": "First"}, "SECOND_QUEUE_URL": {"Ref": "Second"}},
            },
        },
    }


def _worker(function: str, queue: str, *, batch_size: int, at_once: int) -> Resource:
    return {
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {
            "FunctionName": {"Ref": f"{function}Function"},
            "EventSourceArn": _arn(queue),
            "BatchSize": batch_size,
            "ScalingConfig": {"MaximumConcurrency": at_once},
        },
    }


def _api() -> dict[str, Resource]:
    api = {"Ref": "Api"}
    resources: dict[str, Resource] = {
        "Api": {
            "Type": "AWS::ApiGateway::RestApi",
            "Properties": {"Name": NAME, "Tags": [{"Key": "ms-custom-id", "Value": API_ID}]},
        },
        "Authoriser": {
            "Type": "AWS::ApiGateway::Authorizer",
            "Properties": {
                "Name": "everybody",
                "RestApiId": api,
                "Type": "REQUEST",
                "AuthorizerResultTtlInSeconds": 0,
                "AuthorizerUri": _invocation("authorise"),
            },
        },
        "Deployment": {
            "Type": "AWS::ApiGateway::Deployment",
            "Properties": {"RestApiId": api},
            "DependsOn": [f"{path}Method" for path in ROUTES.values()],
        },
        "Stage": {
            "Type": "AWS::ApiGateway::Stage",
            "Properties": {"RestApiId": api, "DeploymentId": {"Ref": "Deployment"}, "StageName": STAGE},
        },
    }
    for name, path in ROUTES.items():
        resources[f"{path}Path"] = {
            "Type": "AWS::ApiGateway::Resource",
            "Properties": {
                "RestApiId": api,
                "ParentId": {"Fn::GetAtt": ["Api", "RootResourceId"]},
                "PathPart": path,
            },
        }
        resources[f"{path}Method"] = {
            "Type": "AWS::ApiGateway::Method",
            "Properties": {
                "RestApiId": api,
                "ResourceId": {"Ref": f"{path}Path"},
                "HttpMethod": "POST",
                "AuthorizationType": "CUSTOM",
                "AuthorizerId": {"Ref": "Authoriser"},
                "Integration": {"Type": "AWS_PROXY", "IntegrationHttpMethod": "POST", "Uri": _invocation(name)},
            },
        }
    for name in ("authorise", *ROUTES):
        resources[f"{name}Permission"] = {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": {"Ref": f"{name.capitalize()}Function"},
                "Principal": "apigateway.amazonaws.com",
            },
        }
    return resources


def _arn(name: str) -> Resource:
    return {"Fn::GetAtt": [name, "Arn"]}


def _invocation(function: str) -> Resource:
    path = "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions"
    return {"Fn::Sub": f"{path}/${{{function.capitalize()}Function.Arn}}/invocations"}
