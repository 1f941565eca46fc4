"""A visit to a connect session's pages: who looks, and who sends a form.

Looking changes nothing, so that the preview of a link in a chat opens nothing. A form is taken from the browser that
the session is bound to, with the token that this browser was given; everything else is told what to do instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qs

from offpeak.errors import ConcurrentChange, UnknownObject
from offpeak.pairing import connect
from offpeak.pairing.accounts import AccountStore
from offpeak.pairing.choose import choose, examples
from offpeak.pairing.connect import ConnectSession, ConnectState, NotNow, OtherBrowser
from offpeak.pairing.connect_store import ConnectStore
from offpeak.partners.model import Partner
from offpeak.telemetry import count, logger
from offpeak.tenants.model import Look, Tenant
from offpeak.web import screens
from offpeak.web.screens import Scene, Screen
from offpeak.web.texts import language_for

LARGEST_FORM = 4096
"""Characters. A code has 64 at most, each of them three when it is encoded."""
MOST_FIELDS = 10
MOST_TRIES = 4


@dataclass(frozen=True, slots=True)
class Visitor:
    """What a browser says: the link's token, our cookie where it has one, and what it wants to read."""

    token: str
    cookie: str | None = None
    language: str | None = None
    accepted: str | None = None
    renews: bool = True
    """Whether pages may renew themselves: the visitor did not say no."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A page to show. `cookie` is what the browser is to keep, from now on for as long as it keeps cookies of ours."""

    screen: Screen
    look: Look | None
    language: str
    cookie: str | None = None


@dataclass(frozen=True, slots=True)
class GoOn:
    """The form was taken: the browser is sent to look."""

    language: str


@dataclass(frozen=True, slots=True)
class Visits:
    """What it takes to answer. `ask` has a code validated; `new_cookie` and `new_charger_id` make such."""

    connects: ConnectStore
    accounts: AccountStore
    tenant: Callable[[str], Tenant]
    partner: Callable[[str], Partner]
    ask: Callable[[ConnectSession], None]
    new_cookie: Callable[[], str]
    new_charger_id: Callable[[], str]
    real_now: Callable[[], datetime]


def look(visitor: Visitor, by: Visits) -> Shown:
    """Return the page that a visitor sees who just looks."""
    found = _found(visitor, by)
    if isinstance(found, Shown):
        return found
    session, tenant = found
    cookie = visitor.cookie or by.new_cookie()
    scene = _scene(session, tenant, cookie, by)
    try:
        connect.check_browser(session, visitor.cookie)
    except OtherBrowser:
        return _shown(screens.other_browser(scene), session, tenant, visitor)
    screen = screens.screen_of(scene, by.real_now(), renews=visitor.renews)
    return _shown(screen, session, tenant, visitor, cookie)


def send(visitor: Visitor, body: str, by: Visits) -> Shown | GoOn:
    """Take a form, and return where that leads."""
    for _ in range(MOST_TRIES):
        try:
            return _taken(visitor, body, by)
        except ConcurrentChange:
            continue  # A form sent twice, or an answer of the CPO that came just now: look again.
    raise ConcurrentChange("the connect session changes all the time")


def _taken(visitor: Visitor, body: str, by: Visits) -> Shown | GoOn:
    found = _found(visitor, by)
    if isinstance(found, Shown):
        return found
    session, tenant = found
    form = _form(body)
    if form is None or not connect.is_form_token(form.get("form_token", ""), session.connect_id, visitor.cookie):
        logger.info("form_refused", connect_id=session.connect_id)
        count("FormsRefused")
        scene = _scene(session, tenant, visitor.cookie or "", by)
        return _shown(screens.form_refused(scene, 413 if form is None else 403), session, tenant, visitor)
    assert visitor.cookie
    try:
        connect.check_browser(session, visitor.cookie)
        return _done(form, session, tenant, visitor, visitor.cookie, by)
    except OtherBrowser:
        logger.info("other_browser_refused", connect_id=session.connect_id)
        count("FormsRefused")
        scene = _scene(session, tenant, visitor.cookie, by)
        return _shown(screens.other_browser(scene), session, tenant, visitor)
    except NotNow:
        return GoOn(_language(session, visitor))


