from __future__ import annotations

from typing import Any

import pytest

from ops.__main__ import main
from ops.deployed import Deployed

PAUSED = {
    "tenant_id": "hearth",
    "webhook_id": "whk_1",
    "state": "paused",
    "since": "2027-03-01T18:00:00.000Z",
    "reason": "the receiver answered HTTP 500",
    "failures": 32,
    "next_try_at": None,
}


class Answering(Deployed):
    def __init__(self, *webhooks: dict[str, Any]) -> None:
        self.webhooks, self.asked = list(webhooks), list[Any]()

    def call(self, function: str, event: Any) -> Any:
        self.asked.append((function, event))
        return {"webhooks": self.webhooks}


def test_paused_webhooks_are_shown_with_why(capsys: pytest.CaptureFixture[str]) -> None:
    offpeak = Answering(PAUSED)
    assert main(["webhooks", "--local"], lambda _: offpeak) == 0
    assert offpeak.asked == [("ops_webhooks", {})]
    said = capsys.readouterr().out
    assert "hearth" in said
    assert "paused   since 2027-03-01T18:00Z, 32 failures: the receiver answered HTTP 500" in said


def test_a_tenant_without_webhooks_is_told_of_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    offpeak = Answering()
    assert main(["webhooks", "--tenant", "hearth", "--local"], lambda _: offpeak) == 0
    assert offpeak.asked == [("ops_webhooks", {"tenant_id": "hearth"})]
    assert "hearth has no webhooks" in capsys.readouterr().out
