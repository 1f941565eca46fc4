"""The operator API on tenants, under /ops/v1/tenants: companies whose apps call /v1. The command `tenant` calls it."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from offpeak import wiring
from offpeak.edge import json_body, rest_handler
from offpeak.ocpi.fields import Text, read_object
from offpeak.operator_edge import (
    answer,
    audit_answer,
    audit_asked,
    cursor_at,
    operator,
    operator_api,
    page_asked,
    seen_revision,
)
from offpeak.partners.show import verdict_shown
from offpeak.partners.show_access import access_shown
from offpeak.tenants.model import Tenant, owner_id
from offpeak.tenants.settings import TenantChange, TenantId, tenant_in_list, tenant_shown

api = operator_api()
TENANTS = "/ops/v1/tenants"
TENANT = f"{TENANTS}/<tenant_id>"
CLIENT = f"{TENANT}/clients/<client_id>"


class TenantSettings(BaseModel):
    model_config = ConfigDict(extra="forbid")

    settings: TenantChange = TenantChange()


class NewTenant(TenantSettings):
    tenant_id: TenantId


class Why(BaseModel):
    model_config = ConfigDict(extra="forbid")

    note: Annotated[Text, StringConstraints(min_length=1)] | None = None


class Overlap(BaseModel):
    """For how long what is followed stays good."""

    model_config = ConfigDict(extra="forbid")

    overlap_hours: Annotated[int, Field(ge=0, le=24 * 90)] = 24 * 7


@api.get(TENANTS)
def list_tenants() -> Response[str]:
    after, limit = page_asked(api)
    tenants, next_after = wiring.tenants().page(after, limit)
    return answer({"tenants": [tenant_in_list(each) for each in tenants], "next": cursor_at(next_after)})


@api.post(TENANTS)
def add_tenant() -> Response[str]:
    said = read_object(NewTenant, json_body(api))
    made = wiring.tenant_administration().add(said.tenant_id, said.settings, operator(api))
    return _shown(made, is_new=True)


@api.get(TENANT)
def show_tenant(tenant_id: str) -> Response[str]:
    return _shown(wiring.tenants().known(tenant_id))


@api.patch(TENANT)
def change_tenant(tenant_id: str) -> Response[str]:
    seen, said = seen_revision(api), read_object(TenantSettings, json_body(api))
    return _shown(wiring.tenant_administration().change(tenant_id, said.settings, operator(api), seen=seen))


@api.delete(TENANT)
def remove_tenant(tenant_id: str) -> Response[str]:
    wiring.tenant_administration().remove(tenant_id, operator(api), seen=seen_revision(api))
    return answer({"tenant_id": tenant_id})


@api.put(f"{TENANT}/suspension")
def suspend_tenant(tenant_id: str) -> Response[str]:
    seen = seen_revision(api)
    note = read_object(Why, json_body(api)).note if api.current_event.body else None
    return _shown(wiring.tenant_administration().suspend(tenant_id, operator(api), note=note, seen=seen))


@api.delete(f"{TENANT}/suspension")
def resume_tenant(tenant_id: str) -> Response[str]:
    return _shown(wiring.tenant_administration().resume(tenant_id, operator(api), seen=seen_revision(api)))


@api.get(f"{TENANT}/access")
def show_access(tenant_id: str) -> Response[str]:
    return _access(tenant_id)


@api.post(f"{TENANT}/clients")
def create_client(tenant_id: str) -> Response[str]:
    made, us = wiring.tenant_administration().create_client(tenant_id, operator(api)), wiring.own_issuer_for_apps()
    return answer(
        {
            "client_id": made.client_id,
            "client_secret": made.secret,
            "api_key": made.api_key,
            "base_url": wiring.base_url(),
            "token_url": f"{us.issuer}/oauth/token",
            "audience": us.audience,
        }
    )


@api.post(f"{CLIENT}/rotation")
def rotate_client(tenant_id: str, client_id: str) -> Response[str]:
    secret = wiring.tenant_administration().rotate_client(tenant_id, client_id, _overlap(), operator(api))
    return answer({"client_secret": secret})


@api.delete(CLIENT)
def revoke_client(tenant_id: str, client_id: str) -> Response[str]:
    wiring.tenant_administration().revoke_client(tenant_id, client_id, operator(api))
    return _access(tenant_id)


@api.post(f"{TENANT}/api-keys")
def add_api_key(tenant_id: str) -> Response[str]:
    return answer({"api_key": wiring.tenant_administration().add_api_key(tenant_id, _overlap(), operator(api))})


@api.delete(f"{TENANT}/api-keys/<begins_with>")
def revoke_api_key(tenant_id: str, begins_with: str) -> Response[str]:
    wiring.tenant_administration().revoke_api_key(tenant_id, begins_with, operator(api))
    return _access(tenant_id)


@api.post(f"{TENANT}/usage-key")
def restore_key(tenant_id: str) -> Response[str]:
    return _shown(wiring.tenant_administration().restore_key(tenant_id))


@api.get(f"{TENANT}/audit")
def show_audit(tenant_id: str) -> Response[str]:
    before, limit = audit_asked(api)
    return audit_answer(wiring.tenant_trail().entries(owner_id(tenant_id), before=before, limit=limit))


@api.get(f"{TENANT}/audit/verification")
def verify_audit(tenant_id: str) -> Response[str]:
    return answer(verdict_shown(wiring.tenant_trail().verify(owner_id(tenant_id))))


def _overlap() -> timedelta:
    said = read_object(Overlap, json_body(api)) if api.current_event.body else Overlap()
    return timedelta(hours=said.overlap_hours)


def _access(tenant_id: str) -> Response[str]:
    wiring.tenants().known(tenant_id)
    return answer(access_shown(wiring.tenant_access().load(owner_id(tenant_id))))


def _shown(tenant: Tenant, *, is_new: bool = False) -> Response[str]:
    location = f"{TENANTS}/{tenant.tenant_id}" if is_new else None
    return answer(tenant_shown(tenant), revision=tenant.revision, location=location)


handler = rest_handler(api)
