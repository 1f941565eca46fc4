"""What operators are shown of access: who may come in by what, never the secrets themselves."""

from __future__ import annotations

from offpeak.instants import format_instant
from offpeak.oauth.access_tokens import Issuer
from offpeak.oauth.clients import Access, Credential
from offpeak.partners.peer_access import PeerAccess


def access_shown(access: Access) -> dict[str, object]:
    clients = [
        {
            "client_id": each.client_id,
            "issuer": each.issuer,
            "made_at": format_instant(each.made_at),
            "secrets": [_credential_shown(secret) for secret in each.secrets],
        }
        for each in access.clients.values()
    ]
    return {"clients": clients, "api_keys": [_credential_shown(key) for key in access.api_keys]}


def issuer_shown(issuer: Issuer) -> dict[str, object]:
    return {
        "issuer": issuer.issuer,
        "jwks_url": issuer.jwks_url,
        "audience": issuer.audience,
        "client_claim": issuer.client_claim,
    }


def peer_access_shown(access: PeerAccess) -> dict[str, object]:
    """Our own access at a partner: whether there is a token, until when, and how often getting one failed in a row."""
    return {
        "token_url": access.endpoint.token_url,
        "client_id": access.endpoint.client_id,
        "scope": access.endpoint.scope,
        "audience": access.endpoint.audience,
        "has_token": access.held is not None,
        "expires_at": format_instant(access.held.expires_at) if access.held else None,
        "renew_at": format_instant(access.renew_at),
        "failures": access.failures,
    }


def _credential_shown(kept: Credential) -> dict[str, object]:
    return {
        "begins_with": kept.hint,
        "made_at": format_instant(kept.made_at),
        "ends_at": format_instant(kept.ends_at) if kept.ends_at else None,
    }
