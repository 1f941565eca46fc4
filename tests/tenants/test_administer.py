"""What operators do to tenants, and what of it is told in the trail."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from offpeak.aws.tables import Also
from offpeak.aws.usage_plans import UsageKey
from offpeak.errors import AlreadyExists, InUse, InvalidMessage, OutOfDate, UnknownObject
from offpeak.oauth.access_store import AccessStore
from offpeak.ocpi.fields import read_object
from offpeak.partners.audit import Actor
from offpeak.partners.client_keeper import ClientKeeper
from offpeak.partners.trail import AuditTrail
from offpeak.tenants.administer import TenantAdministration
from offpeak.tenants.model import Tenant, owner_id, tenant_in
from offpeak.tenants.settings import TenantChange
from offpeak.tenants.store import TenantStore, access_key_of, trail_head
from offpeak.webhooks.end import end_webhooks
from offpeak.webhooks.model import Secret, Subscription, WebhookKey
from offpeak.webhooks.subscriptions import SubscriptionStore
from offpeak.webhooks.told import ToldStore
from tests.conftest import MakeTable

NOW = datetime(2027, 3, 1, 18, tzinfo=UTC)
ALICE = Actor("arn:aws:iam::111122223333:user/alice", "api")
NEW = TenantChange(name="Hearth Energy", colour="#224488", partner_ids=["acme"])


class Plan:
    """The usage plan's keys by name."""

    def __init__(self) -> None:
        self.keys: dict[str, UsageKey] = {}

    def add_key(self, partner_id: str) -> UsageKey:
        return self.keys.setdefault(partner_id, UsageKey(f"id-{partner_id}", f"value-{partner_id}"))

    def restore_key(self, partner_id: str, key: UsageKey) -> UsageKey:
        return self.keys.setdefault(partner_id, UsageKey(f"new-{partner_id}", key.value))


@dataclass
class Office:
    by: TenantAdministration
    plan: Plan
    users: set[str]

    def told(self) -> list[tuple[str, dict[str, object]]]:
        entries = self.by.trail.entries(owner_id("hearth"), limit=50)
        return [(each.action.value, {change.name: change.after for change in each.changes}) for each in entries[::-1]]


@pytest.fixture
def office(make_table: MakeTable) -> Office:
    tenants, audit = make_table("tenants"), make_table("audit")
    store, trail, plan, users = TenantStore(tenants), AuditTrail(audit, tenants, trail_head), Plan(), set[str]()
    access = AccessStore(tenants, access_key_of)
    keeper = ClientKeeper(
        access, trail, lambda owner: store.known(tenant_in(owner) or ""), secrets.token_urlsafe, lambda: NOW
    )
    by = TenantAdministration(
        store,
        trail,
        plan,
        keeper,
        is_partner=lambda partner_id: partner_id in ("acme", "volta"),
        has_users=lambda tenant_id: tenant_id in users,
        end_webhooks=lambda tenant: [],
        real_now=lambda: NOW,
    )
    return Office(by, plan, users)


def test_a_tenant_is_added_with_a_throttling_key_of_its_own(office: Office) -> None:
    made = office.by.add("hearth", NEW, ALICE)
    assert (made.look.name, made.look.colour, made.partner_ids) == ("Hearth Energy", "#224488", ("acme",))
    assert made.usage_key == office.plan.keys["tenant~hearth"].value
    assert office.told()[0][0] == "added"
    assert "usage_key" not in office.told()[0][1]
    with pytest.raises(AlreadyExists):
        office.by.add("hearth", NEW, ALICE)


def test_a_tenant_without_a_name_and_one_of_an_unknown_partner_are_refused(office: Office) -> None:
    with pytest.raises(InvalidMessage) as refusal:
        office.by.add("hearth", TenantChange(), ALICE)
    assert refusal.value.field == "settings.name"
    office.by.add("hearth", NEW, ALICE)
    with pytest.raises(InvalidMessage) as refusal:
        office.by.change("hearth", TenantChange(partner_ids=["acme", "nobody"]), ALICE)
    assert refusal.value.field == "settings.partner_ids.1"


def test_a_change_names_what_it_changes_and_is_told(office: Office) -> None:
    made = office.by.add("hearth", NEW, ALICE)
    changed = office.by.change("hearth", TenantChange(partner_ids=["volta", "acme", "volta"]), ALICE, seen=1)
    assert (changed.look, changed.partner_ids) == (made.look, ("volta", "acme"))
    assert office.told()[1] == ("changed", {"partner_ids": ["volta", "acme"]})
    with pytest.raises(OutOfDate):
        office.by.change("hearth", TenantChange(name="Other"), ALICE, seen=1)


def test_suspending_and_resuming_are_told_once_each(office: Office) -> None:
    office.by.add("hearth", NEW, ALICE)
    assert office.by.suspend("hearth", ALICE, note="keys have leaked").suspended_at == NOW
    office.by.suspend("hearth", ALICE)
    assert not office.by.resume("hearth", ALICE).is_suspended
    assert [action for action, _ in office.told()] == ["added", "suspended", "resumed"]


