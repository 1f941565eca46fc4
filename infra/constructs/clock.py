"""EventBridge schedules that invoke functions with {}, through a role that may invoke these functions only."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from infra import routes
from infra.constructs.acknowledge import acknowledge
from infra.constructs.function import Function
from infra.constructs.names import pascal


class Clocks(Construct):
    """A tick that fails is not repeated: the next one finds what it left, because each looks at the tables."""

    def __init__(
        self, scope: Construct, name: str, clocks: tuple[routes.Clock, ...], functions: Mapping[str, Function]
    ) -> None:
        super().__init__(scope, name)
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal(
                "scheduler.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            ),
        )
        for clock in clocks:
            function = functions[clock.function].function
            role.add_to_policy(
                iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[function.function_arn])
            )
            invocation = lambda_.EventInvokeConfig(
                self,
                f"{pascal(clock.name)}Invocation",
                function=function,
                retry_attempts=0,
                max_event_age=Duration.minutes(1),
            )
            acknowledge(
                invocation,
                {
                    ("Serverless-LambdaAsyncFailureDestination",): "A tick carries nothing: its failure rings the "
                    "function's alarm, and the next tick finds the same work in the tables."
                },
            )
            scheduler.CfnSchedule(
                self,
                pascal(clock.name),
                description=f"Invokes {clock.function}",
                schedule_expression=clock.schedule,
                flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
                target=scheduler.CfnSchedule.TargetProperty(
                    arn=function.function_arn,
                    role_arn=role.role_arn,
                    input="{}",
                    retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                        maximum_retry_attempts=1, maximum_event_age_in_seconds=60
                    ),
                ),
            )
