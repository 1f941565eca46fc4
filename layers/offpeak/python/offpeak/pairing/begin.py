"""Connect sessions as apps begin, follow and cancel them."""

from __future__ import annotations

import base64
import hmac
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

from offpeak.errors import ConcurrentChange, InvalidMessage
from offpeak.instants import format_instant
from offpeak.pairing import connect
from offpeak.pairing.accounts import AccountStore
from offpeak.pairing.connect import ConnectProblem, ConnectSession, ConnectState
from offpeak.pairing.connect_store import ConnectStore
from offpeak.pairing.model import UserKey
from offpeak.tenants.model import Tenant

MOST_TRIES = 4


class NewConnectSession(BaseModel):
    """`redirect_url` is one of the tenant's, with any query; `language` is what the driver reads, where the app knows
    that better than his browser."""

    model_config = ConfigDict(extra="forbid")

    location_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    redirect_url: Annotated[str, StringConstraints(min_length=1, max_length=connect.LONGEST_REDIRECT)]
    language: Literal["en", "nl", "de", "fr"] | None = None


def of_chance(chance: str) -> tuple[str, str]:
    """Return the id of a connect session and its link's secret, made of one random text. Neither tells the other."""
    connect_id, secret = (
        base64.urlsafe_b64encode(hmac.digest(chance.encode(), use, "sha256")).decode().rstrip("=")
        for use in (b"connect session", b"start link")
    )
    return f"con_{connect_id[:22]}", secret


def begin(
    user: UserKey,
    said: NewConnectSession,
    tenant: Tenant,
    accounts: AccountStore,
    connects: ConnectStore,
    *,
    connect_id: str,
    secret: str,
    now: datetime,
) -> ConnectSession:
    """Make a connect session, bound to a user and one of his charging locations, or return the one that an earlier try
    has made.

    Raises UnknownObject, InvalidMessage.
    """
    connect.check_redirect(said.redirect_url, tenant.redirect_urls)
    if said.location_id not in accounts.known(user).locations:
        raise InvalidMessage("location_id", "is no charging location of this user")
    session = ConnectSession(
        user, connect_id, said.location_id, said.redirect_url, now, now + connect.OPEN_FOR, said.language
    )
    try:
        return connects.make(session, secret)
    except ConcurrentChange:
        return connects.known(user, connect_id)


def cancel(user: UserKey, connect_id: str, connects: ConnectStore, *, now: datetime) -> ConnectSession:
    """Cancel a session in which nothing is decided yet, and return it as it is then. Raises UnknownObject."""
    for _ in range(MOST_TRIES):
        session = connect.as_of(connects.known(user, connect_id), now)
        after = connect.cancelled(session)
        if after == session:
            return session
        try:
            return connects.save(after)
        except ConcurrentChange:
            continue
    raise ConcurrentChange("the connect session changes all the time")


def connect_shown(session: ConnectSession, now: datetime, start_url: str | None = None) -> dict[str, object]:
    """Return a session as its app sees it: nothing of the code, and its link only where it was just made."""
    session = connect.as_of(session, now)
    is_told = session.state is ConnectState.PAIRED or session.problem is ConnectProblem.ALREADY_YOURS
    return {
        "connect_session_id": session.connect_id,
        "user_id": session.user.user_id,
        "location_id": session.location_id,
        "state": session.state.value,
        "problem": session.problem.value if session.problem and session.state is not ConnectState.VALIDATING else None,
        "charger_id": session.charger_id if is_told else None,
        "codes_left": session.codes_left,
        "redirect_url": session.redirect_url,
        "language": session.language,
        "created_at": format_instant(session.created_at),
        "expires_at": format_instant(session.expires_at),
        **({"start_url": start_url} if start_url is not None else {}),
    }
