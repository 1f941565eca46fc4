from __future__ import annotations

import json
import os
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from functions import app_webhooks, deliver_webhooks, publish_events, sweep_webhooks
from local.webhook_receiver import WebhookReceiver
from offpeak import wiring
from offpeak.aws.tables import Delete, Table
from offpeak.tenants.model import Look, Tenant
from offpeak.tenants.repeats import Asked
from offpeak.webhooks.model import WebhookKey
from tests.conftest import MakeTable
from tests.events.builders import event
from tests.functions.conftest import Cloud
from tests.functions.events import CONTEXT, rest_event, sqs_event
from tests.webhooks.conftest import receiver as receiver


@pytest.fixture
def tenants(cloud: Cloud, make_table: MakeTable, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """What the functions of events and webhooks find in their environment."""
    for name in ("events", "webhooks", "app_requests"):
        monkeypatch.setenv(f"{name.upper()}_TABLE", make_table(name).name)
    sqs = cloud.client("sqs")
    for name, suffix, attributes in (("events", ".fifo", {"FifoQueue": "true"}), ("webhooks", "", {})):
        url = sqs.create_queue(QueueName=f"{cloud.partners.name}-{name}{suffix}", Attributes=attributes)["QueueUrl"]
        monkeypatch.setenv(f"{name.upper()}_QUEUE_URL", url)
    monkeypatch.setenv("TENANTS_TABLE", make_table("tenants").name)
    wiring.tenants().save(Tenant("hearth", Look("Hearth")))
    return cloud


def call(
    method: str, path: str, body: object = None, *, tenant: str = "hearth", headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], Any]:
    """Call the function as API Gateway does; return status, headers and body."""
    webhook_id, _, below = path.strip("/").partition("/")
    resource = "/".join(["/v1/webhooks", *(["{webhook_id}"] if webhook_id else []), *([below] if below else [])])
    event = rest_event(
        method,
        f"/v1/webhooks{path}",
        None if body is None else json.dumps(body),
        headers=headers,
        authorizer={"tenant_id": tenant} if tenant else {},
        resource=resource,
    )
    answer = app_webhooks.handler(event, CONTEXT)
    told = {name: values[0] for name, values in answer["multiValueHeaders"].items()}
    return answer["statusCode"], told, json.loads(answer["body"]) if answer.get("body") else None


