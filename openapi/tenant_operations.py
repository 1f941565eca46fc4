"""What operators' methods on tenants are for."""

from __future__ import annotations

from collections.abc import Mapping

from functions.ops_tenants import NewTenant, Overlap, TenantSettings, Why
from infra.routes import TENANT, TENANT_CLIENT
from offpeak.errors import AlreadyExists, InUse, InvalidMessage, OutOfDate, UnknownObject
from openapi import tenant_answers
from openapi.operation import READS, Operation
from openapi.trail import trail

_CHANGES = (UnknownObject, OutOfDate, InvalidMessage)

TENANT_OPERATIONS: Mapping[str, Mapping[str, Operation]] = {
    "/ops/v1/tenants": {
        "GET": Operation("List the tenants", data=tenant_answers.TenantPage, raises=(InvalidMessage,), pages=True),
        "POST": Operation(
            "Add a tenant",
            data=tenant_answers.TenantShown,
            body=NewTenant,
            raises=(*READS, AlreadyExists),
            may_create=True,
            text="It needs `settings.name`, and a client before its app can call us.",
        ),
    },
    TENANT: {
        "GET": Operation("Show a tenant", data=tenant_answers.TenantShown, raises=(UnknownObject,)),
        "PATCH": Operation(
            "Change a tenant",
            data=tenant_answers.TenantShown,
            body=TenantSettings,
            raises=(*READS, UnknownObject, OutOfDate),
            needs_revision=True,
            text="`partner_ids` are the CPOs whose chargers its drivers may pair, in the order in which a code is "
            "tried; `redirect_urls` where drivers may be sent back to, without what follows a `?`, which is free: "
            "https, an app's own scheme, or `http://127.0.0.1` and `http://[::1]`, with any port.",
        ),
        "DELETE": Operation(
            "Remove a tenant that has no users",
            data=tenant_answers.TenantRemoved,
            raises=(*_CHANGES, InUse),
            needs_revision=True,
            text="Its clients, keys and webhooks go with it: nothing is told to its receivers from then on.",
        ),
    },
    f"{TENANT}/suspension": {
        "PUT": Operation(
            "Shut a tenant out",
            data=tenant_answers.TenantShown,
            body=Why,
            body_is_optional=True,
            raises=(*READS, UnknownObject, OutOfDate),
            needs_revision=True,
        ),
        "DELETE": Operation(
            "Let a tenant in again", data=tenant_answers.TenantShown, raises=_CHANGES, needs_revision=True
        ),
    },
    f"{TENANT}/access": {
        "GET": Operation(
            "Show a tenant's clients and ApiKeys, without their secrets",
            data=tenant_answers.AccessShown,
            raises=(UnknownObject,),
        )
    },
    f"{TENANT}/clients": {
        "POST": Operation(
            "Make an OAuth2 client, and an ApiKey where there is none",
            data=tenant_answers.ClientMade,
            raises=(UnknownObject, InvalidMessage),
            text="What is in the answer is told once.",
        )
    },
    TENANT_CLIENT: {
        "DELETE": Operation("Revoke a client", data=tenant_answers.AccessShown, raises=(UnknownObject,)),
    },
    f"{TENANT_CLIENT}/rotation": {
        "POST": Operation(
            "Give a client another secret",
            data=tenant_answers.SecretMade,
            body=Overlap,
            body_is_optional=True,
            raises=(*READS, UnknownObject),
        )
    },
    f"{TENANT}/api-keys": {
        "POST": Operation(
            "Give a tenant another ApiKey",
            data=tenant_answers.ApiKeyMade,
            body=Overlap,
            body_is_optional=True,
            raises=(*READS, UnknownObject),
        )
    },
    f"{TENANT}/api-keys/{{begins_with}}": {
        "DELETE": Operation("Revoke an ApiKey", data=tenant_answers.AccessShown, raises=(UnknownObject,)),
    },
    f"{TENANT}/usage-key": {
        "POST": Operation(
            "Put a tenant's key into the usage plan of a Service stack made anew",
            data=tenant_answers.TenantShown,
            raises=(UnknownObject,),
        )
    },
    **trail(f"{TENANT}/audit", "a tenant", UnknownObject),
}
