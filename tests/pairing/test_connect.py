"""The rules of a connect session: what binds it, what ends it, and what comes of a code."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from offpeak.errors import InvalidMessage
from offpeak.pairing import connect
from offpeak.pairing.connect import (
    ASKED_FOR,
    MOST_CODES,
    ConnectProblem,
    ConnectSession,
    ConnectState,
    NotNow,
    OtherBrowser,
)
from tests.pairing.builders import NOW, USER

MINE, OTHERS = "cookie-of-this-browser", "cookie-of-another"
LISTED = ("https://app.hearth.example/paired", "hearth://paired")


def made(**changes: Any) -> ConnectSession:
    usual = {
        "user": USER,
        "connect_id": "con_1",
        "location_id": "loc_1",
        "redirect_url": LISTED[0],
        "created_at": NOW,
        "expires_at": NOW + connect.OPEN_FOR,
    }
    return ConnectSession(**{**usual, **changes})


def opened() -> ConnectSession:
    return connect.opened(made(), MINE)


def validating(session: ConnectSession | None = None, *partner_ids: str) -> ConnectSession:
    return connect.validating(session or opened(), "CODE-1", partner_ids or ("acme",), "chg_1", NOW)


def test_the_first_form_binds_a_session_to_its_browser_and_again_is_the_same() -> None:
    session = opened()
    assert session.state is ConnectState.OPENED
    assert connect.opened(session, MINE) == session


def test_a_session_that_is_bound_is_nobody_elses() -> None:
    with pytest.raises(OtherBrowser):
        connect.opened(opened(), OTHERS)
    for cookie in (OTHERS, "", None):
        with pytest.raises(OtherBrowser):
            connect.check_browser(opened(), cookie)


def test_a_session_that_nobody_opened_is_bound_to_no_browser() -> None:
    connect.check_browser(made(), None)


def test_one_browsers_mark_is_another_one_in_each_session() -> None:
    assert opened().browser != connect.opened(made(connect_id="con_2"), MINE).browser
    assert MINE not in str(opened())


@pytest.mark.parametrize("state", [ConnectState.CREATED, ConnectState.OPENED])
def test_a_link_that_nobody_used_in_time_expires(state: ConnectState) -> None:
    session = made(state=state)
    assert connect.as_of(session, session.expires_at - timedelta(seconds=1)).state is state
    assert connect.as_of(session, session.expires_at).state is ConnectState.EXPIRED


def test_a_code_that_is_being_validated_outlives_the_link() -> None:
    session = validating()
    assert connect.as_of(session, session.expires_at + timedelta(hours=1)) == session


def test_a_code_that_its_cpo_knows_ends_in_a_charger_and_is_forgotten() -> None:
    session = connect.paired(validating())
    assert (session.state, session.charger_id, session.code) == (ConnectState.PAIRED, "chg_1", None)
    assert session.due_at is None


def test_after_a_code_that_leads_to_nothing_another_one_may_be_tried_but_not_for_ever() -> None:
    session = opened()
    for _ in range(MOST_CODES - 1):
        session = connect.refused(validating(session), ConnectProblem.UNKNOWN_CODE)
        assert (session.state, session.problem) == (ConnectState.OPENED, ConnectProblem.UNKNOWN_CODE)
    session = connect.refused(validating(session), ConnectProblem.LINKED_ELSEWHERE)
    assert (session.state, session.problem) == (ConnectState.FAILED, ConnectProblem.TOO_MANY_TRIES)


def test_the_next_code_takes_the_last_ones_problem_away() -> None:
    again = validating(connect.refused(validating(), ConnectProblem.UNKNOWN_CODE))
    assert again.problem is None
    assert again.attempt_id != validating().attempt_id


def test_who_has_the_charger_already_is_told_which_it_is() -> None:
    session = connect.refused(validating(), ConnectProblem.ALREADY_YOURS, "chg_old")
    assert (session.state, session.charger_id) == (ConnectState.OPENED, "chg_old")


def test_partners_whose_codes_look_alike_are_asked_one_after_the_other() -> None:
    second = connect.passed_on(validating(None, "acme", "volt"), ConnectProblem.UNKNOWN_CODE, NOW)
    assert (second.state, second.partner_ids) == (ConnectState.VALIDATING, ("volt",))
    last = connect.passed_on(second, ConnectProblem.UNKNOWN_CODE, NOW)
    assert (last.state, last.problem) == (ConnectState.OPENED, ConnectProblem.UNKNOWN_CODE)


def test_a_cpo_that_does_not_answer_is_asked_again_for_a_minute_and_a_half() -> None:
    session, now, pauses = validating(), NOW, []
    while True:
        session, pause_s = connect.not_reached(session, now)
        if pause_s is None:
            break
        pauses.append(pause_s)
        now += timedelta(seconds=pause_s)
    assert ASKED_FOR <= now - NOW < ASKED_FOR + timedelta(seconds=15)
    assert (session.state, session.problem) == (ConnectState.OPENED, ConnectProblem.CPO_UNREACHABLE)
    assert session.codes_left == MOST_CODES, "it was not the driver's fault"


def test_a_code_cannot_be_sent_before_the_first_form_nor_twice_at_once() -> None:
    for session in (made(), validating(), connect.paired(validating())):
        with pytest.raises(NotNow):
            connect.validating(session, "CODE-2", ("acme",), "chg_2", NOW)


def test_a_late_answer_settles_nothing_twice() -> None:
    with pytest.raises(NotNow):
        connect.paired(connect.refused(validating(), ConnectProblem.UNKNOWN_CODE))


def test_a_session_whose_place_is_gone_has_failed() -> None:
    session = connect.refused(validating(), ConnectProblem.LOCATION_GONE)
    assert (session.state, session.problem) == (ConnectState.FAILED, ConnectProblem.LOCATION_GONE)


def test_what_is_being_decided_cannot_be_cancelled_any_more() -> None:
    assert connect.cancelled(made()).state is ConnectState.CANCELLED
    assert connect.cancelled(opened()).state is ConnectState.CANCELLED
    for session in (validating(), connect.paired(validating())):
        assert connect.cancelled(session) == session


def test_a_forms_token_is_good_for_one_session_in_one_browser() -> None:
    token = connect.form_token("con_1", MINE)
    assert connect.is_form_token(token, "con_1", MINE)
    for other in (("con_2", MINE), ("con_1", OTHERS), ("con_1", None)):
        assert not connect.is_form_token(token, *other)
    assert not connect.is_form_token("", "con_1", MINE)
    assert not connect.is_form_token("ﬀ", "con_1", MINE)


@pytest.mark.parametrize("token", ["", ".", "con_1", "con_1.", "x.y", "con_1." + "s" * 300, "con_1.ſecret", "con_"])
def test_what_cannot_be_a_links_token_is_none(token: str) -> None:
    assert connect.read_token(token) is None


def test_a_links_token_names_its_session_and_its_secret() -> None:
    assert connect.read_token(connect.start_token("con_1", "s3cr3t")) == ("con_1", "s3cr3t")


@pytest.mark.parametrize("url", [*LISTED, f"{LISTED[0]}?user=17&next=https://x.example", f"{LISTED[1]}?"])
def test_a_driver_may_be_sent_to_what_the_tenant_listed_with_any_query(url: str) -> None:
    connect.check_redirect(url, LISTED)


@pytest.mark.parametrize(
    "url",
    [
        "https://app.hearth.example/paired/",
        "https://app.hearth.example/paired/../other",
        "https://app.hearth.example/",
        "https://app.hearth.example:8443/paired",
        "https://app.hearth.example.evil.example/paired",
        "https://user@app.hearth.example/paired",
        "http://app.hearth.example/paired",
        "HTTPS://app.hearth.example/paired",
        "//app.hearth.example/paired",
        "https://app.hearth.example/paired#fragment",
        "https://app.hearth.example/paired?x=1#fragment",
        "https:\\\\app.hearth.example/paired",
        "https://app.hearth.example/paired?a b",
        "https://app.hearth.example/paired?a\nb",
        "https://app.hearth.example/paired?" + "a" * 2000,
        "https://app.hearth.example/pairedé",
        "javascript:alert(1)",
        "data:text/html,x",
        "hearth://other",
        "",
    ],
)
def test_a_driver_is_sent_nowhere_else(url: str) -> None:
    with pytest.raises(InvalidMessage) as refusal:
        connect.check_redirect(url, LISTED)
    assert refusal.value.field == "redirect_url"


@pytest.mark.parametrize("listed", ["http://127.0.0.1/paired", "http://127.0.0.1:8400/paired"])
def test_an_app_on_the_drivers_machine_is_given_its_port_when_it_listens(listed: str) -> None:
    connect.check_redirect("http://127.0.0.1:51004/paired?from=us", (listed,))
    for other in (
        "http://127.0.0.1:51004/other",
        "http://[::1]:51004/paired",
        "http://127.0.0.1:1@evil.example/paired",
    ):
        with pytest.raises(InvalidMessage):
            connect.check_redirect(other, (listed,))


@pytest.mark.parametrize("url", ["JavaScript:alert(1)", "WS://app.hearth.example/paired"])
def test_not_even_a_tenant_can_have_a_script_run_in_our_place(url: str) -> None:
    with pytest.raises(InvalidMessage):
        connect.check_redirect(url, (url,))


def test_the_way_back_tells_the_app_which_session_it_was_and_how_it_ended() -> None:
    session = replace(connect.paired(validating()), redirect_url=f"{LISTED[0]}?user=17&tenant=forged&q=%C3%A9")
    told = "tenant=hearth&connect_session=con_1&connect_state=PAIRED"
    assert connect.way_back(session) == f"{LISTED[0]}?user=17&q=%C3%A9&{told}"
    assert connect.way_back(replace(session, redirect_url="hearth://paired")) == f"hearth://paired?{told}"