def _done(
    form: Mapping[str, str], session: ConnectSession, tenant: Tenant, visitor: Visitor, cookie: str, by: Visits
) -> Shown | GoOn:
    """Do what a form asks for. Raises OtherBrowser, NotNow, ConcurrentChange."""
    if form.get("do") == "cancel":
        by.connects.save(connect.cancelled(connect.opened(session, cookie)))
    elif form.get("do") == "start":
        opened = connect.opened(session, cookie)
        if opened is not session:
            by.connects.save(opened)
            logger.info("connect_session_opened", connect_id=session.connect_id)
    else:
        wrong = _code_taken(form.get("code", ""), session, tenant, visitor, cookie, by)
        if wrong is not None:
            return wrong
    return GoOn(_language(session, visitor))


def _code_taken(
    typed: str, session: ConnectSession, tenant: Tenant, visitor: Visitor, cookie: str, by: Visits
) -> Shown | None:
    """Have a code validated; return the page that says why not, None where it is."""
    if session.state is not ConnectState.OPENED:
        raise NotNow(session.state)
    chosen = choose(typed, _partners(tenant, by)) if typed.strip() else None
    if chosen is None:
        problem = "PATTERN" if typed.strip() else "EMPTY"
        scene = _scene(session, tenant, cookie, by)
        screen = screens.code_screen(scene, problem, typed=typed.strip()[:100], http_status=422)
        return _shown(screen, session, tenant, visitor)
    saved = by.connects.save(
        connect.validating(session, chosen.code, chosen.partner_ids, by.new_charger_id(), by.real_now())
    )
    by.ask(saved)
    return None


def _found(visitor: Visitor, by: Visits) -> tuple[ConnectSession, Tenant] | Shown:
    """Return the session behind the link and its tenant, or the page that says that there is none."""
    session = by.connects.behind(visitor.token)
    language = language_for(
        chosen=visitor.language, told=session.language if session else None, accepted=visitor.accepted
    )
    if session is None:
        return Shown(screens.UNKNOWN_LINK, None, language)
    try:
        tenant = by.tenant(session.user.tenant_id)
    except UnknownObject:
        return Shown(screens.UNKNOWN_LINK, None, language)
    if tenant.is_suspended:
        return Shown(screens.closed(tenant.look), tenant.look, language)
    return connect.as_of(session, by.real_now()), tenant


def _scene(session: ConnectSession, tenant: Tenant, cookie: str, by: Visits) -> Scene:
    """Gather what a page of a session shows. Who looks with another browser is shown nothing of the user."""
    account = by.accounts.load(session.user)
    location = account.locations.get(session.location_id) if account else None
    charger = account.chargers.get(session.charger_id) if account and session.charger_id else None
    evse = charger.station.evses[0] if charger else None
    is_asked = session.state is ConnectState.OPENED
    return Scene(
        session,
        tenant.look,
        location.name if location else "",
        connect.form_token(session.connect_id, cookie),
        examples(_partners(tenant, by)) if is_asked else (),
        (evse.evse_id or evse.uid) if evse else None,
    )


def _partners(tenant: Tenant, by: Visits) -> list[Partner]:
    found = []
    for partner_id in tenant.partner_ids:
        try:
            found.append(by.partner(partner_id))
        except UnknownObject:
            logger.warning("tenants_partner_missing", tenant_id=tenant.tenant_id, partner_id=partner_id)
    return found


def _language(session: ConnectSession, visitor: Visitor) -> str:
    return language_for(chosen=visitor.language, told=session.language, accepted=visitor.accepted)


def _shown(
    screen: Screen, session: ConnectSession, tenant: Tenant, visitor: Visitor, cookie: str | None = None
) -> Shown:
    return Shown(screen, tenant.look, _language(session, visitor), cookie)


def _form(body: str) -> dict[str, str] | None:
    """Return the fields of a form; None for what is too large for one of ours, or none at all."""
    if len(body) > LARGEST_FORM:
        return None
    try:
        fields = parse_qs(body, keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="replace")
    except ValueError:
        return None
    return {name: values[0] for name, values in fields.items()}
