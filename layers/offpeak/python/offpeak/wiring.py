"""The composition root: the only reader of the environment; builds each adapter once, on first use.

Imports stand inside the functions so that a Lambda loads only what it uses.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from offpeak.aws.clock import Clock
    from offpeak.aws.queues import FairQueue
    from offpeak.aws.secrets import TokenCipher
    from offpeak.aws.tables import Also, Table
    from offpeak.aws.usage_plans import UsagePlan
    from offpeak.events.outbox import Outbox
    from offpeak.events.publish import Publisher
    from offpeak.grid.announce import Announcements
    from offpeak.grid.carbon_feed import EnergyChartsCarbon
    from offpeak.grid.memory import SignalMemory
    from offpeak.grid.store import SignalStore
    from offpeak.groups.administer import GroupAdministration
    from offpeak.groups.store import GroupStore
    from offpeak.habits.store import HabitStore
    from offpeak.history.begin import Beginner
    from offpeak.history.store import HistoryStore
    from offpeak.locations.chargers import Chargers
    from offpeak.locations.store import LocationStore
    from offpeak.oauth.access_store import AccessStore
    from offpeak.oauth.access_tokens import Issuer
    from offpeak.oauth.key_store import Signer
    from offpeak.oauth.token_request import Office
    from offpeak.ocpi.client import OcpiClient
    from offpeak.ocpi.guarded_http import GuardedHttp
    from offpeak.ocpi.peer_address import PeerAddressRule
    from offpeak.pairing.accounts import AccountStore
    from offpeak.pairing.codes import CodeStore
    from offpeak.pairing.connect_store import ConnectStore
    from offpeak.pairing.cpo import PairingInterfaces
    from offpeak.pairing.deletions import DeletionStore
    from offpeak.pairing.erase import Eraser
    from offpeak.pairing.link import Claimer, Linker
    from offpeak.pairing.own_markets import OwnMarkets
    from offpeak.pairing.ownership import OwnershipStore
    from offpeak.pairing.sweep_connects import ConnectSweeper
    from offpeak.pairing.tell import UnpairingTeller
    from offpeak.pairing.tries import Tries
    from offpeak.pairing.unpair import Unpairer
    from offpeak.pairing.validate import Validator
    from offpeak.pairing.wish import Wishes
    from offpeak.partners.administer import Administration
    from offpeak.partners.admit import Admission
    from offpeak.partners.audit import Actor
    from offpeak.partners.bearer import Bearers
    from offpeak.partners.gates import Gates
    from offpeak.partners.hub_clients import HubClients
    from offpeak.partners.model import Partner
    from offpeak.partners.peer_tokens import PeerTokens
    from offpeak.partners.propose import Initiator
    from offpeak.partners.quality_store import QualityStore
    from offpeak.partners.register import Told
    from offpeak.partners.store import PartnerStore
    from offpeak.partners.trail import AuditTrail
    from offpeak.partners.watch import Watch
    from offpeak.prices.energy_charts import EnergyCharts
    from offpeak.prices.memory import PriceMemory
    from offpeak.prices.store import PriceStore
    from offpeak.profiles.chargers import Reader
    from offpeak.profiles.drivers import Drivers
    from offpeak.profiles.signalled import SignalReplans
    from offpeak.profiles.sites import Sites
    from offpeak.profiles.store import ProfileStore
    from offpeak.profiles.zones import Market
    from offpeak.sessions.plan_queue import PlanQueue
    from offpeak.sessions.prefer import Teller
    from offpeak.sessions.store import SessionStore
    from offpeak.tariffs.store import TariffStore
    from offpeak.tenants.administer import TenantAdministration
    from offpeak.tenants.authorise import Authoriser
    from offpeak.tenants.repeats import RepeatStore
    from offpeak.tenants.store import TenantStore
    from offpeak.webhooks.administer import Webhooks
    from offpeak.webhooks.deliver import Courier
    from offpeak.webhooks.lanes import LaneStore
    from offpeak.webhooks.post import Post
    from offpeak.webhooks.secrets import SecretBox
    from offpeak.webhooks.subscriptions import SubscriptionStore
    from offpeak.webhooks.told import ToldStore
    from offpeak.webhooks.trouble import TroubleWatch


def base_url() -> str:
    """The one address from which every URL that we give out is made; no slash at its end."""
    return os.environ["BASE_URL"].rstrip("/")


@cache
def clock() -> Clock:
    from offpeak.aws.clock import SimulatedClock, SystemClock

    simulated = os.environ.get("SIMULATED_CLOCK_FILE")
    return SimulatedClock(Path(simulated)) if simulated else SystemClock()


@cache
def partners() -> PartnerStore:
    from offpeak.partners.store import PartnerStore

    return PartnerStore(_table("PARTNERS_TABLE"))


@cache
def gates() -> Gates:
    from offpeak.partners.gates import Gates

    return Gates(_table("PARTNERS_TABLE"))


@cache
def audit_trail() -> AuditTrail:
    from offpeak.partners.trail import AuditTrail

    return AuditTrail(_table("AUDIT_TABLE"), _table("PARTNERS_TABLE"))


@cache
def administration() -> Administration:
    from datetime import UTC, datetime

    from offpeak.ocpi.tokens import new_token
    from offpeak.partners.administer import Administration
    from offpeak.partners.forget import forget_access
    from offpeak.partners.peer_access_store import PeerAccessStore
    from offpeak.profiles.replan import ask_for_plans

    return Administration(
        partners(),
        audit_trail(),
        usage_plan(),
        new_token,
        plan_anew=lambda partner_id: ask_for_plans([partner_id], replan_queue(), changed_at=datetime.now(UTC)),
        forget_access=lambda partner_id: forget_access(partner_id, access(), PeerAccessStore(_table("PARTNERS_TABLE"))),
        real_now=lambda: datetime.now(UTC),
    )


@cache
def own_issuer() -> Issuer:
    """Ourselves, as those who give out access tokens."""
    from offpeak.oauth.access_tokens import own_issuer

    return own_issuer(base_url())


@cache
def access() -> AccessStore:
    from offpeak.oauth.access_store import AccessStore

    return AccessStore(_table("PARTNERS_TABLE"))


def token_office(client_id: str) -> Office:
    """Who gives a client its tokens: it is a partner's or a tenant's."""
    from offpeak.oauth.access_store import partner_in
    from offpeak.oauth.token_request import APP_SCOPE, OCPI_SCOPE, Office
    from offpeak.partners.bearer import is_welcome
    from offpeak.tenants.authorise import is_welcome as is_welcome_tenant
    from offpeak.tenants.model import tenant_in

    owner = partner_in(client_id)
    if owner is not None and tenant_in(owner) is not None:
        return Office(
            own_issuer_for_apps(), tenant_access(), lambda each: is_welcome_tenant(each, tenants()), APP_SCOPE
        )
    return Office(own_issuer(), access(), lambda each: is_welcome(each, partners()), OCPI_SCOPE)


@cache
def signer() -> Signer:
    import secrets

    from offpeak.oauth.key_store import Signer, SigningKeyStore

    return Signer(SigningKeyStore(_table("PARTNERS_TABLE")), token_cipher(), new_id=lambda: secrets.token_urlsafe(12))


@cache
def bearers() -> Bearers:
    from datetime import UTC, datetime

    from offpeak.oauth.key_sets import outside_keys, own_keys
    from offpeak.oauth.key_store import SigningKeyStore
    from offpeak.partners.bearer import Bearers

    return Bearers(
        partners(),
        access(),
        own_issuer(),
        own_keys(SigningKeyStore(_table("PARTNERS_TABLE"))),
        outside_keys(guarded_http()),
        real_now=lambda: datetime.now(UTC),
    )


@cache
def own_issuer_for_apps() -> Issuer:
    """The same, of tokens for tenants."""
    from offpeak.oauth.access_tokens import own_issuer_for_apps

    return own_issuer_for_apps(base_url())


@cache
def tenants() -> TenantStore:
    from offpeak.tenants.store import TenantStore

    return TenantStore(_table("TENANTS_TABLE"))


@cache
def tenant_trail() -> AuditTrail:
    """The audit trails of tenants."""
    from offpeak.partners.trail import AuditTrail
    from offpeak.tenants.store import trail_head

    return AuditTrail(_table("AUDIT_TABLE"), _table("TENANTS_TABLE"), trail_head)


@cache
def tenant_administration() -> TenantAdministration:
    import secrets
    from datetime import UTC, datetime

    from offpeak.partners.client_keeper import ClientKeeper
    from offpeak.tenants.administer import TenantAdministration
    from offpeak.tenants.model import tenant_in
    from offpeak.webhooks.end import end_webhooks

    def real_now() -> datetime:
        return datetime.now(UTC)

    return TenantAdministration(
        tenants(),
        tenant_trail(),
        usage_plan(),
        ClientKeeper(
            tenant_access(),
            tenant_trail(),
            lambda owner: tenants().known(tenant_in(owner) or ""),
            secrets.token_urlsafe,
            real_now,
        ),
        is_partner=lambda partner_id: partners().load(partner_id) is not None,
        has_users=lambda tenant_id: bool(accounts().page(tenant_id, None, 1)[0]),
        end_webhooks=lambda tenant: end_webhooks(tenant, subscriptions(), told_of_trouble()),
        real_now=real_now,
    )


@cache
def repeats() -> RepeatStore:
    from offpeak.tenants.repeats import RepeatStore

    return RepeatStore(_table("APP_REQUESTS_TABLE"))


@cache
def tenant_access() -> AccessStore:
    from offpeak.oauth.access_store import AccessStore
    from offpeak.tenants.store import access_key_of

    return AccessStore(_table("TENANTS_TABLE"), access_key_of)


@cache
def authoriser() -> Authoriser:
    """Who decides on every request behind the authoriser, of partners and tenants."""
    from datetime import UTC, datetime

    from offpeak.oauth.key_sets import own_keys
    from offpeak.oauth.key_store import SigningKeyStore
    from offpeak.partners import authorise as of_partners
    from offpeak.tenants.authorise import Authoriser, TenantBearers

    keys = own_keys(SigningKeyStore(_table("PARTNERS_TABLE")))
    return Authoriser(
        of_partners.Authoriser(partners(), bearers()),
        TenantBearers(tenants(), tenant_access(), own_issuer_for_apps(), keys, real_now=lambda: datetime.now(UTC)),
    )


@cache
def peer_tokens() -> PeerTokens:
    """What partners are called with. Whoever calls them writes the partners table, and may use the token key."""
    import random
    from datetime import UTC, datetime
    from uuid import uuid4

    from offpeak.partners.peer_access_store import PeerAccessStore
    from offpeak.partners.peer_tokens import PeerTokens

    return PeerTokens(
        partners(),
        PeerAccessStore(_table("PARTNERS_TABLE")),
        token_cipher(),
        guarded_http(),
        ocpi_client(),
        real_now=lambda: datetime.now(UTC),
        spread=random.random,
        new_id=lambda: str(uuid4()),
    )


@cache
def quality() -> QualityStore:
    from offpeak.partners.quality_store import QualityStore

    return QualityStore(_table("QUALITY_TABLE"))


@cache
def watch() -> Watch:
    """Keeps what is noticed of partners."""
    from offpeak.partners.watch import Watch

    return Watch(quality(), clock().now)


def told_by(actor: Actor) -> Told:
    """What tells the audit trail of changes that `actor` makes."""
    from datetime import UTC, datetime

    from offpeak.partners.audit import Action, changes_between

    def told(action: Action, before: Partner | None, after: Partner) -> Also:
        changes = changes_between(before, after)
        return audit_trail().next_entry(after.partner_id, action, actor, changes, at=datetime.now(UTC))[1]

    return told


def initiator(actor: Actor, partner: Partner | None = None) -> Initiator:
    """What it takes to begin one registration, rotation or withdrawal, in the name of `actor`.

    `partner` is whom it is about, where it is known already: it may want an access token.
    """
    from uuid import uuid4

    from offpeak.ocpi.envelope import RequestIds
    from offpeak.ocpi.paths import VERSIONS_PATH
    from offpeak.ocpi.tokens import new_token
    from offpeak.partners.handshake import Handshake
    from offpeak.partners.propose import Initiator

    ids = RequestIds(str(uuid4()), str(uuid4()))
    return Initiator(
        partners(),
        token_cipher(),
        Handshake(
            ocpi_client(),
            peer_address_rule(),
            ids,
            lambda: str(uuid4()),
            access=lambda: peer_tokens().access_to(partner) if partner else None,
        ),
        base_url() + VERSIONS_PATH,
        new_token,
        clock().now(),
        told_by(actor),
    )


@cache
def admission() -> Admission:
    import secrets
    from datetime import UTC, datetime

    from offpeak.partners.admit import Admission
    from offpeak.partners.client_keeper import ClientKeeper

    def real_now() -> datetime:
        return datetime.now(UTC)

    keeper = ClientKeeper(access(), audit_trail(), partners().known, secrets.token_urlsafe, real_now)
    return Admission(partners(), keeper, peer_tokens(), token_cipher(), peer_address_rule(), real_now)


@cache
def token_cipher() -> TokenCipher:
    from offpeak.aws.secrets import TokenCipher

    return TokenCipher(_client("kms"), os.environ["TOKEN_KEY_ID"])


@cache
def usage_plan() -> UsagePlan:
    from offpeak.aws.usage_plans import UsagePlan

    return UsagePlan(_client("apigateway"), os.environ["USAGE_PLAN_ID"])


@cache
def sessions() -> SessionStore:
    from offpeak.sessions.store import SessionStore

    return SessionStore(_table("SESSIONS_TABLE"))


@cache
def profiles() -> ProfileStore:
    from offpeak.profiles.store import ProfileStore

    return ProfileStore(_table("SESSIONS_TABLE"), _table("PROFILE_REQUESTS_TABLE"))


@cache
def locations() -> LocationStore:
    from offpeak.locations.store import LocationStore

    return LocationStore(_table("LOCATIONS_TABLE"))


@cache
def chargers() -> Chargers:
    from offpeak.locations.chargers import Chargers

    return Chargers(_table("LOCATIONS_TABLE"))


@cache
def groups() -> GroupStore:
    from offpeak.groups.store import GroupStore

    return GroupStore(_table("LIMIT_GROUPS_TABLE"))


@cache
def group_trail() -> AuditTrail:
    """The audit trails of trees of limit groups."""
    from offpeak.groups.administer import trail_head
    from offpeak.partners.trail import AuditTrail

    return AuditTrail(_table("AUDIT_TABLE"), _table("LIMIT_GROUPS_TABLE"), trail_head)


@cache
def group_administration() -> GroupAdministration:
    from datetime import UTC, datetime

    from offpeak.groups.administer import GroupAdministration
    from offpeak.profiles.replan import ask_for_plans

    return GroupAdministration(
        groups(),
        group_trail(),
        ask_plan=lambda root_id, plan_wanted: plan_queue().ask_group(root_id, plan_wanted),
        plan_anew=lambda partner_id: ask_for_plans([partner_id], replan_queue(), changed_at=datetime.now(UTC)),
        now=clock().now,
        real_now=lambda: datetime.now(UTC),
    )


@cache
def tariffs() -> TariffStore:
    from offpeak.tariffs.store import TariffStore

    return TariffStore(_table("TARIFFS_TABLE"))


@cache
def sites() -> Sites:
    from offpeak.profiles.sites import Sites

    return Sites(chargers(), tariffs())


@cache
def accounts() -> AccountStore:
    from offpeak.pairing.accounts import AccountStore

    return AccountStore(_table("USERS_TABLE"))


@cache
def ownership() -> OwnershipStore:
    from offpeak.pairing.ownership import OwnershipStore

    return OwnershipStore(_table("EVSE_OWNERSHIP_TABLE"))


@cache
def wishes() -> Wishes:
    """What changes a driver's settings: reads and writes users and sessions, and sends to the plan queue."""
    from datetime import UTC, datetime

    from offpeak.pairing.wish import Wishes

    return Wishes(accounts(), sessions(), plan_queue(), clock().now, lambda: datetime.now(UTC))


