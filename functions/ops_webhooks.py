"""The operators' command on webhooks: which are paused, and how those of a tenant go.

Its event is {} or {"tenant_id"}; the answer has {"webhooks"}, each with its tenant.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from offpeak import wiring
from offpeak.edge import command_handler
from offpeak.ocpi.fields import read_object
from offpeak.ocpi.wire_json import JsonValue
from offpeak.webhooks.lane import Lane
from offpeak.webhooks.model import WebhookKey
from offpeak.webhooks.show import lane_shown

MOST = 100


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")

    tenant_id: str | None = None


def run(command: JsonValue) -> dict[str, Any]:
    asked = read_object(Asked, command)
    if asked.tenant_id is None:
        return {"webhooks": [shown(key, lane) for key, lane in wiring.lanes().paused(MOST)]}
    subscriptions = wiring.subscriptions().of(asked.tenant_id)
    return {"webhooks": [shown(each.key, wiring.lanes().get(each.key) or Lane()) for each in subscriptions]}


def shown(key: WebhookKey, lane: Lane) -> dict[str, Any]:
    """A webhook without its address, which may hold a secret of the tenant's."""
    return {"tenant_id": key.tenant_id, "webhook_id": key.webhook_id, **lane_shown(lane)}


handler = command_handler(run)
