"""A scene: the evening of one test, with partners of its own, on the stage that all tests share."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from infra.routes import WORKERS
from local.cloud import QUEUES
from local.cpo import Dialect, Settings, Style
from tests.e2e.partner import Partner
from tests.e2e.stage import EVENING, NOTHING, Stage


@contextmanager
def scene_on(stage: Stage) -> Iterator[Scene]:
    """Begin an evening without partners; end with nothing left of it, and no CPO with a complaint about us."""
    stage.cloud.clock.set(EVENING)
    scene = Scene(stage)
    try:
        yield scene
        assert [complaint for partner in scene.partners for complaint in partner.cpo.complaints] == []
    finally:
        scene.end()
        stage.cloud.clear()


class Scene:
    """One evening: the partners of one test, and its time."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.cloud = stage, stage.cloud
        self.partners: list[Partner] = []

    def partner(self, cpo: Mapping[str, Any] = NOTHING, **settings: Any) -> Partner:
        """Invite a CPO and let it register. `cpo` says what is peculiar about it, `settings` are ours of it."""
        partner = self.invited(cpo, **settings)
        partner.register()
        if len(self.partners) == 1:
            self.cloud.invoke("fetch_prices")
            self.settle()
        return partner

    def invited(self, cpo: Mapping[str, Any] = NOTHING, **settings: Any) -> Partner:
        """Invite a CPO that has not registered yet."""
        partner = self.stranger(cpo)
        partner.invite(**settings)
        return partner

    def stranger(self, cpo: Mapping[str, Any] = NOTHING) -> Partner:
        """Let there be a CPO that we have nothing to do with yet."""
        partner_id, party = self.stage.next_partner()
        peculiar = {"dialect": Dialect.FULL, **cpo}
        style = Style(party, peculiar.pop("dialect"))
        partner = Partner(self.stage, partner_id, party, Settings(style, **peculiar))
        self.partners.append(partner)
        return partner

    @property
    def now(self) -> datetime:
        return self.cloud.clock.now()

    def settle(self, timeout_s: float = 180) -> None:
        """Wait until all that was begun is done, results included."""
        self.cloud.wait_until_drained(timeout_s)
        for partner in self.partners:
            partner.cpo.settle()
        self.cloud.wait_until_drained(timeout_s)

    def later(self, **by: float) -> None:
        """Move the stack's time on, and nothing else."""
        self.cloud.clock.advance(timedelta(**by))

    def pass_time(self, **by: float) -> None:
        """Let time pass for everybody: cars charge, CPOs tell, Offpeak hears and plans."""
        self.later(**by)
        for partner in self.partners:
            partner.cpo.advance(self.now)
        self.settle()

    def sweep(self) -> None:
        """Do what happens every minute, and wait for what follows from it."""
        self.cloud.invoke("sweep_sessions")
        self.settle()

    @contextmanager
    def losing(self, queue: str) -> Iterator[None]:
        """Lose every message that is sent to a queue meanwhile."""
        client, url = self.cloud.client("lambda"), self.cloud.deployed.queue(queue)
        [worker] = [each.function for each in WORKERS if each.queue == queue]
        name = self.cloud.deployed.function(worker)
        [mapping] = client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
        client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        try:
            yield
            assert self.eventually(lambda: self.cloud.messages_in(queue) > 0), "nothing there to lose"
        finally:
            self.cloud.client("sqs").purge_queue(QueueUrl=url)
            client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)

    @contextmanager
    def throttled(self, *, requests_per_s: int, burst: int) -> Iterator[None]:
        """Let each partner ask so much and no more."""
        gateway = self.cloud.client("apigateway")
        [plan] = gateway.get_usage_plans()["items"]
        usual = plan["throttle"]
        self._throttle(plan["id"], requests_per_s, burst)
        try:
            yield
        finally:
            self._throttle(plan["id"], usual["rateLimit"], usual["burstLimit"])

    def _throttle(self, plan_id: str, requests_per_s: float, burst: int) -> None:
        limits = {"/throttle/rateLimit": requests_per_s, "/throttle/burstLimit": burst}
        self.cloud.client("apigateway").update_usage_plan(
            usagePlanId=plan_id,
            patchOperations=[{"op": "replace", "path": path, "value": str(limit)} for path, limit in limits.items()],
        )

    def put_into(self, queue: str, message: object, *, group: str) -> None:
        """Send a message to a queue as it stands."""
        url = self.cloud.deployed.queue(queue)
        fifo = {"MessageDeduplicationId": secrets.token_hex(16)} if url.endswith(".fifo") else {}
        body = message if isinstance(message, str) else json.dumps(message)
        self.cloud.client("sqs").send_message(QueueUrl=url, MessageBody=body, MessageGroupId=group, **fifo)

    def eventually(self, holds: Callable[[], bool], within_s: float = 60) -> bool:
        """Wait until something holds; say whether it did in time."""
        deadline = time.monotonic() + within_s
        while not holds():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def end(self) -> None:
        """Stop the CPOs, so that no call hangs, and wait for the workers that were calling."""
        for partner in self.partners:
            partner.cpo.stop()
        self.eventually(lambda: not any(self._worked(queue) for queue in QUEUES), within_s=5)

    def _worked(self, queue: str) -> int:
        name = "ApproximateNumberOfMessagesNotVisible"
        url = self.cloud.deployed.queue(queue)
        answer = self.cloud.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[name])
        return int(answer["Attributes"][name])
