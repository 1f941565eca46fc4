"""One page that answers: do sessions come in, do profiles go out, what waits, what fails."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.alarms import METRIC_ALARMS
from infra.constructs.alarms import offpeak_metric
from infra.constructs.function import Function
from infra.constructs.queue import Queue
from infra.constructs.rest_api import RestApi
from infra.stage import Stage

PERIOD = Duration.minutes(5)
FLOW = ("SessionMessagesReceived", "PlansMade", "ProfilesSent", "ProfilesConfirmed", "ProfilesRejected")
LATENCIES = ("ReceivedToSent", "SentToConfirmed")


class Dashboard(Construct):
    def __init__(
        self,
        scope: Construct,
        name: str,
        stage: Stage,
        functions: Mapping[str, Function],
        queues: Mapping[str, Queue],
        api: RestApi,
    ) -> None:
        super().__init__(scope, name)
        lambdas = [(name, function.function) for name, function in functions.items()]
        board = cloudwatch.Dashboard(self, "Board", default_interval=Duration.hours(12))
        board.add_widgets(
            _graph("From session to profile", *(offpeak_metric(stage, metric, "Sum", PERIOD) for metric in FLOW)),
            *(
                _graph(f"{metric} (ms)", *(offpeak_metric(stage, metric, each, PERIOD) for each in ("p50", "p99")))
                for metric in LATENCIES
            ),
        )
        board.add_widgets(
            _graph("Requests", api.api.deployment_stage.metric_count(statistic="Sum", period=PERIOD)),
            _graph(
                "Refused and failed requests",
                api.api.deployment_stage.metric_client_error(statistic="Sum", period=PERIOD),
                api.api.deployment_stage.metric_server_error(statistic="Sum", period=PERIOD),
            ),
            _graph(
                "Latency of the API (ms)",
                api.api.deployment_stage.metric_latency(statistic="p50", period=PERIOD),
                api.api.deployment_stage.metric_latency(statistic="p99", period=PERIOD),
            ),
        )
        board.add_widgets(
            _graph(
                "Oldest message (s)",
                *(
                    queue.queue.metric_approximate_age_of_oldest_message(label=name, period=PERIOD)
                    for name, queue in queues.items()
                ),
            ),
            _graph(
                "Dead letters",
                *(
                    queue.dead_letters.metric_approximate_number_of_messages_visible(label=name, period=PERIOD)
                    for name, queue in queues.items()
                ),
            ),
            _graph(
                "What wakes somebody",
                *(offpeak_metric(stage, alarm.metric, alarm.statistic, PERIOD) for alarm in METRIC_ALARMS),
            ),
        )
        board.add_widgets(
            _graph("Errors", *(each.metric_errors(label=name, period=PERIOD) for name, each in lambdas)),
            _graph("Throttles", *(each.metric_throttles(label=name, period=PERIOD) for name, each in lambdas)),
            _graph(
                "Duration p99 (ms)",
                *(each.metric_duration(label=name, statistic="p99", period=PERIOD) for name, each in lambdas),
            ),
        )


def _graph(title: str, *metrics: cloudwatch.IMetric) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=8)