@cache
def own_markets() -> OwnMarkets:
    from offpeak.pairing.own_markets import OwnMarkets

    return OwnMarkets(_table("OWN_MARKETS_TABLE"))


def markets() -> list[Market]:
    """In which zones partners have sessions: reads partners and own_markets."""
    from offpeak.profiles.zones import markets_of

    return markets_of(partners().all(), own_markets().all())


@cache
def charger_reader() -> Reader:
    """What apps may see: reads users, sessions, profile requests, partners, locations and tariffs."""
    from offpeak.profiles.chargers import Reader

    return Reader(accounts(), sessions(), profiles(), partners(), sites())


@cache
def drivers() -> Drivers:
    from offpeak.profiles.drivers import Drivers

    return Drivers(ownership(), accounts())


@cache
def preferences_teller() -> Teller:
    from datetime import UTC, datetime

    from offpeak.sessions.prefer import Teller

    return Teller(sessions(), gates(), peer_tokens(), ocpi_client(), real_now=lambda: datetime.now(UTC))


@cache
def hub_clients() -> HubClients:
    from offpeak.partners.hub_clients import HubClients

    return HubClients(_table("HUB_CLIENTS_TABLE"))


@cache
def prices() -> PriceStore:
    from offpeak.prices.store import PriceStore

    return PriceStore(_table("PRICES_TABLE"))


