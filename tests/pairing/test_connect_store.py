from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from offpeak.errors import ConcurrentChange, UnknownObject
from offpeak.pairing import connect
from offpeak.pairing.connect import ConnectProblem
from offpeak.pairing.connect_store import SHARDS, ConnectStore
from offpeak.pairing.model import UserKey
from tests.conftest import MakeTable
from tests.pairing.builders import NOW, USER
from tests.pairing.test_connect import made, opened, validating

SECRET = "the-links-secret"
TOKEN = connect.start_token("con_1", SECRET)


@pytest.fixture
def connects(make_table: MakeTable) -> ConnectStore:
    return ConnectStore(make_table("connect_sessions"))


def test_what_is_kept_of_a_session_comes_back_as_it_was(connects: ConnectStore) -> None:
    saved = connects.make(made(language="nl"), SECRET)
    assert connects.behind(TOKEN) == connects.known(USER, "con_1") == saved
    saved = connects.save(replace(validating(opened(), "acme", "volt"), revision=saved.revision))
    assert connects.behind(TOKEN) == saved
    saved = connects.save(connect.refused(saved, ConnectProblem.UNKNOWN_CODE))
    assert connects.behind(TOKEN) == saved


@pytest.mark.parametrize("token", ["con_1.another", "con_2.the-links-secret", "con_1.", "forged", TOKEN + "x"])
def test_a_forged_link_opens_nothing(connects: ConnectStore, token: str) -> None:
    connects.make(made(), SECRET)
    assert connects.behind(token) is None


def test_neither_the_links_secret_nor_a_settled_code_is_kept(connects: ConnectStore) -> None:
    saved = connects.save(replace(validating(), revision=connects.make(made(), SECRET).revision))
    connects.save(connect.paired(saved))
    rows = [*connects._table.query("pk = :pk", {":pk": USER.text})]
    rows += connects._table.query("pk = :pk", {":pk": "LINK#con_1"})
    assert len(rows) == 2
    assert not [secret for secret in (SECRET, "CODE-1", "cookie") if secret in str(rows)]


def test_of_two_who_change_a_session_at_once_one_is_refused(connects: ConnectStore) -> None:
    read = connects.make(made(), SECRET)
    connects.save(connect.cancelled(read))
    with pytest.raises(ConcurrentChange):
        connects.save(connect.opened(read, "cookie"))


def test_another_tenant_knows_nothing_of_a_session(connects: ConnectStore) -> None:
    connects.make(made(), SECRET)
    for other in (UserKey("other", USER.user_id), UserKey(USER.tenant_id, "usr_2")):
        with pytest.raises(UnknownObject):
            connects.known(other, "con_1")


def test_a_code_that_nobody_answered_in_time_is_found_by_the_sweep(connects: ConnectStore) -> None:
    connects.make(made(connect_id="con_2"), SECRET)
    saved = connects.save(replace(validating(), revision=connects.make(made(), SECRET).revision))
    assert saved.due_at is not None

    def due(after_s: float) -> list[str]:
        until = NOW + timedelta(seconds=after_s)
        return [each.connect_id for shard in range(SHARDS) for each in connects.due(shard, until, 10)]

    assert due(0) == []
    assert due(60) == ["con_1"]
    connects.save(connect.paired(saved))
    assert due(60) == []


def test_a_user_who_goes_leaves_no_session_and_no_link(connects: ConnectStore) -> None:
    connects.make(made(), SECRET)
    connects.make(made(connect_id="con_2", user=UserKey("hearth", "usr_2")), SECRET)
    connects.forget(USER)
    assert connects.of(USER) == []
    assert connects.behind(TOKEN) is None
    assert connects.behind(connect.start_token("con_2", SECRET)) is not None
