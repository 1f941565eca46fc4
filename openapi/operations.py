"""What each method of each route is for: its words, what it takes and gives, and the errors it may end in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from functions.ops_api import NewPartner, Settings, Suspension
from infra.routes import GROUP, GROUP_MEMBER, LOCATION, OAUTH_PATH, PARTNER, SIGNAL, SIGNALS, SIGNALS_AUDIT
from offpeak.errors import (
    AlreadyExists,
    InvalidMessage,
    MethodNotAllowed,
    OutOfDate,
    PeerUnusable,
    TokenRefused,
    UnknownLocation,
    UnknownObject,
)
from offpeak.grid.wire import NewSignalObject, SignalObject
from offpeak.groups.settings import GroupChange, LoadTold, MembersChange, MemberSettings, NewGroup
from offpeak.ocpi.chargingprofiles import ActiveChargingProfileObject, ResultObject
from offpeak.ocpi.credentials import CredentialsObject
from offpeak.ocpi.locations import REQUIRED as REQUIRED_OF
from offpeak.ocpi.locations import ConnectorObject, EvseObject, LocationObject
from offpeak.ocpi.pairing import EvsePaired, StationPaired
from offpeak.ocpi.sessions import REQUIRED, SessionObject
from offpeak.ocpi.tariffs import TariffObject
from offpeak.partners.hub_clients import ClientInfoObject
from offpeak.sessions.parse import LENIENT_REQUIRED
from openapi import answers
from openapi.app_operations import APP_OPERATIONS
from openapi.operation import READS, Operation
from openapi.tenant_operations import TENANT_OPERATIONS
from openapi.trail import trail
from openapi.webhook_operations import WEBHOOK_OPERATIONS

SESSION = "/ocpi/emsp/{version}/sessions/{country_code}/{party_id}/{session_id}"
TARIFF = "/ocpi/emsp/{version}/tariffs/{country_code}/{party_id}/{tariff_id}"
HUB_CLIENT = "/ocpi/emsp/{version}/hubclientinfo/{country_code}/{party_id}"
CREDENTIALS = "/ocpi/{version}/credentials"
PROFILES = "/ocpi/emsp/{version}/chargingprofiles"
EVSE = f"{LOCATION}/{{evse_uid}}"
CONNECTOR = f"{EVSE}/{{connector_id}}"

PATCHED = ("last_updated",)


def _of_a_location(what: str, model: Any) -> dict[str, Operation]:
    given = tuple(name for name in REQUIRED_OF[model] if name in ("last_updated",))
    return {
        "GET": Operation(f"Read {what} as we have it", data=model, given=given, raises=(UnknownObject, InvalidMessage)),
        "PUT": Operation(
            f"Tell {what} whole", body=model, raises=(*READS, UnknownObject), may_create=True, text=STAMPED
        ),
        "PATCH": Operation(
            f"Change fields of {what}", body=model, required=PATCHED, raises=(*READS, UnknownObject), text=STAMPED
        ),
    }


def _of_a_member(what: str) -> dict[str, Operation]:
    return {
        "PUT": Operation(
            f"Take {what} into a group, or change what is set of it",
            data=answers.GroupShown,
            body=MemberSettings,
            raises=(*READS, UnknownObject, OutOfDate),
            needs_revision=True,
            text="A charger that is in another group leaves that one.",
        ),
        "DELETE": Operation(
            f"Let {what} go from a group",
            data=answers.GroupShown,
            raises=(UnknownObject, OutOfDate, InvalidMessage),
            needs_revision=True,
        ),
    }


STAMPED = "What is older than what we have changes nothing, and is answered like what is newer."
SESSION_TEXT = (
    f"Required are {', '.join(LENIENT_REQUIRED)}; what else OCPI requires is demanded of partners that are held to the "
    "letter (`flags.strict`) and filled in for all others. Every ACTIVE session that changes gets a fresh plan, and a "
    "charging profile where that changes something."
)

OPERATIONS: Mapping[str, Mapping[str, Operation]] = {
    "/ocpi/versions": {"GET": Operation("List our versions", data=list[answers.Version])},
    "/ocpi/{version}": {"GET": Operation("List our interfaces", data=answers.VersionDetails, raises=(UnknownObject,))},
    CREDENTIALS: {
        "GET": Operation("Read our current credentials", data=answers.OurCredentials, raises=(UnknownObject,)),
        "POST": Operation(
            "Register",
            data=answers.OurCredentials,
            body=CredentialsObject,
            raises=(*READS, UnknownObject, MethodNotAllowed, PeerUnusable),
            text="Within the call we GET your versions with the token you send. When that fails the answer is 3001, "
            "3002 or 3003, and nothing has changed.",
        ),
        "PUT": Operation(
            "Renew the credentials, or change the version",
            data=answers.OurCredentials,
            body=CredentialsObject,
            raises=(*READS, UnknownObject, MethodNotAllowed, PeerUnusable),
            text="Your old token stays good until you use the new one.",
        ),
        "DELETE": Operation("End the connection", raises=(UnknownObject, MethodNotAllowed)),
    },
    SESSION: {
        "GET": Operation(
            "Read a session as we have it",
            data=SessionObject,
            given=tuple(name for name in REQUIRED if name != "cdr_token"),
            raises=(UnknownObject, InvalidMessage),
        ),
        "PUT": Operation(
            "Tell a session whole",
            body=SessionObject,
            required=LENIENT_REQUIRED,
            raises=(*READS, UnknownObject, UnknownLocation),
            may_create=True,
            text=SESSION_TEXT,
        ),
        "PATCH": Operation(
            "Change fields of a session, and add charging periods",
            body=SessionObject,
            required=PATCHED,
            raises=(*READS, UnknownObject, UnknownLocation),
            text=f"404 for a session that was never PUT: it is kept, and looked for in your list. {STAMPED}",
        ),
    },
    LOCATION: _of_a_location("a Location", LocationObject),
    EVSE: _of_a_location("an EVSE", EvseObject),
    CONNECTOR: _of_a_location("a connector", ConnectorObject),
    "/ocpi2.2/pair": {
        "POST": Operation(
            "Pair an EVSE by a code that we gave to a driver",
            body=EvsePaired,
            raises=(*READS, UnknownObject),
            text="404 for a code that is none of ours, was used or has expired. The same call again is answered the "
            "same.",
        )
    },
    "/ocpp2.0.1/pair": {
        "POST": Operation(
            "Pair a charging station by a code that we gave to a driver",
            body=StationPaired,
            raises=(*READS, UnknownObject),
            text="All of its EVSEs, or none.",
        )
    },
    "/ocpi2.2/evse/{uid}/unpair": {
        "POST": Operation(
            "Un-pair an EVSE",
            raises=(UnknownObject,),
            text="Sessions there are refused from then on, and its charging profile is cleared. Again is no harm; 404 "
            "for one that was never paired.",
        )
    },
    "/ocpp2.0.1/chargingstations/{uid}/unpair": {
        "POST": Operation("Un-pair a charging station with all of its EVSEs", raises=(UnknownObject,))
    },
    TARIFF: {
        "GET": Operation("Read a tariff as we have it", data=TariffObject, raises=(UnknownObject, InvalidMessage)),
        "PUT": Operation(
            "Tell a tariff",
            body=TariffObject,
            required=("currency", "elements"),
            raises=(*READS, UnknownObject),
            may_create=True,
            text=STAMPED,
        ),
        "PATCH": Operation(
            "Change fields of a tariff",
            body=TariffObject,
            required=PATCHED,
            raises=(*READS, UnknownObject),
            text="OCPI has no such method; it means what it means elsewhere.",
        ),
        "DELETE": Operation("Take a tariff away", raises=(UnknownObject, InvalidMessage)),
    },
    HUB_CLIENT: {
        "GET": Operation("Read a hub's client", data=ClientInfoObject, raises=(UnknownObject, InvalidMessage)),
        "PUT": Operation(
            "Tell of a hub's client", body=ClientInfoObject, raises=(*READS, UnknownObject), may_create=True
        ),
    },
    f"{PROFILES}/results/{{kind}}/{{request_id}}": {
        "POST": Operation(
            "Tell the result of a charging profile request",
            body=ResultObject,
            raises=(*READS, UnknownObject),
            text="The address is the `response_url` of our request, as it stands. What comes twice counts once.",
        )
    },
    f"{PROFILES}/{{session_id}}": {
        "PUT": Operation(
            "Tell the charging profile that is in force",
            body=ActiveChargingProfileObject,
            raises=(*READS, UnknownObject),
            text="Send it when a charger's profile changes for a reason that is not ours.",
        )
    },
    OAUTH_PATH: {
        "POST": Operation(
            "Get an access token",
            data=answers.AccessToken,
            body=answers.TokenForm,
            raises=(TokenRefused,),
            text="RFC 6749, 4.4: the client credentials grant. Tokens are good for 14 days.",
        )
    },
    "/.well-known/jwks.json": {
        "GET": Operation("Read the keys that access tokens are checked with", data=answers.KeySet)
    },
    "/ops/v1/partners": {
        "GET": Operation("List the partners", data=answers.PartnerPage, raises=(InvalidMessage,), pages=True),
        "POST": Operation(
            "Invite a CPO",
            data=answers.InvitationGiven,
            body=NewPartner,
            raises=(*READS, AlreadyExists),
            may_create=True,
            text="A new partner needs `settings.name` and `settings.parties`.",
        ),
    },
    PARTNER: {
        "GET": Operation("Show a partner", data=answers.PartnerShown, raises=(UnknownObject,)),
        "PATCH": Operation(
            "Change settings; running sessions are planned anew",
            data=answers.PartnerShown,
            body=Settings,
            raises=(*READS, UnknownObject, OutOfDate),
            needs_revision=True,
        ),
        "DELETE": Operation(
            "Remove a partner: its tokens end, its sessions stay",
            data=answers.PartnerShown,
            raises=(UnknownObject, OutOfDate, InvalidMessage),
            needs_revision=True,
        ),
    },
    f"{PARTNER}/invitations": {
        "POST": Operation(
            "Invite a CPO again, because its token got lost",
            data=answers.InvitationGiven,
            raises=(UnknownObject, InvalidMessage),
            may_create=True,
        )
    },
    f"{PARTNER}/suspension": {
        "PUT": Operation(
            "Shut a partner out",
            data=answers.PartnerShown,
            body=Suspension,
            body_is_optional=True,
            raises=(*READS, UnknownObject, OutOfDate),
            needs_revision=True,
        ),
        "DELETE": Operation(
            "Let a partner in again",
            data=answers.PartnerShown,
            raises=(UnknownObject, OutOfDate, InvalidMessage),
            needs_revision=True,
        ),
    },
    f"{PARTNER}/rotation": {
        "POST": Operation(
            "Renew the tokens from our side",
            data=answers.HandshakeShown,
            raises=(UnknownObject, InvalidMessage),
        )
    },
    f"{PARTNER}/quality": {
        "GET": Operation(
            "Tell what a CPO's system did well and badly on a day",
            data=answers.Quality,
            raises=(UnknownObject, InvalidMessage),
        )
    },
    f"{PARTNER}/pairings": {
        "GET": Operation(
            "Tell which un-pairings a CPO has not acknowledged, and who tried codes of its in the last day",
            data=answers.Pairings,
            raises=(UnknownObject,),
        )
    },
    f"{PARTNER}/pairings/{{unpairing_id}}": {
        "DELETE": Operation(
            "Tell a CPO of an un-pairing no more",
            data=answers.UnpairingShown,
            raises=(UnknownObject,),
            text="For one that knows already, or is gone. The EVSE stays un-paired here.",
        )
    },
    **trail(f"{PARTNER}/audit", "a partner", UnknownObject),
    "/ops/v1/groups": {
        "GET": Operation(
            "List the limit groups, tree by tree", data=answers.GroupPage, raises=(InvalidMessage,), pages=True
        ),
        "POST": Operation(
            "Make a limit group",
            data=answers.GroupShown,
            body=NewGroup,
            raises=(*READS, UnknownObject, AlreadyExists),
            may_create=True,
            text="It has `limit_a`, amperes on each phase, or `limit_w`, watts in all. With a `parent_id` it is below "
            "that group, else it is the root of a new tree.",
        ),
    },
    GROUP: {
        "GET": Operation(
            "Show a limit group with all below it: chargers, power that is available, open sessions",
            data=answers.GroupShown,
            raises=(UnknownObject,),
        ),
        "PATCH": Operation(
            "Change a limit or what else is set; its sessions are planned anew at once",
            data=answers.GroupShown,
            body=GroupChange,
            raises=(*READS, UnknownObject, OutOfDate),
            needs_revision=True,
        ),
        "DELETE": Operation(
            "Remove a limit group without chargers and without groups below it",
            data=answers.GroupRemoved,
            raises=(UnknownObject, OutOfDate, InvalidMessage),
            needs_revision=True,
        ),
    },
    f"{GROUP}/members": {
        "PATCH": Operation(
            "Take chargers into a group, from other groups too, and let chargers go",
            data=answers.GroupShown,
            body=MembersChange,
            raises=(*READS, UnknownObject, OutOfDate),
            needs_revision=True,
            text="All of it is checked first, and then done 25 chargers at a time; the same call may be repeated.",
        )
    },
    GROUP_MEMBER: _of_a_member("an EVSE with all its connectors"),
    f"{GROUP_MEMBER}/{{connector_id}}": _of_a_member("one connector of an EVSE"),
    f"{GROUP}/load": {
        "PUT": Operation(
            "Tell what else flows behind the limit, measured or forecast",
            data=answers.GroupShown,
            body=LoadTold,
            raises=(*READS, UnknownObject),
            text="What is left out stays as it is; null takes it away. A measurement holds for `stale_after_s` s, "
            "then the forecast, and where there is none `assumed_load_w`, or the highest of the last day.",
        )
    },
    **trail(f"{GROUP}/audit", "a tree of groups", UnknownObject),
    SIGNALS: {
        "GET": Operation(
            "List signals, all or those of a zone, a group, a time",
            data=answers.SignalPage,
            raises=(InvalidMessage,),
            pages=True,
        ),
        "POST": Operation(
            "Announce a signal; running sessions that it concerns are planned anew",
            data=answers.SignalShown,
            body=NewSignalObject,
            raises=(*READS, AlreadyExists),
            may_create=True,
            text="With a `signal_id` of yours the request may be repeated: the same signal is no second one. Each step "
            "has the one value of the signal's kind: `power_w` (CAP), `eur_per_kwh` (PRICE_ADDER), `g_per_kwh` "
            "(CARBON) or `share` (CONGESTION).",
        ),
    },
    SIGNAL: {
        "GET": Operation("Show a signal", data=answers.SignalShown, raises=(UnknownObject,)),
        "PUT": Operation(
            "Change a signal; running sessions that it concerns are planned anew",
            data=answers.SignalShown,
            body=SignalObject,
            raises=(*READS, UnknownObject, OutOfDate),
            needs_revision=True,
        ),
        "DELETE": Operation(
            "Withdraw a signal; running sessions that it concerned are planned anew",
            data=answers.SignalShown,
            raises=(UnknownObject, OutOfDate, InvalidMessage),
            needs_revision=True,
        ),
    },
    **trail(SIGNALS_AUDIT, "signals"),
    **TENANT_OPERATIONS,
    **APP_OPERATIONS,
    **WEBHOOK_OPERATIONS,
}
"""Path -> method -> what it is for. Paths and methods are those of infra/routes.py: the description is not written
while the two differ."""