@cache
def price_memory() -> PriceMemory:
    from offpeak.prices.memory import PriceMemory

    return PriceMemory(prices())


@cache
def price_feed() -> EnergyCharts:
    from offpeak.prices.energy_charts import EnergyCharts

    return EnergyCharts(os.environ["PRICE_FEED_URL"])


@cache
def carbon_feed() -> EnergyChartsCarbon:
    from offpeak.grid.carbon_feed import EnergyChartsCarbon

    return EnergyChartsCarbon(os.environ["PRICE_FEED_URL"])


@cache
def habits() -> HabitStore:
    from offpeak.habits.store import HabitStore

    return HabitStore(_table("HABITS_TABLE"))


@cache
def signals() -> SignalStore:
    from offpeak.grid.store import SignalStore

    return SignalStore(_table("GRID_SIGNALS_TABLE"))


@cache
def signal_memory() -> SignalMemory:
    from offpeak.grid.memory import SignalMemory

    return SignalMemory(signals())


@cache
def signal_trail() -> AuditTrail:
    """The audit trail of signals; where it ends is told in their own table, so that who writes signals writes no
    partners."""
    from offpeak.partners.trail import AuditTrail

    return AuditTrail(_table("AUDIT_TABLE"), _table("GRID_SIGNALS_TABLE"))


