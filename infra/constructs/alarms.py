"""The alarms on functions, the API, the clocks and Offpeak's own metrics; queues bring theirs along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
        for some in _by_fives(functions):
            topic.rings_when(
                self,
                f"{pascal(some[0].name)}OrNextFails",
                _failures(some),
                at_least=1,
                periods=2,
                meaning=f"One of {', '.join(each.name for each in some)} raised errors or was throttled for ten "
                "minutes; the alarm's graph shows which. Read its log; after a deployment, roll back.",
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


def _by_fives(functions: Mapping[str, Function]) -> list[tuple[Function, ...]]:
    """Return the functions in groups as large as one alarm can watch, which is ten metrics: a stack holds 500
    resources, and one alarm a function would be a twelfth of them."""
    each = list(functions.values())
    return [tuple(each[first : first + 5]) for first in range(0, len(each), 5)]


def _failures(functions: Sequence[Function]) -> cloudwatch.IMetric:
    """Errors and throttles as one number: either means that a function does not do its work."""
    period, metrics = Duration.minutes(5), dict[str, cloudwatch.IMetric]()
    for function in functions:
        metrics[f"{function.name}_errors"] = function.function.metric_errors(statistic="Sum", period=period)
        metrics[f"{function.name}_throttles"] = function.function.metric_throttles(statistic="Sum", period=period)
    # A function that was not invoked tells nothing, and must not hide what the others tell.
    return cloudwatch.MathExpression(
        expression=" + ".join(f"FILL({name}, 0)" for name in metrics),
        label="failures",
        period=period,
        using_metrics=metrics,
    )
