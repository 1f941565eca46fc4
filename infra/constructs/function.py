"""A Lambda that may do nothing until it is granted; a grant also tells it the name of what it may use."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.constructs.acknowledge import acknowledge
from infra.constructs.layers import ARCHITECTURE, PROJECT, RUNTIME
from infra.constructs.names import pascal
from infra.constructs.queue import Queue
from infra.constructs.table import Table

FUNCTIONS = PROJECT / "functions"
LOG_RETENTION = logs.RetentionDays.ONE_MONTH

READ = ("dynamodb:GetItem", "dynamodb:Query")
WRITE = ("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:ConditionCheckItem")

# What DynamoDB asks of a caller whose table has a customer's key (Developer Guide, "DynamoDB encryption at rest").
READ_KEY = ("kms:Decrypt", "kms:DescribeKey")
WRITE_KEY = (
    *READ_KEY,
    "kms:Encrypt",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
)


class Tracing(iam.ManagedPolicy):
    """Lets functions send traces. X-Ray knows no resources, so this is the one policy that says "*"."""

    def __init__(self, scope: Construct, name: str) -> None:
        super().__init__(
            scope,
            name,
            statements=[
                iam.PolicyStatement(actions=["xray:PutTraceSegments", "xray:PutTelemetryRecords"], resources=["*"])
            ],
        )
        acknowledge(self, {("AwsSolutions-IAM5[Resource::*]",): "X-Ray's actions cannot be limited to a resource."})


class FunctionFileMissing(Exception):
    """No file in functions/ has the function's name."""


class Function(Construct):
    """The Lambda `name`, made of functions/NAME.py alone and the layers; its handler is NAME.handler."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        layers: Sequence[lambda_.ILayerVersion],
        tracing: iam.IManagedPolicy,
        environment: dict[str, str],
        timeout_s: int,
        memory_mb: int,
    ) -> None:
        """A function's share of a processor grows with its memory. Raises FunctionFileMissing."""
        super().__init__(scope, pascal(name))
        self.name = name
        file = FUNCTIONS / f"{name}.py"
        if not file.is_file():
            raise FunctionFileMissing(f"functions/{name}.py: infra names this function, but it has no file")
        log = logs.LogGroup(
            self, "Log", retention=LOG_RETENTION, removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
        )
        # Kept in the role itself: a policy beside it would be one more of the resources of which a stack holds 500.
        self._policy = iam.PolicyDocument()
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies={"Business": self._policy},
        )
        role.add_managed_policy(tracing)
        self.may(("logs:CreateLogStream", "logs:PutLogEvents"), log.log_group_arn)
        self.function = lambda_.Function(
            self,
            "Function",
            description=_first_line(file),
            runtime=RUNTIME,
            architecture=ARCHITECTURE,
            code=lambda_.Code.from_asset(str(FUNCTIONS), exclude=["*", f"!{name}.py"]),
            handler=f"{name}.handler",
            layers=list(layers),
            environment=environment,
            role=role,
            log_group=log,
            timeout=Duration.seconds(timeout_s),
            memory_size=memory_mb,
        )
        resource = self.function.node.default_child
        assert isinstance(resource, lambda_.CfnFunction)
        # Asked for on the L2, tracing would write X-Ray's Resource "*" into each function's own policy.
        resource.tracing_config = lambda_.CfnFunction.TracingConfigProperty(mode="Active")
        acknowledge(
            self.function,
            {
                ("AwsSolutions-L1", "Serverless-LambdaLatestVersion"): "The layer's wheels and the checks are for "
                "python3.13, which Lambda supports until 2029; both move on together.",
                ("Serverless-LambdaDLQ",): "Nothing is lost with an invocation: requests are answered with the error, "
                "messages stay in queues that have dead letters, and each tick of a clock reads all from the tables.",
            },
        )

    def can_read(self, *tables: Table) -> Self:
        """Get items and query, indexes included; no scan."""
        for table in tables:
            self.may(READ, table.table.table_arn, *table.index_arns)
            self._may_through_dynamodb(READ_KEY, table)
            self.knows(table.variable, table.table.table_name)
        return self

    def can_write(self, *tables: Table) -> Self:
        """Put, update and delete, alone or in transactions; reading is a grant of its own."""
        for table in tables:
            self.may(WRITE, table.table.table_arn)
            self._may_through_dynamodb(WRITE_KEY, table)
            self.knows(table.variable, table.table.table_name)
        return self

    def can_append(self, table: Table) -> Self:
        """Put rows, as part of a transaction with what they tell of, and query them. What is there cannot be updated or
        deleted; that it is not put over either, only a condition of the put itself can say."""
        self.may(("dynamodb:Query",), table.table.table_arn)
        self._policy.add_statements(
            iam.PolicyStatement(
                actions=["dynamodb:PutItem"],
                resources=[table.table.table_arn],
                conditions={"ForAnyValue:StringEquals": {"dynamodb:EnclosingOperation": ["TransactWriteItems"]}},
            )
        )
        self._may_through_dynamodb(WRITE_KEY, table)
        return self.knows(table.variable, table.table.table_name)

    def can_count(self, table: Table) -> Self:
        """Update rows, and read none."""
        self.may(("dynamodb:UpdateItem",), table.table.table_arn)
        self._may_through_dynamodb(WRITE_KEY, table)
        return self.knows(table.variable, table.table.table_name)

    def can_send(self, *queues: Queue) -> Self:
        for queue in queues:
            self.may(("sqs:SendMessage",), queue.queue.queue_arn)
            self.knows(queue.variable, queue.queue.queue_url)
        return self

    def can_use_key(self, key: kms.IKey, variable: str, *, encrypt: bool = True) -> Self:
        """Decrypt with a key, and encrypt unless told otherwise."""
        self.may(("kms:Decrypt", *(("kms:Encrypt",) if encrypt else ())), key.key_arn)
        return self.knows(variable, key.key_id)

    def may(self, actions: Sequence[str], *resources: str) -> Self:
        """Grant what has no name of its own here."""
        self._policy.add_statements(iam.PolicyStatement(actions=list(actions), resources=list(resources)))
        return self

    def knows(self, variable: str, value: str) -> Self:
        """Set one environment variable."""
        self.function.add_environment(variable, value)
        return self

    def _may_through_dynamodb(self, actions: Sequence[str], table: Table) -> None:
        """Use the table's key as DynamoDB does for its caller, and in no other way."""
        self._policy.add_statements(
            iam.PolicyStatement(
                actions=list(actions),
                resources=[table.key.key_arn],
                conditions={"StringEquals": {"kms:ViaService": f"dynamodb.{Stack.of(self).region}.amazonaws.com"}},
            )
        )


def _first_line(file: Path) -> str:
    """Return the first line of a module's docstring: what the function is for."""
    first = file.read_text().split("\n", 1)[0]
    return first.strip('"').strip()[:256]