@cache
def signal_replans() -> SignalReplans:
    from datetime import UTC, datetime

    from offpeak.profiles.signalled import SignalReplans

    def want_group_plan(group_id: str) -> None:
        root_id = groups().find_root(group_id)
        if root_id is None:
            return
        wanted = groups().want_plan(root_id, now=clock().now(), received_at=datetime.now(UTC))
        if wanted is not None:
            plan_queue().ask_group(root_id, wanted)

    return SignalReplans(
        signals(),
        markets,
        replan_queue(),
        want_group_plan,
        real_now=lambda: datetime.now(UTC),
    )


@cache
def zone_replans() -> SignalReplans:
    """The same for signals of zones: a feed has no others, and who fetches it touches no limit group."""
    from datetime import UTC, datetime

    from offpeak.profiles.signalled import SignalReplans

    return SignalReplans(signals(), markets, replan_queue(), lambda _: None, real_now=lambda: datetime.now(UTC))


@cache
def announcements() -> Announcements:
    from datetime import UTC, datetime

    from offpeak.grid.announce import Announcements

    return Announcements(
        signals(),
        signal_trail(),
        lambda scope: signal_replans().ask(scope),
        is_group=lambda group_id: groups().find_root(group_id) is not None,
        now=clock().now,
        real_now=lambda: datetime.now(UTC),
    )


