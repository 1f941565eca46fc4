"""A tenant's app: its credentials, its user, and chargers that he has paired."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

from offpeak.aws.tables import write_together
from offpeak.aws.usage_plans import UsagePlan
from offpeak.events.model import Published
from offpeak.events.publish import PublishedEvents
from offpeak.oauth.access_store import AccessStore, new_client_id
from offpeak.oauth.clients import Client, credential
from offpeak.pairing.accounts import AccountStore
from offpeak.pairing.model import Charger, ChargerKey, PairedEvse, PairedStation, Tier, UserKey
from offpeak.pairing.ownership import OwnershipStore
from offpeak.profiles.events import stream_of
from offpeak.tenants.model import Look, Tenant, owner_id
from offpeak.tenants.store import TenantStore, access_key_of
from tests.e2e.partner import Partner
from tests.e2e.stage import Answer, Stage

REDIRECT_URL = "https://app.example/paired"
NOBODY_LISTENS = "http://127.0.0.1:9/hooks"
SPAN = {"from": "2020-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z"}
HOME = {"name": "Home", "time_zone": "Europe/Berlin", "bidding_zone": "DE-LU"}


class App:
    """A tenant with a client and an ApiKey, and one user at home."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.tenant_id = stage, f"app-{secrets.token_hex(4)}"
        self._token, self._api_key = self._admitted()
        self.user_id = self.done("POST", "/v1/users", {})["user_id"]
        self.user = UserKey(self.tenant_id, self.user_id)
        self.location_id = self.done("POST", f"/v1/users/{self.user_id}/locations", HOME)["location_id"]

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Send a request with the tenant's credentials; header names have _ for -."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.stage.ask(method, path, None, headers={**self.shown, **named}, body=body)

    @property
    def shown(self) -> dict[str, str]:
        """Return the tenant's credentials as headers."""
        return {"Authorization": f"Bearer {self._token}", "ApiKey": self._api_key}

    def done(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        """Return what the app is answered; it has to be a success."""
        answer = self.ask(method, path, body, **headers)
        assert answer.http_status < 300, answer
        return answer.envelope

    def has_paired(self, partner: Partner, evse_uid: str) -> str:
        """Return the path of a charger, by the rows that pairing writes."""
        key = ChargerKey(self.user, f"chg_{secrets.token_hex(4)}")
        station = PairedStation(partner.partner_id, Tier.EVSE, (PairedEvse(evse_uid),))
        paired_at = self.stage.cloud.clock.now()
        charger = Charger(key, station, self.location_id, paired_at)
        AccountStore(self.stage.table("users")).save_charger(charger)
        ownership = OwnershipStore(self.stage.table("evse_ownership"))
        write_together(ownership.owning(station, key, "claim", [None], since=paired_at))
        return f"/v1/users/{self.user_id}/chargers/{key.charger_id}"

    def belongings(self, charger_path: str, session_id: str) -> dict[str, str]:
        """Have one of everything that a path names, that charger and a session at it among them; return their ids by
        the names in paths."""
        connecting = {"location_id": self.location_id, "redirect_url": REDIRECT_URL}
        begun = self.done("POST", f"/v1/users/{self.user_id}/chargers/connect-sessions", connecting)
        webhook = self.done("POST", "/v1/webhooks", {"url": NOBODY_LISTENS, "event_types": ["partner.trouble"]})
        self.stage.tokens.add(webhook["secret"])
        former = self.done("POST", "/v1/users", {})["user_id"]
        return {
            "user_id": self.user_id,
            "location_id": self.location_id,
            "charger_id": charger_path.rpartition("/")[2],
            "session_id": session_id,
            "connect_session_id": begun["connect_session_id"],
            "webhook_id": webhook["webhook_id"],
            "delivery_id": self.done("POST", f"/v1/webhooks/{webhook['webhook_id']}/test")["delivery_id"],
            "deletion_id": self.done("DELETE", f"/v1/users/{former}")["deletion_id"],
        }

    def told(self, charger_path: str) -> list[Published]:
        """Return what was published of a charger so far."""
        key = ChargerKey(self.user, charger_path.rpartition("/")[2])
        return PublishedEvents(self.stage.table("events")).after(stream_of(key), 0, 100)

    def _admitted(self) -> tuple[str, str]:
        now, table, owner = datetime.now(UTC), self.stage.table("tenants"), owner_id(self.tenant_id)
        gateway = self.stage.cloud.client("apigateway")
        [plan] = gateway.get_usage_plans()["items"]
        key = UsagePlan(gateway, plan["id"]).add_key(owner)
        keys = {"usage_key": key.value, "usage_key_id": key.key_id}
        TenantStore(table).save(Tenant(self.tenant_id, Look("An app"), redirect_urls=(REDIRECT_URL,), **keys))
        secret, api_key, client_id = (secrets.token_hex(16) for _ in range(3))
        client = Client(new_client_id(owner, client_id), now, secrets=(credential(secret, now),))
        store = AccessStore(table, access_key_of)
        given = store.load(owner).with_client(client).with_api_key(credential(api_key, now), old_ends_at=now)
        store.save(given)
        form = {"grant_type": "client_credentials", "client_id": client.client_id, "client_secret": secret}
        answer = self.stage.http.post(f"{self.stage.cloud.base_url}/oauth/token", data=form)
        assert answer.status_code == 200, answer.text
        token = str(answer.json()["access_token"])
        self.stage.tokens |= {secret, api_key, token}
        return token, api_key
