from __future__ import annotations

from dataclasses import replace

import pytest

from offpeak.aws.tables import Update
from offpeak.errors import OutOfDate, UnknownObject
from offpeak.pairing.accounts import AccountStore
from offpeak.pairing.model import UserKey
from offpeak.prices.model import Tariff
from tests.conftest import MakeTable
from tests.pairing.builders import CHARGER, USER, charger, location, settings, station, user


@pytest.fixture
def accounts(make_table: MakeTable) -> AccountStore:
    return AccountStore(make_table("users"))


def test_what_is_kept_of_a_user_comes_back_as_it_was(accounts: AccountStore) -> None:
    kept = accounts.save_user(user())
    home = accounts.save_location(USER, location(tariff=Tariff(), bidding_zone="NL"))
    wall = accounts.save_charger(charger(settings=settings(), station=station("acme", "E1", "E2")))
    account = accounts.known(USER)
    assert (account.user, account.locations, account.chargers) == (kept, {"loc_1": home}, {"chg_1": wall})


def test_a_change_of_what_has_changed_since_it_was_read_is_refused(accounts: AccountStore) -> None:
    read = accounts.save_charger(charger())
    accounts.save_charger(replace(read, location_id="loc_2"))
    with pytest.raises(OutOfDate):
        accounts.save_charger(replace(read, location_id="loc_3"))
    with pytest.raises(OutOfDate):
        accounts.save_charger(charger())
    found = accounts.charger(CHARGER)
    assert found is not None
    assert found.location_id == "loc_2"


def test_a_location_from_before_its_pairings_were_counted_is_changed_and_goes(make_table: MakeTable) -> None:
    table = make_table("users")
    accounts = AccountStore(table)
    accounts.save_user(user())
    home = accounts.save_location(USER, location())
    older = Update({"pk": USER.text, "sk": "LOCATION#loc_1"}, "REMOVE pairings")
    table.write(older)
    assert accounts.known(USER).locations == {"loc_1": home}
    renamed = accounts.save_location(USER, replace(home, name="Cabin"))
    table.write(older)
    (paired, mark), read = accounts.charger_put(charger())[1], accounts.known(USER).locations["loc_1"]
    paired.write(mark)
    with pytest.raises(OutOfDate):
        accounts.remove_location(USER, read)
    table.write(older)
    accounts.remove_location(USER, renamed)
    assert accounts.known(USER).locations == {}


def test_a_tenant_lists_its_own_users_page_by_page(accounts: AccountStore) -> None:
    for name in "abc":
        accounts.save_user(user(UserKey("hearth", f"usr_{name}")))
    accounts.save_user(user(UserKey("other", "usr_d")))
    first, after = accounts.page("hearth", None, 2)
    rest, end = accounts.page("hearth", after, 2)
    assert ([each.key.user_id for each in first + rest], end) == (["usr_a", "usr_b", "usr_c"], None)


def test_another_tenant_knows_nothing_of_a_user(accounts: AccountStore) -> None:
    accounts.save_user(user())
    with pytest.raises(UnknownObject):
        accounts.known(UserKey("other", USER.user_id))
