"""A connect session: one try of a driver to link a charger by its code, on pages that an app opens. Pure.

    CREATED --first form sent--> OPENED --code--> VALIDATING --the CPO knows it--> PAIRED
                                   ^                  |
                                   +---a problem------+------too many codes------> FAILED

Only opening binds it, to the browser that sent the first form; whoever merely looks at its link changes nothing.
CREATED and OPENED end as CANCELLED where somebody says so, and as EXPIRED by themselves. While a code is being
validated neither happens: the charger may be linked already, and only the answer tells.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urlencode

from offpeak.errors import InvalidMessage
from offpeak.pairing.model import ChargerKey, UserKey
from offpeak.tenants.model import UNSAFE_SCHEMES, place_of

OPEN_FOR = timedelta(minutes=30)
"""From when a link is made until it opens nothing more: a driver looks for the letter with the code meanwhile."""
MOST_CODES = 5
"""Codes that may be asked of a CPO in one connect session. Those that fit no pattern never get that far."""
ASKED_FOR = timedelta(seconds=90)
"""How long a CPO that does not answer is asked again, before the driver is told so."""
PAUSES_S = (2, 5, 10, 15)
"""Between one try to reach a CPO and the next; the last one is for all that follow."""
ANSWERED_WITHIN = timedelta(seconds=45)
"""A code that is due for longer than that was lost on its way: the sweep asks again."""
LONGEST_REDIRECT = 2000


class ConnectState(StrEnum):
    CREATED = "CREATED"
    OPENED = "OPENED"
    VALIDATING = "VALIDATING"
    PAIRED = "PAIRED"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"

    @property
    def is_final(self) -> bool:
        return self in (ConnectState.PAIRED, ConnectState.FAILED, ConnectState.EXPIRED, ConnectState.CANCELLED)


class ConnectProblem(StrEnum):
    """Why there is no charger: of the last code, or of the connect session as a whole."""

    UNKNOWN_CODE = "UNKNOWN_CODE"
    """No CPO whose codes look like that knows it."""
    LINKED_ELSEWHERE = "LINKED_ELSEWHERE"
    """Somebody else has that charger."""
    ALREADY_YOURS = "ALREADY_YOURS"
    """The same driver has it already: `charger_id` says which it is."""
    CPO_UNREACHABLE = "CPO_UNREACHABLE"
    """The CPO did not answer for a minute and a half, or not in a way that anybody could use."""
    TOO_MANY_TRIES = "TOO_MANY_TRIES"
    LOCATION_GONE = "LOCATION_GONE"
    """The user or the charging location that it was made for was removed meanwhile."""


@dataclass(frozen=True, slots=True)
class ConnectSession:
    """`expires_at` is when its link ends. `browser` is the hash of the cookie of the browser that it is bound to.

    While a code is being validated `code` holds it, `partner_ids` are those that may know it, the first of them being
    asked now, `charger_id` is what the charger will be called, `asked_since` when that began, and `due_at` when it is
    next to be heard of; `problem` is then the worst of those that were asked before. Once the code is settled it is
    forgotten.
    """

    user: UserKey
    connect_id: str
    location_id: str
    redirect_url: str
    created_at: datetime
    expires_at: datetime
    language: str | None = None
    state: ConnectState = ConnectState.CREATED
    problem: ConnectProblem | None = None
    browser: str | None = None
    codes: int = 0
    """How many led nowhere, the one included that is being validated."""
    attempts: int = 0
    """How many codes were sent, wherever they led."""
    code: str | None = None
    partner_ids: tuple[str, ...] = ()
    charger_id: str | None = None
    asked_since: datetime | None = None
    asked: int = 0
    """How often a CPO was asked for this code."""
    due_at: datetime | None = None
    revision: int = 0

    @property
    def attempt_id(self) -> str:
        """Names the code that is being validated, the same one however often a CPO is asked."""
        return f"{self.connect_id}.{self.attempts}"

    @property
    def charger(self) -> ChargerKey | None:
        return ChargerKey(self.user, self.charger_id) if self.charger_id else None

    @property
    def codes_left(self) -> int:
        return MOST_CODES - self.codes


PASSED_ON = (ConnectProblem.UNKNOWN_CODE, ConnectProblem.TOO_MANY_TRIES, ConnectProblem.CPO_UNREACHABLE)
"""What keeps no other partner from knowing the code. The later ones matter more: the code may be right."""


class OtherBrowser(Exception):
    """The connect session belongs to another browser."""


class NotNow(Exception):
    """The connect session is in no state in which that can be done."""


def as_of(session: ConnectSession, now: datetime) -> ConnectSession:
    """Return the session as it is by now: one that nobody finished in time has expired."""
    is_waiting = session.state in (ConnectState.CREATED, ConnectState.OPENED)
    return replace(session, state=ConnectState.EXPIRED) if is_waiting and now >= session.expires_at else session


def opened(session: ConnectSession, cookie: str) -> ConnectSession:
    """Bind a session to the browser that has `cookie`; again is the same. Raises OtherBrowser, NotNow."""
    if session.state is ConnectState.CREATED:
        return replace(session, state=ConnectState.OPENED, browser=browser_mark(session.connect_id, cookie))
    check_browser(session, cookie)
    if session.state is not ConnectState.OPENED:
        raise NotNow(session.state)
    return session


def check_browser(session: ConnectSession, cookie: str | None) -> None:
    """Raise OtherBrowser where a session is bound and not to the browser that has `cookie`."""
    if session.browser is not None and not (
        cookie and hmac.compare_digest(session.browser, browser_mark(session.connect_id, cookie))
    ):
        raise OtherBrowser(session.connect_id)


def validating(
    session: ConnectSession, code: str, partner_ids: Sequence[str], charger_id: str, now: datetime
) -> ConnectSession:
    """Take a code that is to be asked of those partners, in their order. Raises NotNow."""
    if session.state is not ConnectState.OPENED or not partner_ids:
        raise NotNow(session.state)
    return replace(
        session,
        state=ConnectState.VALIDATING,
        problem=None,
        codes=session.codes + 1,
        attempts=session.attempts + 1,
        code=code,
        partner_ids=tuple(partner_ids),
        charger_id=charger_id,
        asked_since=now,
        asked=0,
        due_at=now + ANSWERED_WITHIN,
    )


def paired(session: ConnectSession) -> ConnectSession:
    """The charger is linked."""
    return _settled(session, ConnectState.PAIRED, None, session.charger_id)


def refused(session: ConnectSession, problem: ConnectProblem, charger_id: str | None = None) -> ConnectSession:
    """The code leads to no charger; the driver may try another one while there are any left to try.

    `charger_id` is the charger that he has already, where that is the problem.
    """
    if problem in (ConnectProblem.LOCATION_GONE, ConnectProblem.TOO_MANY_TRIES):
        return _settled(session, ConnectState.FAILED, problem, None)
    if problem is ConnectProblem.ALREADY_YOURS:
        return _settled(_uncounted(session), ConnectState.OPENED, problem, charger_id)
    if session.codes_left <= 0:
        return _settled(session, ConnectState.FAILED, ConnectProblem.TOO_MANY_TRIES, None)
    return _settled(session, ConnectState.OPENED, problem, None)


def passed_on(session: ConnectSession, problem: ConnectProblem, now: datetime) -> ConnectSession:
    """The partner that was asked settles nothing: the next one that may know the code is asked, or the driver is told.

    Of the problems of several, each of them one of PASSED_ON, he is told the one that matters most.
    """
    worst = max(problem, session.problem or problem, key=PASSED_ON.index)
    if len(session.partner_ids) > 1:
        following, due_at = session.partner_ids[1:], now + ANSWERED_WITHIN
        return replace(session, problem=worst, partner_ids=following, asked_since=now, asked=0, due_at=due_at)
    return not_answered(session) if worst is ConnectProblem.CPO_UNREACHABLE else refused(session, worst)


def not_reached(session: ConnectSession, now: datetime) -> tuple[ConnectSession, int | None]:
    """The partner did not answer. Return the session then, and in how many seconds to ask again, None for never."""
    assert session.asked_since is not None
    if now - session.asked_since >= ASKED_FOR:
        after = passed_on(session, ConnectProblem.CPO_UNREACHABLE, now)
        return after, 0 if after.state is ConnectState.VALIDATING else None
    pause_s = PAUSES_S[min(session.asked, len(PAUSES_S) - 1)]
    due_at = now + timedelta(seconds=pause_s) + ANSWERED_WITHIN
    return replace(session, asked=session.asked + 1, due_at=due_at), pause_s


def not_answered(session: ConnectSession) -> ConnectSession:
    """Nobody answers for the code. It is not counted: the driver did nothing wrong, and may try it again."""
    return _settled(_uncounted(session), ConnectState.OPENED, ConnectProblem.CPO_UNREACHABLE, None)


def cancelled(session: ConnectSession) -> ConnectSession:
    """End a session in which nothing is being decided; what is decided already, or being decided, stays as it is."""
    if session.state in (ConnectState.CREATED, ConnectState.OPENED):
        return replace(session, state=ConnectState.CANCELLED)
    return session


def _uncounted(session: ConnectSession) -> ConnectSession:
    return replace(session, codes=session.codes - 1)


def _settled(
    session: ConnectSession, state: ConnectState, problem: ConnectProblem | None, charger_id: str | None
) -> ConnectSession:
    if session.state is not ConnectState.VALIDATING:
        raise NotNow(session.state)
    return replace(
        session,
        state=state,
        problem=problem,
        charger_id=charger_id,
        code=None,
        partner_ids=(),
        asked_since=None,
        asked=0,
        due_at=None,
    )


def start_token(connect_id: str, secret: str) -> str:
    """Return what stands in the link."""
    return f"{connect_id}.{secret}"


def read_token(token: str) -> tuple[str, str] | None:
    """Return the connect session's id and the secret in a link's token; None for what cannot be one."""
    connect_id, dot, secret = token.partition(".")
    is_one = dot and connect_id.startswith("con_") and len(token) <= 200 and token.isascii() and secret
    return (connect_id, secret) if is_one else None


def secret_mark(secret: str) -> str:
    """Return what is kept of a link's secret. It is random, so a plain hash keeps it."""
    return hashlib.sha256(secret.encode()).hexdigest()


