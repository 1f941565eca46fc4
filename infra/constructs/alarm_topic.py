"""Where every alarm goes: one encrypted topic, to which the operators subscribe."""

from __future__ import annotations

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct


class AlarmTopic(Construct):
    def __init__(self, scope: Construct, name: str) -> None:
        super().__init__(scope, name)
        # AWS's own key for SNS refuses CloudWatch, so the topic has one whose policy admits it.
        key = kms.Key(
            self,
            "Key",
            description="Encrypts Offpeak's alarm topic",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.DESTROY,
        )
        key.grant(iam.ServicePrincipal("cloudwatch.amazonaws.com"), "kms:Decrypt", "kms:GenerateDataKey")
        self.topic = sns.Topic(self, "Topic", master_key=key, enforce_ssl=True)
        # A policy of its own, such as the one that asks for TLS, takes the place of the one that admitted CloudWatch.
        stack = Stack.of(self)
        alarms = f"arn:{stack.partition}:cloudwatch:{stack.region}:{stack.account}:alarm:*"
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions={"ArnLike": {"aws:SourceArn": alarms}},
            )
        )

    def rings_when(
        self,
        scope: Construct,
        name: str,
        metric: cloudwatch.IMetric,
        *,
        meaning: str,
        at_least: float | None = None,
        below: float | None = None,
        periods: int = 1,
        silence_rings: bool = False,
    ) -> cloudwatch.Alarm:
        """Ring when the metric is `at_least` or `below` a value (one of them is given) in so many periods in a row.

        `meaning` tells whoever is woken what has happened and what to do.
        """
        threshold = below if at_least is None else at_least
        assert threshold is not None
        alarm = cloudwatch.Alarm(
            scope,
            name,
            metric=metric,
            alarm_description=meaning,
            threshold=threshold,
            comparison_operator=(
                cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
                if at_least is not None
                else cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
            ),
            evaluation_periods=periods,
            treat_missing_data=(
                cloudwatch.TreatMissingData.BREACHING if silence_rings else cloudwatch.TreatMissingData.NOT_BREACHING
            ),
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))
        return alarm
