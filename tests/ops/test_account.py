"""Finding the account and the stage to work on, or saying what is missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from local.cloud_server import CloudServer
from ops.account import NoCloud, aws, embedded
from ops.deployed import Deployed, NotDeployed


@pytest.fixture(autouse=True)
def _no_account_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def test_without_a_region_aws_is_not_asked() -> None:
    with pytest.raises(NoCloud, match="AWS_REGION"):
        aws()


def test_without_credentials_aws_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    with pytest.raises(NoCloud, match="AWS_PROFILE"):
        aws()


def test_the_environment_names_region_and_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    assert aws("http://127.0.0.1:9")("sqs").meta.region_name == "eu-north-1"


def test_the_embedded_cloud_is_found_by_what_it_says_of_itself(embedded_aws: CloudServer, tmp_path: Path) -> None:
    said = {"endpoint_url": embedded_aws.url, "region": "eu-central-1", "base_url": "..."}
    (tmp_path / "cloud.json").write_text(json.dumps(said))
    url = embedded_aws.client("sqs").create_queue(QueueName="found")["QueueUrl"]
    assert embedded(tmp_path / "cloud.json")("sqs").get_queue_url(QueueName="found")["QueueUrl"] == url


def test_without_a_running_cloud_local_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(NoCloud, match="make up"):
        embedded(tmp_path / "cloud.json")


def test_a_stage_that_is_not_deployed_is_named(embedded_aws: CloudServer) -> None:
    with pytest.raises(NotDeployed, match="qa"):
        Deployed(embedded_aws.client, "qa").function("ops_partners")


def test_a_stage_of_another_version_says_what_it_lacks(embedded_aws: CloudServer) -> None:
    cloudformation, name = embedded_aws.client("cloudformation"), "Offpeak-production-Service"
    template = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}, "Outputs": {"BaseUrl": {"Value": "https://a"}}}
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    stage = Deployed(embedded_aws.client, "production")
    assert stage.base_url == "https://a"
    with pytest.raises(NotDeployed, match="PlanQueueUrl"):
        stage.queue("plan")