def browser_mark(connect_id: str, cookie: str) -> str:
    """Return what is kept of a browser's cookie: no two connect sessions keep the same of one."""
    return hmac.digest(cookie.encode(), f"browser {connect_id}".encode(), "sha256").hex()


def form_token(connect_id: str, cookie: str) -> str:
    """Return the token that forms carry. Who cannot read the cookie, which is for our eyes only, cannot make one."""
    return hmac.digest(cookie.encode(), f"form {connect_id}".encode(), "sha256").hex()


def is_form_token(token: str, connect_id: str, cookie: str | None) -> bool:
    return bool(cookie) and hmac.compare_digest(token.encode(), form_token(connect_id, cookie or "").encode())


def check_redirect(url: str, allowed: Sequence[str]) -> None:
    """Raise InvalidMessage where `url` is none of the tenant's: its scheme, host, port and path have to be one's
    exactly; what stands in its query is free, and the port of one on the loopback interface."""
    if len(url) > LONGEST_REDIRECT or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise InvalidMessage("redirect_url", f"must be a URL of at most {LONGEST_REDIRECT} characters")
    if "#" in url:
        raise InvalidMessage("redirect_url", "must have no fragment")
    if url.partition(":")[0].lower() in UNSAFE_SCHEMES or place_of(url) not in map(place_of, allowed):
        raise InvalidMessage("redirect_url", "is none of the tenant's redirect URLs")


def way_back(session: ConnectSession) -> str:
    """Return where the driver goes from here: the app's URL, which is told the session and its state. Both are for show
    only, since anybody may open such a URL: the app asks us for the state."""
    told = {
        "tenant": session.user.tenant_id,
        "connect_session": session.connect_id,
        "connect_state": session.state.value,
    }
    place, _, query = session.redirect_url.partition("?")
    kept = [each for each in query.split("&") if each and each.partition("=")[0] not in told]
    return f"{place}?{'&'.join([*kept, urlencode(told)])}"
