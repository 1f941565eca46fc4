"""The alarms on functions, the API, the clocks and Offpeak's own metrics; queues bring theirs along."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.alarms import METRIC_ALARMS, NAMESPACE
from infra.constructs.alarm_topic import AlarmTopic
from infra.constructs.function import Function
from infra.constructs.names import pascal
from infra.constructs.rest_api import RestApi
from infra.stage import Stage


class Alarms(Construct):
    def __init__(
        self,
        scope: Construct,
        name: str,
        stage: Stage,
        topic: AlarmTopic,
        functions: Mapping[str, Function],
        api: RestApi,
    ) -> None:
        super().__init__(scope, name)
        for function in functions.values():
            topic.rings_when(
                self,
                f"{pascal(function.name)}Fails",
                _failures(function),
                at_least=1,
                periods=2,
                meaning=f"{function.name} raised errors or was throttled for ten minutes. Read its log; after a "
                "deployment, roll back.",
            )
        topic.rings_when(
            self,
            "ApiFails",
            api.api.deployment_stage.metric_server_error(statistic="Sum", period=Duration.minutes(5)),
            at_least=5,
            meaning="Partners were answered 5xx. The access log names the route and the integration's error.",
        )
        topic.rings_when(
            self,
            "SweepStands",
            functions["sweep_sessions"].function.metric_invocations(statistic="Sum", period=Duration.minutes(5)),
            below=1,
            periods=3,
            silence_rings=True,
            meaning="No sweep for 15 minutes: time-outs are not seen and lost messages not sent again. See whether the "
            "schedule is enabled and its role may invoke sweep_sessions.",
        )
        for alarm in METRIC_ALARMS:
            topic.rings_when(
                self,
                f"{alarm.metric}Rings",
                offpeak_metric(stage, alarm.metric, alarm.statistic, Duration.minutes(alarm.period_minutes)),
                at_least=alarm.at_least,
                below=alarm.below,
                periods=alarm.periods,
                meaning=alarm.meaning,
            )


def offpeak_metric(stage: Stage, metric: str, statistic: str, period: Duration) -> cloudwatch.Metric:
    """A metric that the stage's functions write."""
    return cloudwatch.Metric(
        namespace=NAMESPACE,
        metric_name=metric,
        dimensions_map={"service": stage.service_name},
        statistic=statistic,
        period=period,
    )


def _failures(function: Function) -> cloudwatch.IMetric:
    """Errors and throttles as one number: either means that the function does not do its work."""
    period = Duration.minutes(5)
    return cloudwatch.MathExpression(
        expression="errors + throttles",
        label=f"{function.name} failures",
        period=period,
        using_metrics={
            "errors": function.function.metric_errors(statistic="Sum", period=period),
            "throttles": function.function.metric_throttles(statistic="Sum", period=period),
        },
    )
