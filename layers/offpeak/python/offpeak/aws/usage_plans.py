"""API Gateway usage plans: each partner has a key in one, and is throttled by it. The keys authenticate nobody."""

from __future__ import annotations

from typing import Any


class UsagePlan:
    """One usage plan: a tier of requests per second and per day."""

    def __init__(self, client: Any, plan_id: str) -> None:
        self._client = client
        self._plan_id = plan_id

    def add_key(self, partner_id: str) -> str:
        """Make a key for a partner and return its value, which the authoriser names as usageIdentifierKey."""
        key = self._client.create_api_key(name=partner_id, enabled=True)
        self._client.create_usage_plan_key(usagePlanId=self._plan_id, keyId=key["id"], keyType="API_KEY")
        return str(key["value"])