@cache
def plan_queue() -> PlanQueue:
    from offpeak.aws.queues import FifoQueue
    from offpeak.sessions.plan_queue import PlanQueue

    return PlanQueue(FifoQueue(_client("sqs"), os.environ["PLAN_QUEUE_URL"]))


@cache
def send_queue() -> FairQueue:
    from offpeak.aws.queues import FairQueue

    return FairQueue(_client("sqs"), os.environ["SEND_QUEUE_URL"])


@cache
def replan_queue() -> FairQueue:
    from offpeak.aws.queues import FairQueue

    return FairQueue(_client("sqs"), os.environ["REPLAN_QUEUE_URL"])


def refuses_session(partner_id: str, evse_uid: str, began: datetime | None) -> str | None:
    """Say why nothing is taken of a session: its EVSE was un-paired."""
    from offpeak.pairing.refuse import refusing

    return refusing(ownership(), partner_id, evse_uid, began)


@cache
def issued_codes() -> CodeStore:
    from offpeak.pairing.codes import CodeStore

    return CodeStore(_table("CONNECT_SESSIONS_TABLE"))


@cache
def tries() -> Tries:
    from offpeak.pairing.tries import Tries

    return Tries(_table("CONNECT_SESSIONS_TABLE"))


def plan_anew_at(partner_id: str, evse_uids: Sequence[str]) -> None:
    """Have the running sessions of EVSEs planned: whose they are has changed."""
    from datetime import UTC, datetime

    from offpeak.sessions.at_evse import plan_anew_at

    now = clock().now()
    plan_anew_at(partner_id, evse_uids, sessions(), plan_queue(), now=now, received_at=datetime.now(UTC))


