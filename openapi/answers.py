"""What answers hold that no wire model reads: our own objects, and those of the operator API.

Nothing but the description uses these. The fuzz tests hold every answer of the deployed stack against them.
"""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired

from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from offpeak.grid.model import SignalKind
from offpeak.grid.wire import SignalId
from offpeak.groups.model import GroupKind, Phase
from offpeak.groups.settings import GroupId
from offpeak.ocpi.credentials import Token
from offpeak.ocpi.fields import Instant, Url
from offpeak.pairing.model import Why
from offpeak.partners.audit import Action
from offpeak.partners.model import PartnerStatus, Tier
from offpeak.partners.quality import Verdict
from offpeak.partners.settings import Day, FlagsChange, PairingChange, PartnerId, PartyText, PlanningChange

Count = Annotated[int, Field(ge=0)]


class Version(TypedDict):
    version: str
    url: Url


class Interface(TypedDict):
    identifier: str
    role: Literal["SENDER", "RECEIVER"]
    url: Url


class VersionDetails(TypedDict):
    version: str
    endpoints: list[Interface]


class OurBusinessDetails(TypedDict):
    name: str


class OurRole(TypedDict):
    role: Literal["SCSP"]
    country_code: str
    party_id: str
    business_details: OurBusinessDetails


class OurCredentials(TypedDict):
    """`token` is the one to call us with from now on."""

    token: Token
    url: Url
    roles: list[OurRole]


class AccessToken(TypedDict):
    """RFC 6749, 5.1. `expires_in` is in seconds."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    scope: str


class TokenError(TypedDict):
    """RFC 6749, 5.2. `error_description` is for people."""

    error: str
    error_description: NotRequired[str]


class TokenForm(BaseModel):
    """`client_id` and `client_secret` go here or into HTTP Basic, not into both."""

    grant_type: Literal["client_credentials"]
    client_id: str | None = None
    client_secret: str | None = None
    audience: str | None = None
    scope: str | None = None


class PublicKey(TypedDict):
    """A JSON Web Key (RFC 7517) of the curve P-256."""

    kty: Literal["EC"]
    crv: Literal["P-256"]
    x: str
    y: str
    kid: str
    alg: Literal["ES256"]
    use: Literal["sig"]


class KeySet(TypedDict):
    keys: list[PublicKey]


class PartnerInList(TypedDict):
    partner_id: PartnerId
    name: str
    status: Literal["INVITED", "REGISTERED", "LEFT", "REMOVED", "SUSPENDED"]


class PartnerPage(TypedDict):
    """`next` is the `cursor` of the next page, null at the end."""

    partners: list[PartnerInList]
    next: str | None


class PartnerEndpoint(TypedDict):
    identifier: str
    role: str | None
    url: str


class PartnerShown(TypedDict):
    """A partner without its secrets. `revision` is what the ETag says."""

    partner_id: PartnerId
    name: str
    parties: list[PartyText]
    status: PartnerStatus
    version: str
    peer_versions_url: str | None
    endpoints: list[PartnerEndpoint]
    our_party: PartyText
    our_name: str
    uses_oauth: bool | None
    suspended_at: Instant | None
    flags: FlagsChange
    planning: PlanningChange
    pairing: PairingChange
    revision: Count


class UnpairingShown(TypedDict):
    """`by` is who un-paired, `due_at` when the CPO is told next."""

    unpairing_id: str
    partner_id: PartnerId
    uid: str
    tier: Tier
    by: Why
    since: Instant
    attempts: Count
    due_at: Instant
    problem: str | None


class CodesTried(TypedDict):
    """Codes that led nowhere in the hour that begins then: of a partner in all, of a tenant, a user or a connect
    session."""

    hour: Instant
    kind: Literal["PARTNER", "TENANT", "USER", "CONNECT"]
    whose: str | None
    tries: Count
    most: Count
    is_stopped: bool


class Pairings(TypedDict):
    unpairings: list[UnpairingShown]
    tries: list[CodesTried]


class InvitationGiven(TypedDict):
    """To be sent to the CPO by a safe way; the token is shown this once."""

    partner_id: PartnerId
    token_a: Token
    versions_url: Url


class Call(TypedDict):
    call: str
    outcome: str
    took_ms: Count


class HandshakeShown(TypedDict):
    """How a handshake went, call by call. `problem` is null where it went well."""

    status: PartnerStatus | None
    version: str | None
    problem: str | None
    steps: list[Call]


class ChangedSetting(TypedDict):
    name: str
    before: object
    after: object


class AuditEntry(TypedDict):
    number: Annotated[int, Field(ge=1)]
    at: Instant
    who: str
    via: Literal["api", "command", "ocpi", "clock"]
    action: Action
    note: str | None
    changes: list[ChangedSetting]
    hash: str


class AuditPage(TypedDict):
    """Newest first. `next` is the `cursor` of the next page, null at the end."""

    entries: list[AuditEntry]
    next: str | None


class AuditVerdict(TypedDict):
    """Whether the trail hangs together, and where it does not."""

    entries: Count
    hash: str
    is_whole: bool
    problems: list[str]


class FindingShown(TypedDict):
    about: str
    verdict: Verdict
    told: str
    to_do: NotRequired[str]
    example: NotRequired[str]


class RefusedSample(TypedDict):
    at: Instant
    call: str
    field: str | None
    problem: str
    excerpt: str


class Duration(TypedDict):
    """`p50` and `p95` are seconds, null where nothing was measured."""

    count: Count
    late: Count
    p50: float | None
    p95: float | None


class Quality(TypedDict):
    """What a CPO's system did well and badly on one day, and what to change."""

    partner_id: PartnerId
    day: Day
    findings: list[FindingShown]
    refused_samples: list[RefusedSample]
    durations_s: dict[str, Duration]
    counts: dict[str, Count]


