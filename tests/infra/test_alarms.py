"""Somebody is told: every alarm reaches the topic, and the metrics that ring are ones that the code counts."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from infra import routes
from infra.alarms import METRIC_ALARMS, MetricAlarm
from infra.constructs.dashboard import FLOW, LATENCIES
from tests.infra.stacks import Stacks, of_type, only

PROJECT = Path(__file__).parents[2]


def test_every_alarm_goes_to_the_one_topic_and_says_what_to_do(qa: Stacks) -> None:
    (topic,) = of_type(qa.service, "AWS::SNS::Topic")
    for name, alarm in of_type(qa.service, "AWS::CloudWatch::Alarm").items():
        assert alarm["Properties"]["AlarmActions"] == [{"Ref": topic}], name
        assert len(alarm["Properties"]["AlarmDescription"]) > 40, name


def test_the_topic_is_encrypted_with_a_key_that_cloudwatch_may_use(qa: Stacks) -> None:
    assert "KmsMasterKeyId" in only(of_type(qa.service, "AWS::SNS::Topic"))
    policy = only(of_type(qa.service, "AWS::KMS::Key"))["KeyPolicy"]["Statement"]
    (cloudwatch,) = (each for each in policy if each["Principal"] == {"Service": "cloudwatch.amazonaws.com"})
    assert set(cloudwatch["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey"}


def test_the_topic_takes_what_the_alarms_of_this_account_say_and_nothing_unencrypted(qa: Stacks) -> None:
    statements = only(of_type(qa.service, "AWS::SNS::TopicPolicy"))["PolicyDocument"]["Statement"]
    (allowed,) = (each for each in statements if each["Effect"] == "Allow")
    (denied,) = (each for each in statements if each["Effect"] == "Deny")
    assert allowed["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert allowed["Action"] == denied["Action"] == "sns:Publish"
    assert {"Ref": "AWS::AccountId"} in allowed["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Join"][1]
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


@pytest.mark.parametrize("worker", routes.WORKERS, ids=lambda worker: worker.queue)
def test_one_dead_letter_and_an_old_message_ring(qa: Stacks, worker: routes.Worker) -> None:
    prefix = f"{worker.queue.capitalize()}Queue"
    alarms = {
        each["Properties"]["MetricName"]: each["Properties"]
        for name, each in of_type(qa.service, "AWS::CloudWatch::Alarm").items()
        if name.startswith(prefix)
    }
    dead, old = alarms["ApproximateNumberOfMessagesVisible"], alarms["ApproximateAgeOfOldestMessage"]
    assert (dead["Threshold"], dead["ComparisonOperator"]) == (1, "GreaterThanOrEqualToThreshold")
    assert "DeadLetters" in json.dumps(dead["Dimensions"])
    assert old["Threshold"] == 300
    assert "DeadLetters" not in json.dumps(old["Dimensions"])


def test_every_function_rings_when_it_fails_or_is_throttled(qa: Stacks) -> None:
    watched = set()
    for alarm in of_type(qa.service, "AWS::CloudWatch::Alarm").values():
        metrics = alarm["Properties"].get("Metrics", [])
        if any("_throttles, 0)" in metric.get("Expression", "") for metric in metrics):
            assert len(metrics) <= 11, "an alarm watches ten metrics, and what they come to"
            watched |= {qa.function_at(metric) for metric in metrics if "MetricStat" in metric}
    assert watched == set(qa.functions)


def test_silence_of_the_sweep_rings(qa: Stacks) -> None:
    (alarm,) = (
        each["Properties"]
        for each in of_type(qa.service, "AWS::CloudWatch::Alarm").values()
        if each["Properties"]["TreatMissingData"] == "breaching"
    )
    assert alarm["MetricName"] == "Invocations"
    assert qa.function_at(alarm["Dimensions"]) == "sweep_sessions"


@pytest.mark.parametrize("metric", [*(alarm.metric for alarm in METRIC_ALARMS), *FLOW, *LATENCIES])
def test_a_metric_that_rings_or_is_shown_is_counted_by_the_code(metric: str) -> None:
    sources = (PROJECT / "layers" / "offpeak" / "python" / "offpeak").rglob("*.py")
    counted = {
        name for path in sources for name in re.findall(r"(?:count|measure_\w+)\(\s*\"(\w+)\"", path.read_text())
    }
    assert metric in counted


@pytest.mark.parametrize("alarm", METRIC_ALARMS, ids=lambda alarm: alarm.metric)
def test_a_log_event_or_function_that_an_alarm_names_exists(alarm: MetricAlarm) -> None:
    sources = [*(PROJECT / "layers" / "offpeak" / "python" / "offpeak").rglob("*.py")]
    logged = {name for path in sources for name in re.findall(r"\"([a-z]+(?:_[a-z]+)+)\"", path.read_text())}
    functions = {path.stem for path in (PROJECT / "functions").glob("*.py")}
    assert set(re.findall(r"[a-z]+(?:_[a-z]+)+", alarm.meaning)) <= logged | functions


@pytest.mark.parametrize("alarm", METRIC_ALARMS, ids=lambda alarm: alarm.metric)
def test_a_metric_rings_for_its_own_stage(qa: Stacks, alarm: MetricAlarm) -> None:
    (deployed,) = (
        each["Properties"]
        for each in of_type(qa.service, "AWS::CloudWatch::Alarm").values()
        if each["Properties"].get("MetricName") == alarm.metric
    )
    assert deployed["Namespace"] == "Offpeak"
    assert deployed["Dimensions"] == [{"Name": "service", "Value": "offpeak-qa"}]
    assert deployed["Threshold"] == (alarm.below if alarm.at_least is None else alarm.at_least)


def test_an_alarm_has_one_bound() -> None:
    assert all((alarm.at_least is None) != (alarm.below is None) for alarm in METRIC_ALARMS)


def test_there_is_one_dashboard(qa: Stacks) -> None:
    qa.service_template.resource_count_is("AWS::CloudWatch::Dashboard", 1)