@cache
def pairing_interfaces() -> PairingInterfaces:
    from datetime import UTC, datetime

    from offpeak.pairing.cpo import PairingInterfaces

    return PairingInterfaces(gates(), peer_tokens(), ocpi_client(), real_now=lambda: datetime.now(UTC))


@cache
def claimer() -> Claimer:
    """What gives chargers to drivers: writes users, evse_ownership, own_markets, events and sessions, and sends to the
    events and plan queues."""
    from datetime import UTC, datetime

    from offpeak.pairing.link import Claimer
    from offpeak.pairing.wish import causes_at

    return Claimer(
        accounts(),
        ownership(),
        own_markets(),
        outbox(),
        lambda paired: causes_at(paired, wishes()),
        plan_anew_at,
        real_now=lambda: datetime.now(UTC),
    )


@cache
def linker() -> Linker:
    """What links chargers by a code: beside that it counts in connect_sessions, and calls partners."""
    from uuid import uuid4

    from offpeak.pairing.link import Linker

    return Linker(claimer(), pairing_interfaces(), tries(), new_id=lambda: str(uuid4()))


@cache
def connects() -> ConnectStore:
    from offpeak.pairing.connect_store import ConnectStore

    return ConnectStore(_table("CONNECT_SESSIONS_TABLE"))


