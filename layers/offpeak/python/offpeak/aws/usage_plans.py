"""API Gateway usage plans: each partner has a key in one, and is throttled by it. The keys authenticate nobody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class UsageKey:
    """A key as API Gateway knows it, and its value, which the authoriser names as usageIdentifierKey."""

    key_id: str
    value: str


class UsagePlan:
    """One usage plan: a tier of requests per second and per day."""

    def __init__(self, client: Any, plan_id: str) -> None:
        self._client = client
        self._plan_id = plan_id

    def add_key(self, partner_id: str) -> UsageKey:
        """Make a key for a partner, in this plan."""
        key = self._client.create_api_key(name=partner_id, enabled=True)
        self._put_in(key["id"])
        return UsageKey(str(key["id"]), str(key["value"]))

    def restore_key(self, partner_id: str, key: UsageKey) -> UsageKey:
        """Put a partner's key into this plan if it is not there, and make it anew with its old value if it is gone."""
        try:
            self._put_in(key.key_id)
        except self._client.exceptions.ConflictException:
            return key  # It is in a plan of this API's stage already, which can be no other than this one.
        except self._client.exceptions.NotFoundException:
            made = self._client.create_api_key(name=partner_id, enabled=True, value=key.value)
            self._put_in(made["id"])
            return UsageKey(str(made["id"]), key.value)
        return key

    def _put_in(self, key_id: str) -> None:
        self._client.create_usage_plan_key(usagePlanId=self._plan_id, keyId=key_id, keyType="API_KEY")