def test_clients_and_keys_are_made_followed_and_ended_under_the_tenants_name(office: Office) -> None:
    office.by.add("hearth", NEW, ALICE)
    made = office.by.create_client("hearth", ALICE)
    assert made.client_id.startswith("tenant~hearth.")
    assert made.api_key
    assert office.by.create_client("hearth", ALICE).api_key is None, "there is a good one already"
    secret = office.by.rotate_client("hearth", made.client_id, timedelta(hours=1), ALICE)
    key = office.by.add_api_key("hearth", timedelta(hours=1), ALICE)
    access = office.by.clients.access.load(owner_id("hearth"))
    client = access.client(made.client_id)
    assert client is not None
    assert len(client.secrets) == 2
    assert access.has_api_key(made.api_key, NOW)
    assert not access.has_api_key(made.api_key, NOW + timedelta(hours=1))
    assert access.has_api_key(key, NOW + timedelta(days=365))
    office.by.revoke_client("hearth", made.client_id, ALICE)
    office.by.revoke_api_key("hearth", key[:6], ALICE)
    assert office.by.clients.access.load(owner_id("hearth")).client(made.client_id) is None
    told = str(office.told())
    assert not any(hidden in told for hidden in (secret, key, made.secret, made.api_key))
    assert office.by.trail.verify(owner_id("hearth")).problems == ()


def test_nothing_is_made_for_a_tenant_that_does_not_exist(office: Office) -> None:
    with pytest.raises(UnknownObject):
        office.by.create_client("nobody", ALICE)


def test_a_tenant_goes_with_its_keys_once_it_has_no_users(office: Office) -> None:
    office.by.add("hearth", NEW, ALICE)
    office.by.create_client("hearth", ALICE)
    office.users.add("hearth")
    with pytest.raises(InUse):
        office.by.remove("hearth", ALICE)
    office.users.clear()
    office.by.remove("hearth", ALICE)
    with pytest.raises(UnknownObject):
        office.by.known("hearth")
    assert not office.by.clients.access.load(owner_id("hearth")).clients
    assert office.told()[-1][0] == "removed"


def test_a_webhook_that_is_made_while_its_tenant_is_made_or_removed_is_ended_too(
    office: Office, make_table: MakeTable
) -> None:
    webhooks, told = SubscriptionStore(make_table("webhooks")), ToldStore(make_table("events"))
    late: list[WebhookKey] = []

    def end(tenant: Tenant) -> Also:
        none = end_webhooks(tenant, webhooks, told)
        while late:
            webhooks.add(Subscription(late.pop(), "https://shop.example/", NOW, Secret("closed")))
        return none

    by = replace(office.by, end_webhooks=end)
    late.append(WebhookKey("hearth", "whk_late"))
    assert by.add("hearth", NEW, ALICE).revision == 1
    assert webhooks.of("hearth") == []
    late.append(WebhookKey("hearth", "whk_later"))
    by.remove("hearth", ALICE, seen=1)
    assert (office.by.store.load("hearth"), webhooks.of("hearth")) == (None, [])
    assert [action for action, _ in office.told()] == ["added", "removed"]


def test_a_lost_throttling_key_is_made_anew(office: Office) -> None:
    value = office.by.add("hearth", NEW, ALICE).usage_key
    office.plan.keys.clear()
    restored = office.by.restore_key("hearth")
    assert (restored.usage_key, restored.usage_key_id) == (value, "new-tenant~hearth")


@pytest.mark.parametrize(
    "url",
    [
        "http://hearth.example/paired",
        "http://localhost/paired",
        "http://127.0.0.1.evil.example/paired",
        "http://127.0.0.1:80@evil.example/",
        "http://127.0.0.2/paired",
        "http://[::1]x/paired",
        "http://127.0.0.1:65536/paired",
        "http://127.0.0.1:\u0664\u0664/paired",
        "javascript://hearth.example/%0aalert(1)",
        "JAVASCRIPT://x",
        "data://text/html",
        "https://",
        "https:///paired",
        "https://user@hearth.example/",
        "https://hearth.example/paired?x=1",
        "https://hearth.example/paired#x",
        "https://hearth.example/pai red",
        "https://hearth.example\\@evil.example/",
        "hearth.example/paired",
        "https:hearth.example",
    ],
)
def test_no_way_back_leads_elsewhere_than_it_seems(url: str) -> None:
    with pytest.raises(InvalidMessage) as refusal:
        read_object(TenantChange, {"redirect_urls": [url]})
    assert refusal.value.field == "redirect_urls.0"


@pytest.mark.parametrize(
    "url",
    [
        "https://app.hearth.example/paired",
        "com.hearth.app://paired",
        "hearth://paired/",
        "http://127.0.0.1/paired",
        "http://127.0.0.1:8400",
        "http://127.0.0.1:65535/paired",
        "http://[::1]/paired",
    ],
)
def test_a_way_back_is_a_page_or_an_app(url: str) -> None:
    assert read_object(TenantChange, {"redirect_urls": [url]}).redirect_urls == [url]