@cache
def pairing_queue() -> FairQueue:
    from offpeak.aws.queues import FairQueue

    return FairQueue(_client("sqs"), os.environ["PAIRING_QUEUE_URL"])


@cache
def validator() -> Validator:
    """What asks CPOs for codes: all that linking takes, and the pairing queue to ask again."""
    from datetime import UTC, datetime

    from offpeak.pairing.ask import ask_for
    from offpeak.pairing.link import followed, link
    from offpeak.pairing.validate import Validator

    return Validator(
        connects(),
        accounts(),
        partners().load_cached,
        link=lambda code, partner, key, location_id, claim_id, also: link(
            code, partner, key, location_id, claim_id, linker(), now=clock().now(), also=also
        ),
        follow=lambda charger: followed(charger, claimer()),
        ask=lambda session, delay_s: ask_for(session, pairing_queue(), delay_s=delay_s),
        real_now=lambda: datetime.now(UTC),
    )


@cache
def connect_sweeper() -> ConnectSweeper:
    from datetime import UTC, datetime

    from offpeak.pairing.ask import ask_for
    from offpeak.pairing.sweep_connects import ConnectSweeper

    return ConnectSweeper(
        connects(),
        accounts(),
        ask=lambda session: ask_for(session, pairing_queue()),
        real_now=lambda: datetime.now(UTC),
    )


@cache
def deletions() -> DeletionStore:
    from offpeak.pairing.deletions import DeletionStore

    return DeletionStore(_table("USERS_TABLE"))


@cache
def eraser() -> Eraser:
    from datetime import UTC, datetime

    from offpeak.events.publish import PublishedEvents
    from offpeak.pairing.erase import Eraser

    return Eraser(
        deletions(),
        _table("USERS_TABLE"),
        _table("SESSIONS_TABLE"),
        connects(),
        habits(),
        repeats(),
        PublishedEvents(_table("EVENTS_TABLE")),
        unpairer,
        now=clock().now,
        real_now=lambda: datetime.now(UTC),
    )


@cache
def unpairer() -> Unpairer:
    """What un-pairs chargers: writes users, evse_ownership, events and sessions, and sends to the events and plan
    queues."""
    import secrets
    from datetime import UTC, datetime

    from offpeak.pairing.unpair import Unpairer
    from offpeak.pairing.wish import causes_at

    return Unpairer(
        accounts(),
        ownership(),
        outbox(),
        lambda paired: causes_at(paired, wishes()),
        plan_anew_at,
        real_now=lambda: datetime.now(UTC),
        new_id=lambda: f"unp_{secrets.token_urlsafe(16)}",
    )


@cache
def unpairing_teller() -> UnpairingTeller:
    from datetime import UTC, datetime
    from uuid import uuid4

    from offpeak.pairing.tell import UnpairingTeller

    return UnpairingTeller(
        ownership(),
        partners(),
        pairing_interfaces(),
        plan_anew_at,
        real_now=lambda: datetime.now(UTC),
        new_id=lambda: str(uuid4()),
    )


@cache
def outbox() -> Outbox:
    """Where events are told. Whoever tells some writes the events table, and sends to the events queue."""
    from offpeak.aws.queues import FifoQueue
    from offpeak.events.outbox import Outbox

    return Outbox(_table("EVENTS_TABLE"), FifoQueue(_client("sqs"), os.environ["EVENTS_QUEUE_URL"]))


@cache
def publisher() -> Publisher:
    from datetime import UTC, datetime

    from offpeak.events.publish import Audience, Publisher
    from offpeak.webhooks.hand_over import HandOver

    hand_over = HandOver(subscriptions(), lanes(), webhooks_queue())
    audience = Audience(hand_over.deliveries_of, lambda event: hand_over.wake(event, clock().now()))
    return Publisher(_table("EVENTS_TABLE"), outbox(), audience, lambda: datetime.now(UTC))