def test_lanes_are_swept_though_events_cannot_be(tenants: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    made = call("POST", "", {"url": "http://127.0.0.1:9/hooks"})[2]
    wiring.lanes().wake(WebhookKey("hearth", made["webhook_id"]), wiring.clock().now() - timedelta(minutes=2))
    monkeypatch.setenv("EVENTS_TABLE", "gone")
    with pytest.raises(ClientError):
        sweep_webhooks.handler({}, CONTEXT)
    [message] = tenants.client("sqs").receive_message(QueueUrl=os.environ["WEBHOOKS_QUEUE_URL"])["Messages"]
    assert made["webhook_id"] in message["Body"]


def test_a_webhook_from_its_first_day_to_its_last(tenants: Cloud, receiver: WebhookReceiver) -> None:
    status, headers, made = call("POST", "", {"url": f"{receiver.url}/hooks"})
    assert (status, headers["ETag"]) == (201, '"1"')
    receiver.secrets.append(made.pop("secret"))
    place = "/" + made["webhook_id"]
    assert call("GET", place)[2] == made
    assert made["state"] == "active"

    table, write = wiring.outbox().put(event("a"), at=event("a").at)
    table.write(write)
    message = {"tenant_id": "hearth", "user_id": "usr_1", "charger_id": "chg_1"}
    assert publish_events.handler(sqs_event(json.dumps(message), groups=("hearth#chg_1",)), CONTEXT) == {
        "batchItemFailures": []
    }
    told = {"tenant_id": "hearth", "webhook_id": made["webhook_id"]}
    assert deliver_webhooks.handler(sqs_event(json.dumps(told)), CONTEXT) == {"batchItemFailures": []}
    sweep_webhooks.handler({}, CONTEXT)
    (got,) = receiver.received
    assert got.is_genuine
    (delivery,) = call("GET", f"{place}/deliveries")[2]["deliveries"]
    assert delivery["event"] == got.body
    assert call("POST", f"{place}/deliveries/{delivery['delivery_id']}/replay")[2] == {"replayed": 1, "next_from": None}

    rotated = call("POST", f"{place}/secret", {"overlap_s": 60})[2]
    receiver.secrets[:] = [rotated["secret"]]
    assert call("POST", f"{place}/test")[2]["state"] == "delivered"
    assert receiver.received[-1].is_genuine
    assert call("POST", f"{place}/resume")[2]["state"] == "active"
    status, _, problem = call("PATCH", place, {"event_types": ["nonsense"]}, headers={"If-Match": '"2"'})
    assert (status, problem["field"]) == (422, "event_types.0")
    assert call("PATCH", place, {"event_types": ["charger.paired"]})[0] == 428
    changed = call("PATCH", place, {"event_types": ["charger.paired"]}, headers={"If-Match": '"2"'})
    assert (changed[0], changed[1]["ETag"], changed[2]["event_types"]) == (200, '"3"', ["charger.paired"])
    assert call("DELETE", place, headers={"If-Match": '"3"'})[0] == 204
    assert call("GET", place)[0] == 404
    assert call("GET", "")[2] == {"webhooks": [], "next": None}


def test_a_webhooks_secret_is_shown_once_and_kept_nowhere_in_clear(tenants: Cloud, receiver: WebhookReceiver) -> None:
    _, _, made = call("POST", "", {"url": receiver.url})
    secret = made["secret"]
    client = tenants.client("dynamodb")
    rows = client.scan(TableName=os.environ["WEBHOOKS_TABLE"])["Items"]
    assert secret not in json.dumps(rows, default=str)
    assert secret not in json.dumps(call("GET", "/" + made["webhook_id"])[2])


def test_a_request_that_is_sent_again_makes_one_webhook_and_one_secret(tenants: Cloud) -> None:
    again = {"Idempotency-Key": "once"}
    made = [call("POST", "", {"url": "https://shop.example/"}, headers=again) for _ in range(2)]
    assert made[0][2] == made[1][2]
    assert len(call("GET", "")[2]["webhooks"]) == 1
    place = f"/{made[0][2]['webhook_id']}/secret"
    rotated = [call("POST", place, headers={"Idempotency-Key": "twice"})[2]["secret"] for _ in range(2)]
    assert rotated[0] == rotated[1] != made[0][2]["secret"]


def test_a_request_that_is_sent_again_late_makes_nothing_and_says_what_has_become_of_it(tenants: Cloud) -> None:
    """What was replaced or deleted meanwhile stays so: what its receivers have now goes on being good."""
    subscribe, first = ("POST", "", {"url": "https://shop.example/"}), {"Idempotency-Key": "first"}
    webhook_id = call(*subscribe, headers=first)[2]["webhook_id"]
    rotate = ("POST", f"/{webhook_id}/secret", {"overlap_s": 0})
    for key in ("second", "third"):
        newest = call(*rotate, headers={"Idempotency-Key": key})[2]["secret"]
    for request, key in ((subscribe, "first"), (rotate, "second")):
        assert call(*request, headers={"Idempotency-Key": key})[0] == 409
    assert call(*rotate, headers={"Idempotency-Key": "third"})[2]["secret"] == newest
    assert call("DELETE", f"/{webhook_id}", headers={"If-Match": "*"})[0] == 204
    assert call(*subscribe, headers=first)[0] == 410
    assert call(*rotate, headers={"Idempotency-Key": "third"})[0] == 410
    assert call("GET", "")[2]["webhooks"] == []


def test_a_request_whose_first_try_died_unanswered_makes_no_other_secret_however_often_it_comes(
    tenants: Cloud,
) -> None:
    subscribe, key = ("POST", "", {"url": "https://shop.example/"}), {"Idempotency-Key": "unanswered"}
    webhook_id = call(*subscribe, headers=key)[2]["webhook_id"]
    requests = wiring.repeats()
    [answer] = requests.answers_about("hearth", "")
    asked = Asked("hearth", "unanswered", b'POST /v1/webhooks\n{"url": "https://shop.example/"}')
    kept = Table(tenants.client("dynamodb"), os.environ["APP_REQUESTS_TABLE"])
    kept.write(Delete({"pk": answer["pk"], "sk": answer["sk"]}))
    requests.let_go(asked)
    assert call("POST", f"/{webhook_id}/secret")[0] == 200
    assert [call(*subscribe, headers=key)[0] for _ in range(3)] == [409, 409, 409]
    assert [each["webhook_id"] for each in call("GET", "")[2]["webhooks"]] == [webhook_id]
    assert call("GET", f"/{webhook_id}")[1]["ETag"] == '"2"'


def test_another_tenant_finds_nothing_and_nobody_without_one(tenants: Cloud, receiver: WebhookReceiver) -> None:
    _, _, made = call("POST", "", {"url": receiver.url})
    for method, below in (
        ("GET", ""),
        ("DELETE", ""),
        ("PATCH", ""),
        ("POST", "/secret"),
        ("POST", "/test"),
        ("POST", "/resume"),
        ("POST", "/replay"),
        ("GET", "/deliveries"),
        ("POST", f"/deliveries/dlv_{'0' * 32}/replay"),
    ):
        body = {"from": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z"} if below == "/replay" else {}
        path = f"/{made['webhook_id']}{below}"
        assert call(method, path, body, tenant="other", headers={"If-Match": "*"})[0] == 404
    assert call("GET", "", tenant="other")[2]["webhooks"] == []
    assert call("GET", "", tenant="")[0] in (401, 403)
    assert call("GET", "/a%23b")[0] == 404
