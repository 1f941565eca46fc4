"""The connect_sessions table: {tenant}#{user}/{connect id}, a connect session, and LINK#{connect id}/LINK, whose it is
and what is kept of its link's secret. So apps read theirs by a key that has their tenant in it, and pages by the link.

The index `by_due` has those whose code is being validated, by when they should have been heard of. Both rows go by
themselves a week after the link ended.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from zlib import crc32

from offpeak.aws.tables import Delete, Item, Put, Table, Update, Write, write_together
from offpeak.errors import no_such
from offpeak.instants import format_instant, parse_instant
from offpeak.pairing.connect import ConnectProblem, ConnectSession, ConnectState, read_token, secret_mark
from offpeak.pairing.model import UserKey

SHARDS = 4
KEPT_FOR = timedelta(days=7)


class ConnectStore:
    def __init__(self, table: Table) -> None:
        self._table = table

    def make(self, session: ConnectSession, secret: str) -> ConnectSession:
        """Save a new session with what is kept of its link's secret; return it as saved. Raises ConcurrentChange where
        there is one of that id."""
        saved = replace(session, revision=1)
        link = {
            **_link_key(session.connect_id),
            **_user_row(session.user),
            "secret_mark": secret_mark(secret),
            "expires_at": _gone_at(session),
        }
        is_new = "attribute_not_exists(pk)"
        write_together([(self._table, Put(_row(saved), is_new)), (self._table, Put(link, is_new))])
        return saved

    def behind(self, token: str) -> ConnectSession | None:
        """Return the session that a link's token opens; None where it opens none."""
        read = read_token(token)
        link = self._table.get(_link_key(read[0])) if read else None
        if read is None or link is None or not hmac.compare_digest(link["secret_mark"], secret_mark(read[1])):
            return None
        return self.load(_user(link), read[0])

    def load(self, user: UserKey, connect_id: str) -> ConnectSession | None:
        row = self._table.get(_key(user, connect_id))
        return _session(row) if row else None

    def known(self, user: UserKey, connect_id: str) -> ConnectSession:
        """Return a session of a user. Raises UnknownObject."""
        session = self.load(user, connect_id)
        if session is None:
            raise no_such("connect session", connect_id)
        return session

    def save(self, session: ConnectSession) -> ConnectSession:
        """Write what follows `session.revision`; return it as saved. Raises ConcurrentChange where it has changed."""
        saved = replace(session, revision=session.revision + 1)
        self._table.write(Put(_row(saved), "revision = :seen", {":seen": session.revision}))
        return saved

    def linking(self, session: ConnectSession) -> tuple[Table, Write]:
        """Return the write for the transaction that links a charger by the code that is being validated: it fails once
        that is settled, and whoever is about to settle it finds the session changed and looks again."""
        return self._table, Update(
            _key(session.user, session.connect_id),
            "ADD revision :one",
            "#state = :validating AND attempts = :attempts",
            {":one": 1, ":validating": ConnectState.VALIDATING.value, ":attempts": session.attempts},
            {"#state": "state"},
        )

    def due(self, shard: int, until: datetime, most: int) -> Iterator[ConnectSession]:
        """Yield sessions whose code should have been heard of by `until`, at most so many of a shard."""
        values = {":shard": str(shard), ":until": format_instant(until)}
        rows = self._table.query("due_shard = :shard AND due_at <= :until", values, index="by_due", limit=most)
        for row in rows:
            session = self.load(_user(row), row["connect_id"])
            if session is not None and session.due_at is not None and session.due_at <= until:
                yield session

    def of(self, user: UserKey) -> list[ConnectSession]:
        """Return all that are kept of a user."""
        return [_session(row) for row in self._table.query("pk = :pk", {":pk": user.text})]

    def forget(self, user: UserKey) -> None:
        """Remove all that is kept of a user, links too."""
        for session in self.of(user):
            self._table.write(Delete(_link_key(session.connect_id)))
            self._table.write(Delete(_key(user, session.connect_id)))


def _row(session: ConnectSession) -> dict[str, object]:
    shard = str(crc32(session.connect_id.encode()) % SHARDS)
    return {
        **_key(session.user, session.connect_id),
        **_user_row(session.user),
        "connect_id": session.connect_id,
        "location_id": session.location_id,
        "redirect_url": session.redirect_url,
        "created_at": format_instant(session.created_at),
        "link_ends_at": format_instant(session.expires_at),
        "language": session.language,
        "state": session.state.value,
        "problem": session.problem.value if session.problem else None,
        "browser": session.browser,
        "codes": session.codes,
        "attempts": session.attempts,
        "code": session.code,
        "partner_ids": list(session.partner_ids),
        "charger_id": session.charger_id,
        "asked_since": format_instant(session.asked_since) if session.asked_since else None,
        "asked": session.asked,
        "due_shard": shard if session.due_at else None,
        "due_at": format_instant(session.due_at) if session.due_at else None,
        "revision": session.revision,
        "expires_at": _gone_at(session),
    }


def _session(row: Item) -> ConnectSession:
    return ConnectSession(
        user=_user(row),
        connect_id=row["connect_id"],
        location_id=row["location_id"],
        redirect_url=row["redirect_url"],
        created_at=parse_instant(row["created_at"]),
        expires_at=parse_instant(row["link_ends_at"]),
        language=row.get("language"),
        state=ConnectState(row["state"]),
        problem=ConnectProblem(row["problem"]) if "problem" in row else None,
        browser=row.get("browser"),
        codes=int(row["codes"]),
        attempts=int(row["attempts"]),
        code=row.get("code"),
        partner_ids=tuple(row["partner_ids"]),
        charger_id=row.get("charger_id"),
        asked_since=parse_instant(row["asked_since"]) if "asked_since" in row else None,
        asked=int(row["asked"]),
        due_at=parse_instant(row["due_at"]) if "due_at" in row else None,
        revision=int(row["revision"]),
    )


def _gone_at(session: ConnectSession) -> int:
    return int((session.expires_at + KEPT_FOR).timestamp())


def _key(user: UserKey, connect_id: str) -> dict[str, str]:
    return {"pk": user.text, "sk": connect_id}


def _link_key(connect_id: str) -> dict[str, str]:
    return {"pk": f"LINK#{connect_id}", "sk": "LINK"}


def _user_row(user: UserKey) -> dict[str, str]:
    return {"tenant_id": user.tenant_id, "user_id": user.user_id}


def _user(row: Item) -> UserKey:
    return UserKey(row["tenant_id"], row["user_id"])