def sweep_outbox(now: datetime) -> int:
    """Ask again for events whose message was lost. `now` is the real time."""
    from offpeak.events.publish import sweep_outbox

    return sweep_outbox(_table("EVENTS_TABLE"), outbox(), now)


@cache
def trouble_watch() -> TroubleWatch:
    from offpeak.webhooks.trouble import TroubleWatch

    return TroubleWatch(told_of_trouble(), outbox(), gates())


@cache
def told_of_trouble() -> ToldStore:
    """What tenants know of partners in trouble."""
    from offpeak.webhooks.told import ToldStore

    return ToldStore(_table("EVENTS_TABLE"))


@cache
def subscriptions() -> SubscriptionStore:
    from offpeak.webhooks.subscriptions import SubscriptionStore

    return SubscriptionStore(_table("WEBHOOKS_TABLE"))


@cache
def lanes() -> LaneStore:
    from offpeak.webhooks.lanes import LaneStore

    return LaneStore(_table("WEBHOOKS_TABLE"))


@cache
def webhooks_queue() -> FairQueue:
    from offpeak.aws.queues import FairQueue

    return FairQueue(_client("sqs"), os.environ["WEBHOOKS_QUEUE_URL"])


@cache
def secret_box() -> SecretBox:
    import secrets

    from offpeak.webhooks.secrets import SecretBox

    return SecretBox(token_cipher(), lambda: secrets.token_urlsafe(32))


@cache
def post() -> Post:
    """What sends deliveries. Whoever does may use the token key, which closes over webhooks' secrets too."""
    from datetime import UTC, datetime

    from offpeak.webhooks.post import Post

    return Post(guarded_http(), secret_box(), lambda: datetime.now(UTC))


@cache
def courier() -> Courier:
    import secrets
    from datetime import UTC, datetime

    from offpeak.webhooks.deliver import Courier

    return Courier(
        subscriptions(),
        lanes(),
        post(),
        webhooks_queue(),
        tenants().is_shut_out,
        now=clock().now,
        real_now=lambda: datetime.now(UTC),
        new_id=lambda: secrets.token_urlsafe(12),
    )


@cache
def webhooks() -> Webhooks:
    from datetime import UTC, datetime

    from offpeak.webhooks.administer import Webhooks

    return Webhooks(
        subscriptions(),
        lanes(),
        secret_box(),
        post(),
        webhooks_queue(),
        peer_address_rule(),
        now=clock().now,
        real_now=lambda: datetime.now(UTC),
    )


@cache
def history() -> HistoryStore:
    from offpeak.history.store import HistoryStore

    return HistoryStore(_table("HISTORY_TABLE"))


@cache
def history_beginner() -> Beginner:
    import secrets
    from datetime import UTC, datetime

    from offpeak.aws.queues import FairQueue
    from offpeak.history.begin import Beginner
    from offpeak.history.queue import HistoryQueue

    queue = HistoryQueue(FairQueue(_client("sqs"), os.environ["HISTORY_QUEUE_URL"]))
    return Beginner(history(), queue, real_now=lambda: datetime.now(UTC), new_id=lambda: secrets.token_urlsafe(16))


@cache
def peer_address_rule() -> PeerAddressRule:
    """Loopback peers exist in the local stack only, where the simulators run."""
    from offpeak.ocpi.peer_address import PeerAddressRule

    return PeerAddressRule(loopback=os.environ.get("LOOPBACK_PEERS") == "allowed")


@cache
def guarded_http() -> GuardedHttp:
    from offpeak.ocpi.guarded_http import GuardedHttp

    return GuardedHttp(peer_address_rule())


@cache
def ocpi_client() -> OcpiClient:
    from offpeak.ocpi.client import OcpiClient

    return OcpiClient(peer_address_rule())


def _table(variable: str) -> Table:
    from offpeak.aws.tables import Table

    return Table(_client("dynamodb"), os.environ[variable])


@cache
def _client(service: str) -> Any:
    import boto3

    return boto3.client(service)
