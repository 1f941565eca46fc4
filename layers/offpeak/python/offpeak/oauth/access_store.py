"""Partners' access and the outside issuers, in the partners table; tenants' access, in theirs.

Rows: PARTNER#{id}/ACCESS, a partner's clients and ApiKeys; ISSUER#{hash of its URL}/ISSUER, an outside issuer;
ISSUER#{hash}/CLIENT#{client id}, whose an outside issuer's client is. A client of ours carries its partner in its id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeAlias

from offpeak.aws.tables import Also, Delete, Key, Put, Table, Write, write_together
from offpeak.instants import format_instant, parse_instant
from offpeak.oauth.access_tokens import Issuer
from offpeak.oauth.clients import Access, Client, Credential, digest

Row: TypeAlias = Mapping[str, Any]


class AccessStore:
    """Who may show which OAuth2 clients and ApiKeys; `key_of` says where each has them."""

    def __init__(self, table: Table, key_of: Callable[[str], Key] | None = None) -> None:
        self._table = table
        self._key_of = key_of or access_key

    def load(self, partner_id: str) -> Access:
        """Return a partner's access as it is now; nothing at all where nobody gave it any."""
        row = self._table.get(self._key_of(partner_id))
        return _access(partner_id, row) if row else Access(partner_id)

    def save(self, access: Access, *, also: Also = ()) -> Access:
        """Write what follows `access.revision`; returns it as saved. Raises ConcurrentChange."""
        before = self.load(access.partner_id)
        saved = replace(access, revision=access.revision + 1)
        writes: list[Write] = [_put(saved, self._key_of(saved.partner_id))]
        for key in {*saved.clients, *before.clients}:
            issuer, client_id = key
            if issuer is not None and (key in saved.clients) != (key in before.clients):
                row = {**_issuer_key(issuer), "sk": f"CLIENT#{client_id}"}
                is_new = key in saved.clients
                writes.append(Put({**row, "partner_id": access.partner_id}, FREE) if is_new else Delete(row))
        write_together([*((self._table, write) for write in writes), *also])
        return saved

    def removing(self, partner_id: str) -> Sequence[Write]:
        """Return the writes by which all of a partner's access is forgotten, for a transaction with others."""
        clients = self.load(partner_id).clients.values()
        outside = [
            {**_issuer_key(each.issuer), "sk": f"CLIENT#{each.client_id}"}
            for each in clients
            if each.issuer is not None
        ]
        return [Delete(self._key_of(partner_id)), *map(Delete, outside)]

    def partner_of(self, client_id: str, issuer: str | None) -> str | None:
        """Return whose a client is, or may be where it is ours: only `load` says whether there is such a client."""
        if issuer is None:
            return partner_in(client_id)
        row = self._table.get({**_issuer_key(issuer), "sk": f"CLIENT#{client_id}"})
        return row["partner_id"] if row else None

    def issuer(self, issuer: str) -> Issuer | None:
        """Return an outside issuer that an operator has allowed."""
        row = self._table.get({**_issuer_key(issuer), "sk": "ISSUER"})
        return _issuer(row) if row else None

    def issuers(self) -> Iterator[Issuer]:
        """Yield all outside issuers."""
        rows = self._table.query("directory = :all", {":all": "issuers"}, index="directory")
        return (_issuer(row) for row in rows)

    def save_issuer(self, issuer: Issuer, *, also: Also = ()) -> None:
        """Allow an outside issuer, or change how its tokens are read."""
        row = {
            **_issuer_key(issuer.issuer),
            "sk": "ISSUER",
            "directory": "issuers",
            "zone_and_partner": issuer.issuer,
            "issuer": issuer.issuer,
            "jwks_url": issuer.jwks_url,
            "audience": issuer.audience,
            "client_claim": issuer.client_claim,
        }
        write_together([(self._table, Put(row)), *also])

    def remove_issuer(self, issuer: str, *, also: Also = ()) -> None:
        """Allow an outside issuer no more: all its tokens end."""
        write_together([(self._table, Delete({**_issuer_key(issuer), "sk": "ISSUER"})), *also])


FREE = "attribute_not_exists(pk)"
"""An outside issuer's client belongs to one partner."""


LONGEST_CLIENT_ID = 100
"""Characters, of an id of ours."""


def new_client_id(partner_id: str, chance: str) -> str:
    """Return an id for a client of ours. Partners' ids hold no dot."""
    return f"{partner_id}.{chance}"


def partner_in(client_id: str) -> str | None:
    """Return the partner that an id of ours names. Anybody may have written it, so it may be no id at all: too long for
    a key of the table, say."""
    partner_id, dot, _ = client_id.partition(".")
    return partner_id if partner_id and dot and len(client_id) <= LONGEST_CLIENT_ID else None


def access_key(partner_id: str) -> Key:
    return {"pk": f"PARTNER#{partner_id}", "sk": "ACCESS"}


def _issuer_key(issuer: str) -> dict[str, str]:
    return {"pk": f"ISSUER#{digest(issuer)}"}


def _issuer(row: Row) -> Issuer:
    return Issuer(row["issuer"], row["jwks_url"], row.get("audience"), row["client_claim"])


def _put(access: Access, key: Key) -> Put:
    row = {
        **key,
        "clients": [_client_row(each) for each in access.clients.values()],
        "api_keys": [_credential_row(each) for each in access.api_keys],
        "revision": access.revision,
    }
    if access.revision == 1:
        return Put(row, "attribute_not_exists(pk)")
    return Put(row, "revision = :before", {":before": access.revision - 1})


def _access(partner_id: str, row: Row) -> Access:
    clients = [_client(each) for each in row["clients"]]
    return Access(
        partner_id,
        {(each.issuer, each.client_id): each for each in clients},
        tuple(_credential(each) for each in row["api_keys"]),
        int(row["revision"]),
    )


def _client_row(client: Client) -> Row:
    return {
        "client_id": client.client_id,
        "made_at": format_instant(client.made_at),
        "secrets": [_credential_row(each) for each in client.secrets],
        **({"issuer": client.issuer} if client.issuer is not None else {}),
    }


def _client(row: Row) -> Client:
    secrets = tuple(_credential(each) for each in row["secrets"])
    return Client(row["client_id"], parse_instant(row["made_at"]), row.get("issuer"), secrets)


def _credential_row(kept: Credential) -> Row:
    ends_at = {"ends_at": format_instant(kept.ends_at)} if kept.ends_at is not None else {}
    return {"digest": kept.digest, "hint": kept.hint, "made_at": format_instant(kept.made_at), **ends_at}


def _credential(row: Row) -> Credential:
    ends_at: datetime | None = parse_instant(row["ends_at"]) if "ends_at" in row else None
    return Credential(row["digest"], row["hint"], parse_instant(row["made_at"]), ends_at)
