"""Our access at partners, in the partners table: row PARTNER#{id}/PEER_ACCESS.

In the index `directory` such a row stands under "peer_access", sorted by when it is to be renewed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from offpeak.aws.secrets import EncryptedToken
from offpeak.aws.tables import Also, Delete, Put, Table, write_together
from offpeak.instants import format_instant, parse_instant
from offpeak.oauth.token_client import TokenEndpoint
from offpeak.partners.peer_access import HeldToken, PeerAccess
from offpeak.partners.store import peer_access_key

ACCESS_TOKEN, CLIENT_SECRET, API_KEY = "access_token", "client_secret", "api_key"
"""Purposes that the ciphertexts are bound to."""


class PeerAccessStore:
    def __init__(self, table: Table) -> None:
        self._table = table

    def load(self, partner_id: str) -> PeerAccess | None:
        """Return our access at a partner, None where it takes OCPI tokens."""
        row = self._table.get(peer_access_key(partner_id))
        return _from_row(row) if row else None

    def due(self, now: datetime) -> Iterator[str]:
        """Yield the partners whose tokens are to be renewed by now, the longest due first."""
        rows = self._table.query(
            "directory = :due AND zone_and_partner <= :now",
            {":due": "peer_access", ":now": f"{format_instant(now)}~"},  # after every partner of that moment
            index="directory",
        )
        return (row["partner_id"] for row in rows)

    def save(self, access: PeerAccess) -> PeerAccess:
        """Write what follows `access.revision`; returns it as saved. Raises ConcurrentChange."""
        write_together(self.putting(access))
        return replace(access, revision=access.revision + 1)

    def putting(self, access: PeerAccess) -> Also:
        """Return the write by which an access is saved, for a transaction with others."""
        row = _to_row(replace(access, revision=access.revision + 1))
        if access.revision == 0:
            return [(self._table, Put(row, "attribute_not_exists(pk)"))]
        return [(self._table, Put(row, "revision = :before", {":before": access.revision}))]

    def removing(self, access: PeerAccess) -> Also:
        """Return the write by which an access is forgotten."""
        return [
            (
                self._table,
                Delete(peer_access_key(access.partner_id), "revision = :before", {":before": access.revision}),
            )
        ]


def _to_row(access: PeerAccess) -> dict[str, Any]:
    held, endpoint = access.held, access.endpoint
    row = {
        **peer_access_key(access.partner_id),
        "directory": "peer_access",
        "zone_and_partner": f"{format_instant(access.renew_at)}#{access.partner_id}",
        "partner_id": access.partner_id,
        "token_url": endpoint.token_url,
        "client_id": endpoint.client_id,
        "scope": endpoint.scope,
        "audience": endpoint.audience,
        "secret_in_form": endpoint.secret_in_form,
        CLIENT_SECRET: access.secret.ciphertext,
        API_KEY: access.api_key.ciphertext if access.api_key else None,
        "api_key_header": access.api_key_header,
        "renew_at": format_instant(access.renew_at),
        "failures": access.failures,
        "leased_until": format_instant(access.leased_until) if access.leased_until else None,
        "revision": access.revision,
    }
    if held is None:
        return row
    times = {"fetched_at": format_instant(held.fetched_at), "expires_at": format_instant(held.expires_at)}
    return {**row, ACCESS_TOKEN: held.token.ciphertext, **times}


def _from_row(row: dict[str, Any]) -> PeerAccess:
    partner_id = row["partner_id"]

    def ciphertext(name: str) -> EncryptedToken | None:
        return EncryptedToken(partner_id, name, row[name]) if name in row else None

    secret, token = ciphertext(CLIENT_SECRET), ciphertext(ACCESS_TOKEN)
    assert secret is not None
    return PeerAccess(
        partner_id,
        TokenEndpoint(row["token_url"], row["client_id"], row.get("scope"), row.get("audience"), row["secret_in_form"]),
        secret,
        ciphertext(API_KEY),
        row["api_key_header"],
        parse_instant(row["renew_at"]),
        HeldToken(token, parse_instant(row["fetched_at"]), parse_instant(row["expires_at"])) if token else None,
        int(row["failures"]),
        parse_instant(row["leased_until"]) if "leased_until" in row else None,
        int(row["revision"]),
    )
