"""The deployed local stack, driven as the demo and the end-to-end tests drive it."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError

from infra.routes import CLOCKS
from local.cloud import Cloud, CloudClock, NotDrained
from local.cloud_up import BackgroundStack, Impossible
from offpeak.aws.tables import Put
from ops.__main__ import main
from ops.deployed import FunctionFailed

pytestmark = pytest.mark.local_stack

EVENING = datetime(2025, 10, 2, 17, tzinfo=UTC)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with Cloud.start(tmp_path_factory.mktemp("cloud")) as cloud:
        cloud.stop_schedules()
        yield cloud


@pytest.fixture
def cloud(running: Cloud) -> Cloud:
    running.clear()
    return running


def test_the_api_answers_and_refuses_strangers(cloud: Cloud) -> None:
    answer = httpx.get(f"{cloud.base_url}/ocpi/versions", timeout=60, trust_env=False)
    assert answer.status_code == 401
    assert answer.json()["status_code"] == 2001


def test_permissions_are_enforced(cloud: Cloud) -> None:
    cloud.client("iam").create_user(UserName="nobody")
    key = cloud.client("iam").create_access_key(UserName="nobody")["AccessKey"]
    nobody = boto3.client(
        "dynamodb",
        endpoint_url=cloud.server.url,
        region_name="eu-central-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    with pytest.raises(ClientError, match="not authorized"):
        nobody.list_tables()


def test_operators_invite_change_and_see_a_partner(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*command: str) -> str:
        status = main([*command, "--local"], lambda _: cloud.deployed)
        printed = capsys.readouterr()
        assert status == 0, printed.err
        return printed.out

    invitation = run("invite", "acme", "--name", "Acme", "--party", "NL-ACM")
    assert f"{cloud.base_url}/ocpi/versions" in invitation
    assert run("list").split() == ["acme", "INVITED", "Acme"]
    run("settings", "acme", "--set", "planning.departure=06:30", "--set", "flags.strict=true")
    shown = json.loads(run("show", "acme"))
    assert shown["planning"]["departure"].startswith("06:30")
    assert shown["flags"]["strict"] is True
    assert invitation.split()[-1] not in json.dumps(shown)


def test_a_refused_command_says_which_setting_it_was(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["settings", "nobody", "--local", "--set", "planning.departure=noon"]
    assert main(command, lambda _: cloud.deployed) == 1
    assert "departure" in capsys.readouterr().err


def test_a_message_without_sense_becomes_a_dead_letter_and_goes_back(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    sqs, queue = cloud.client("sqs"), cloud.deployed.queue("replan")
    with cloud.retrying_quickly("replan"):
        sqs.send_message(QueueUrl=queue, MessageBody='{"partner_id": 7}')
        cloud.wait_until_drained(timeout_s=30)
    assert cloud.dead_letters("replan") == [{"partner_id": 7}]
    assert cloud.dead_letters("replan") == [{"partner_id": 7}]

    main(["replay-dead-letters", "--local", "--queue", "replan"], lambda _: cloud.deployed)

    assert capsys.readouterr().out == "1 dead letters given back to the replan queue\n"
    assert cloud.dead_letters("replan") == []
    assert cloud.messages_in("replan") == 1


def test_waiting_for_the_queues_tells_what_is_left(cloud: Cloud) -> None:
    queue = cloud.deployed.queue("send")
    cloud.client("sqs").send_message(QueueUrl=queue, MessageBody="{}", DelaySeconds=600)
    with pytest.raises(NotDrained, match="'send': 1"):
        cloud.wait_until_drained(timeout_s=0.2)
    cloud.clear()
    cloud.wait_until_drained(timeout_s=1)


def test_a_function_that_fails_raises_here(cloud: Cloud) -> None:
    with pytest.raises(FunctionFailed, match="plan_sessions"):
        cloud.invoke("plan_sessions", {"Records": 7})


def test_what_a_function_logs_can_be_read(cloud: Cloud) -> None:
    cloud.invoke("sweep_sessions")
    assert any("sessions_swept" in line for line in cloud.logs("sweep_sessions"))


def test_clearing_leaves_no_row(cloud: Cloud) -> None:
    table, key = cloud.table("profile_requests"), {"request_id": "r1"}
    table.write(Put({**key, "session_key": "s", "created_at": "2025-10-02T17:00:00.000Z"}))
    cloud.clear()
    assert table.get(key) is None


def test_the_clock_stands_still_runs_fast_or_shows_real_time(tmp_path: Path) -> None:
    clock = CloudClock(tmp_path / "clock.json")
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=1)
    clock.set(EVENING)
    clock.advance(timedelta(minutes=5))
    assert clock.now() == EVENING + timedelta(minutes=5)
    clock.set(EVENING, speed=3600)
    time.sleep(0.05)
    assert timedelta(minutes=3) <= clock.now() - EVENING < timedelta(hours=1)


def test_schedules_can_be_stopped(cloud: Cloud) -> None:
    schedules = cloud.client("scheduler").list_schedules()["Schedules"]
    assert {each["State"] for each in schedules} == {"DISABLED"}
    assert len(schedules) == len(CLOCKS)


def test_up_prints_a_curl_that_works_and_down_ends_everything(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = BackgroundStack(tmp_path)
    stack.up(port=0)
    try:
        printed = capsys.readouterr().out
        curl = printed[printed.index("curl -X PUT") : printed.index("and see which")]
        answer = subprocess.run(["sh", "-c", curl], capture_output=True, text=True, check=True)
        assert json.loads(answer.stdout)["status_code"] == 1000
        base_url = printed.split()[printed.split().index("Offpeak") + 1]
        assert base_url in (tmp_path / "cloud" / "api.html").read_text()

        app_url = printed.split()[printed.split().index("app") + 1]
        state = httpx.get(f"{app_url}/api/state", timeout=60, trust_env=False).json()
        assert f"by the code {state['code']}" in printed
        begun = httpx.post(f"{app_url}/api/connect", json={}, timeout=60, trust_env=False).json()
        assert httpx.get(begun["start_url"], timeout=60, trust_env=False).status_code == 200

        stack.up(port=0)
        assert "running already" in capsys.readouterr().out
        stack.status()
        assert "curl -X PUT" in capsys.readouterr().out
    finally:
        stack.down()
    assert "local.cloud_server" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(Impossible, match="make up"):
        stack.status()


def test_up_on_a_port_in_use_says_so(cloud: Cloud, tmp_path: Path) -> None:
    port = int(cloud.server.url.rpartition(":")[2])
    with pytest.raises(Impossible, match=f"Port {port} is in use"):
        BackgroundStack(tmp_path).up(port)


def test_up_removes_what_a_crash_has_left(cloud: Cloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "programs").write_text('["local.cloud_server", 4000000, "http://127.0.0.1:9"]\n')
    port = int(cloud.server.url.rpartition(":")[2])
    with pytest.raises(Impossible):
        BackgroundStack(tmp_path).up(port)
    assert "ended without `make down`" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
