"""Visits to a connect session's pages, over the real table: who may do what, and what a look or a form leads to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from urllib.parse import urlencode

import pytest

from offpeak.errors import ConcurrentChange
from offpeak.pairing import connect
from offpeak.pairing.accounts import AccountStore
from offpeak.pairing.connect import ConnectProblem, ConnectSession, ConnectState
from offpeak.pairing.connect_store import ConnectStore
from offpeak.tenants.model import Look, Tenant
from offpeak.web.visit import GoOn, Shown, Visitor, Visits, look, send
from tests.conftest import MakeTable
from tests.pairing.builders import NOW, USER, charger, location, user
from tests.pairing.test_choose import ACME, VOLT
from tests.pairing.test_connect import made

SECRET = "the-links-secret"
TOKEN = connect.start_token("con_1", SECRET)
MINE, OTHERS = "cookie-of-this-browser", "cookie-of-another"
TENANT = Tenant("hearth", Look("Hearth"), ("acme", "volt"))


@dataclass
class World:
    connects: ConnectStore
    accounts: AccountStore
    now: datetime = NOW
    tenant: Tenant = TENANT
    asked: list[ConnectSession] = field(default_factory=list)

    @property
    def visits(self) -> Visits:
        cookies, chargers = count(), count()
        return Visits(
            connects=self.connects,
            accounts=self.accounts,
            tenant=lambda _: self.tenant,
            partner={"acme": ACME, "volt": VOLT}.__getitem__,
            ask=self.asked.append,
            new_cookie=lambda: f"new-cookie-{next(cookies)}",
            new_charger_id=lambda: f"chg_new_{next(chargers)}",
            real_now=lambda: self.now,
        )

    @property
    def session(self) -> ConnectSession:
        return self.connects.known(USER, "con_1")

    def save(self, change: Callable[[ConnectSession], ConnectSession]) -> None:
        self.connects.save(change(self.session))

    def look(self, cookie: str | None = MINE, **visitor: object) -> Shown:
        return look(Visitor(**{"token": TOKEN, "cookie": cookie, **visitor}), self.visits)  # type: ignore[arg-type]

    def send(self, do: str, code: str = "", cookie: str | None = MINE, token: str | None = None) -> Shown | GoOn:
        form_token = connect.form_token("con_1", cookie or "") if token is None else token
        body = urlencode({"form_token": form_token, "do": do, "code": code})
        return send(Visitor(TOKEN, cookie), body, self.visits)


@pytest.fixture
def world(make_table: MakeTable) -> World:
    world = World(ConnectStore(make_table("connect_sessions")), AccountStore(make_table("users")))
    world.accounts.save_user(user())
    world.accounts.save_location(USER, location())
    world.connects.make(made(), SECRET)
    return world


def test_looking_never_consumes_a_link(world: World) -> None:
    before = world.session
    for cookie in (None, MINE, OTHERS, None):
        assert world.look(cookie).screen.template == "welcome"
    assert world.session == before


def test_who_looks_first_is_given_a_cookie_and_a_form_that_belongs_to_it(world: World) -> None:
    shown = world.look(None)
    assert shown.cookie == "new-cookie-0"
    assert shown.screen.values["form_token"] == connect.form_token("con_1", "new-cookie-0")
    assert shown.screen.values["location"] == "Home"
    assert world.look(MINE).cookie == MINE, "its time begins anew, so that it does not end before the link does"


def test_the_first_form_binds_the_session_to_its_browser(world: World) -> None:
    assert isinstance(world.send("start"), GoOn)
    assert world.session.state is ConnectState.OPENED
    assert world.look().screen.template == "code"
    assert world.look().screen.values["examples"] == ("ABC-1234", "123456")


@pytest.mark.parametrize("cookie", [None, OTHERS])
def test_a_session_that_was_started_is_refused_in_another_browser(world: World, cookie: str | None) -> None:
    world.send("start")
    shown = world.look(cookie)
    assert (shown.screen.heading, shown.screen.http_status) == ("other_browser.heading", 403)
    assert "location" not in shown.screen.values
    assert shown.cookie is None
    sent = world.send("code", "ABC-1234", cookie=cookie or OTHERS)
    assert isinstance(sent, Shown)
    assert sent.screen.heading == "other_browser.heading"
    assert world.asked == []


@pytest.mark.parametrize("do", ["start", "code", "cancel", "anything"])
@pytest.mark.parametrize(
    "token", ["", "0" * 64, connect.form_token("con_1", OTHERS), connect.form_token("con_2", MINE)]
)
def test_a_form_without_its_token_does_nothing(world: World, do: str, token: str) -> None:
    before = world.session
    sent = world.send(do, "ABC-1234", token=token)
    assert isinstance(sent, Shown)
    assert (sent.screen.heading, sent.screen.http_status) == ("form.heading", 403)
    assert world.session == before


def test_a_form_without_a_cookie_does_nothing(world: World) -> None:
    sent = world.send("start", cookie=None)
    assert isinstance(sent, Shown)
    assert sent.screen.heading == "form.heading"
    assert world.session.state is ConnectState.CREATED


@pytest.mark.parametrize("body", ["x" * 5000, "&".join(f"a{n}=1" for n in range(50)), "", "form_token=%ff%fe&do=start"])
def test_what_is_no_form_of_ours_does_nothing(world: World, body: str) -> None:
    sent = send(Visitor(TOKEN, MINE), body, world.visits)
    assert isinstance(sent, Shown)
    assert sent.screen.heading == "form.heading"
    assert sent.screen.http_status in (403, 413)


def test_a_code_is_validated_behind_a_queue_and_the_browser_sent_to_watch(world: World) -> None:
    world.send("start")
    assert isinstance(world.send("code", " abc-1234"), GoOn)
    [asked] = world.asked
    assert (asked.code, asked.partner_ids, asked.charger_id) == ("ABC-1234", ("acme",), "chg_new_0")
    assert asked == world.session
    shown = world.look()
    assert (shown.screen.template, shown.screen.refresh_s) == ("progress", 2)
    assert world.look(renews=False).screen.refresh_s is None


def test_a_code_sent_twice_is_asked_once(world: World) -> None:
    world.send("start")
    world.send("code", "ABC-1234")
    assert isinstance(world.send("code", "ABC-1234"), GoOn)
    assert len(world.asked) == 1


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("", "EMPTY"),
        ("   ", "EMPTY"),
        ("<script>alert(1)</script>", "PATTERN"),
        ("' OR 1=1 --", "PATTERN"),
        ("АBC-1234", "PATTERN"),
        ("A" * 900, "PATTERN"),
    ],
)
def test_what_is_no_code_is_told_at_once_and_not_counted(world: World, typed: str, problem: str) -> None:
    world.send("start")
    sent = world.send("code", typed)
    assert isinstance(sent, Shown)
    assert (sent.screen.values["problem"], sent.screen.http_status) == (problem, 422)
    assert (world.asked, world.session.codes) == ([], 0)


@pytest.mark.parametrize("problem", ["UNKNOWN_CODE", "LINKED_ELSEWHERE", "CPO_UNREACHABLE", "ALREADY_YOURS"])
def test_after_a_code_that_led_nowhere_its_page_says_why(world: World, problem: str) -> None:
    world.send("start")
    world.send("code", "ABC-1234")
    world.save(lambda session: connect.refused(session, ConnectProblem(problem)))
    assert world.look().screen.values["problem"] == problem


def test_a_charger_that_was_linked_is_shown_by_what_is_printed_on_it(world: World) -> None:
    world.send("start")
    world.send("code", "ABC-1234")
    world.accounts.save_charger(charger(replace(world.session.charger or charger().key)))
    world.save(connect.paired)
    shown = world.look()
    assert (shown.screen.template, shown.screen.values["charger"]) == ("paired", "NL*ACM*EVSE-1")


def test_who_cancels_can_no_longer_connect(world: World) -> None:
    world.send("start")
    world.send("cancel")
    assert world.look().screen.heading == "cancelled.heading"
    assert isinstance(world.send("code", "ABC-1234"), GoOn)
    assert world.asked == []


def test_an_expired_link_takes_no_form(world: World) -> None:
    world.send("start")
    world.now += timedelta(hours=1)
    assert (world.look().screen.heading, world.look().screen.http_status) == ("expired.heading", 410)
    assert isinstance(world.send("code", "ABC-1234"), GoOn)
    assert world.asked == []


@pytest.mark.parametrize("token", ["con_1.forged", "con_2.the-links-secret", "../../", "con_1"])
def test_a_forged_link_says_nothing_of_anybody(world: World, token: str) -> None:
    shown = world.look(token=token)
    assert (shown.screen.heading, shown.screen.http_status, shown.look) == ("unknown.heading", 404, None)
    sent = send(Visitor(token, MINE), "do=start", world.visits)
    assert isinstance(sent, Shown)
    assert sent.screen.heading == "unknown.heading"


def test_a_tenant_that_is_shut_out_connects_nothing(world: World) -> None:
    world.tenant = replace(TENANT, suspended_at=NOW)
    assert world.look().screen.heading == "closed.heading"
    sent = world.send("start")
    assert isinstance(sent, Shown)
    assert world.session.state is ConnectState.CREATED


def test_the_language_is_what_the_visitor_chose_then_what_the_app_said_then_the_browsers(world: World) -> None:
    assert world.look(accepted="nl").language == "nl"
    world.save(lambda session: replace(session, language="fr"))
    assert world.look(accepted="nl").language == "fr"
    assert world.look(accepted="nl", language="de").language == "de"


def test_two_forms_at_once_are_one(world: World) -> None:
    stale = world.session
    world.send("start")
    loads = iter([stale])

    class Late(ConnectStore):
        def behind(self, token: str) -> ConnectSession | None:
            return next(loads, None) or super().behind(token)

    world.connects = Late(world.connects._table)
    assert isinstance(world.send("start"), GoOn)
    assert world.session.state is ConnectState.OPENED


def test_a_session_that_changes_all_the_time_is_given_up(world: World) -> None:
    stale = world.session
    world.send("start")

    class Stuck(ConnectStore):
        def behind(self, token: str) -> ConnectSession | None:
            return stale

    world.connects = Stuck(world.connects._table)
    with pytest.raises(ConcurrentChange):
        world.send("start")