class GroupInList(TypedDict):
    group_id: GroupId
    name: str
    kind: GroupKind
    root_id: GroupId
    parent_id: GroupId | None


class GroupPage(TypedDict):
    """`next` is the `cursor` of the next page, null at the end."""

    groups: list[GroupInList]
    next: str | None


class MemberShown(TypedDict):
    partner_id: PartnerId
    evse_uid: str
    connector_id: str | None
    max_power_w: Count
    phases: int | None
    phase_order: list[Phase] | None
    unmanaged_w: Count | None


class FlowShown(TypedDict):
    """From `start_at` on: one figure in all, or one for each phase."""

    start_at: Instant
    power_w: list[Count]


class CourseShown(TypedDict):
    measured: FlowShown | None
    is_stale: bool
    forecast: list[FlowShown]
    forecast_until: Instant | None


class AvailableStep(TypedDict):
    """What the chargers may draw together from `start_at` on, watts."""

    start_at: Instant
    power_w: Count


class SessionInGroup(TypedDict):
    partner_id: PartnerId
    session_id: str
    evse_uid: str
    connector_id: str | None
    since: Instant


class GroupInTree(TypedDict):
    """`level` is how far below the group that was asked for. `available` is for the next day, the first step from now
    on."""

    group_id: GroupId
    name: str
    kind: GroupKind
    parent_id: GroupId | None
    limit_a: float | None
    limit_w: Count | None
    phases: Count
    voltage_v: Count
    reserve_w: Count
    assumed_load_w: Count | None
    is_balanced: bool
    stale_after_s: Count
    level: Count
    members: list[MemberShown]
    base_load: CourseShown
    pv: CourseShown
    available: list[AvailableStep]
    sessions: list[SessionInGroup]


class GroupShown(TypedDict):
    """A group, first in `groups`, and all below it. `revision` is that of the whole tree, and what the ETag says."""

    group_id: GroupId
    root_id: GroupId
    revision: Count
    is_planned: bool
    groups: list[GroupInTree]


class GroupRemoved(TypedDict):
    group_id: GroupId


class SignalStepShown(TypedDict):
    """One of the values, by the signal's kind."""

    start_at: Instant
    power_w: NotRequired[Count]
    eur_per_kwh: NotRequired[float]
    g_per_kwh: NotRequired[float]
    share: NotRequired[float]


class SignalShown(TypedDict):
    """A signal of the grid. `zone` or `group` is null; `revision` is what the ETag says."""

    signal_id: SignalId
    zone: str | None
    group: str | None
    kind: SignalKind
    steps: list[SignalStepShown]
    end_at: Instant | None
    source: str
    note: str | None
    revision: Count


class SignalPage(TypedDict):
    """In the order of their ids. `next` is the `cursor` of the next page, null at the end."""

    signals: list[SignalShown]
    next: str | None


class Problem(TypedDict):
    """Problem details (RFC 9457). `field` names what is wrong in the body or the query. Refusals that API Gateway makes
    by itself may lack `status`."""

    type: str
    title: str
    status: NotRequired[int]
    detail: str
    field: NotRequired[str]
