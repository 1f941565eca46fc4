"""Pairing that a CPO begins, by a code of ours, and its un-pairing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from offpeak.errors import ConcurrentChange, InvalidMessage, UnknownObject
from offpeak.pairing.by_cpo import NewCode, issue, pair_by_code, unpair_by_cpo
from offpeak.pairing.codes import GOOD_FOR, CodeStore, IssuedCode, charger_id_of, code_of
from offpeak.pairing.model import Charger, Claimed, PairedStation, UserKey
from offpeak.pairing.unpair import Unpairer
from offpeak.tenants.model import Look, Tenant
from tests.conftest import MakeTable
from tests.pairing.builders import NOW, station
from tests.pairing.scene import Died, Life, Scene, a_scene

TENANT = Tenant("hearth", Look("Hearth"), ("acme",))
EVSE = station("acme", "EVSE-1")


@pytest.fixture
def scene(make_table: MakeTable) -> Iterator[Scene]:
    with a_scene(make_table) as scene:
        yield scene


def codes(scene: Scene) -> CodeStore:
    return CodeStore(scene.tables["connect_sessions"])


def code_for(scene: Scene, driver: UserKey, chance: str = "a chance of many characters") -> tuple[str, IssuedCode]:
    said = NewCode(location_id="loc_1")
    return issue(driver, said, TENANT, scene.accounts, codes(scene), chance + driver.user_id, now=scene.real_now())


def pair(scene: Scene, code: str, what: PairedStation = EVSE, shut_out: str = "") -> Charger:
    return pair_by_code(code, what, codes(scene), shut_out.__eq__, scene.claimer, now=NOW)


def unpairer(scene: Scene) -> Unpairer:
    return Unpairer(
        scene.accounts,
        scene.ownership,
        scene.outbox,
        lambda _: (),
        lambda *_: None,
        scene.real_now,
        new_id=lambda: "unp_1",
    )


def test_a_code_links_the_charger_that_the_cpo_names_and_again_is_the_same(scene: Scene) -> None:
    code, issued = code_for(scene, scene.moves_in("ann"))
    charger = pair(scene, code)
    assert charger.key == issued.key
    assert pair(scene, code.lower().replace("-", " ")) == charger
    assert [kind for _, kind in scene.events()] == ["charger.paired"]
    scene.check_that_nothing_is_half_linked()


def test_a_cpo_that_tells_a_station_again_in_another_order_or_case_means_the_same(scene: Scene) -> None:
    code, _ = code_for(scene, scene.moves_in("ann"))
    charger = pair(scene, code, station("acme", "E1", "E2"))
    assert pair(scene, code, station("acme", "e2", "E1")) == charger
    with pytest.raises(InvalidMessage, match="another charger"):
        pair(scene, code, station("acme", "E1", "E3"))


def test_a_code_is_for_one_charger_even_after_that_was_unpaired(scene: Scene) -> None:
    code, _ = code_for(scene, scene.moves_in("ann"))
    pair(scene, code)
    with pytest.raises(InvalidMessage):
        pair(scene, code, station("acme", "EVSE-2"))
    unpair_by_cpo("acme", Claimed("evse-1"), unpairer(scene), now=NOW)
    for what in (EVSE, station("acme", "EVSE-2")):
        with pytest.raises(UnknownObject):
            pair(scene, code, what)


def test_another_cpos_code_an_old_one_or_one_of_a_tenant_that_is_shut_out_is_none(scene: Scene) -> None:
    code, _ = code_for(scene, scene.moves_in("ann"))
    with pytest.raises(UnknownObject):
        pair(scene, code, station("other", "EVSE-1"))
    with pytest.raises(UnknownObject):
        pair(scene, code, shut_out="hearth")
    later = scene.real_now() + GOOD_FOR
    scene.real_now = lambda: later
    with pytest.raises(UnknownObject):
        pair(scene, code)


def test_what_somebody_else_has_paired_is_refused_by_its_field(scene: Scene) -> None:
    scene.cpo.issue_code("AB-123456", "EVSE-1")
    scene.link("AB-123456", scene.moves_in("ann"))
    code, _ = code_for(scene, scene.moves_in("bob"))
    with pytest.raises(InvalidMessage) as refused:
        pair(scene, code)
    assert refused.value.field == "evse"


@pytest.mark.parametrize("claimed", [Claimed("E2"), Claimed("STATION-1", is_station=True)])
def test_a_station_ends_as_a_whole_by_its_name_or_an_evses(scene: Scene, claimed: Claimed) -> None:
    ann = scene.moves_in("ann")
    pair(scene, code_for(scene, ann)[0], station("acme", "E1", "E2"))
    for _ in range(2):
        unpair_by_cpo("acme", claimed, unpairer(scene), now=NOW)
    assert scene.accounts.known(ann).chargers == {}
    assert scene.ownership.waiting(10) == []
    assert not any(name in str(scene._all("evse_ownership")) for name in ("usr_", "chg_"))


@pytest.mark.parametrize("uid", ["EVSE-1", "x" * 3000, "\U0001f4a5" * 100])
def test_what_was_never_paired_is_unknown(scene: Scene, uid: str) -> None:
    with pytest.raises(UnknownObject):
        unpair_by_cpo("acme", Claimed(uid), unpairer(scene), now=NOW)


def test_of_two_evses_told_for_one_code_at_once_one_is_linked(scene: Scene) -> None:
    code, _ = code_for(scene, scene.moves_in("ann"))

    def told(number: int) -> str:
        try:
            return pair(scene, code, station("acme", f"E{number}")).station.evses[0].uid
        except (InvalidMessage, ConcurrentChange) as error:
            return type(error).__name__

    with ThreadPoolExecutor(8) as pool:
        outcomes = Counter(pool.map(told, range(8)))
    assert sum(number for outcome, number in outcomes.items() if outcome.startswith("E")) == 1
    scene.check_that_nothing_is_half_linked()


def test_whoever_dies_on_the_way_may_come_again(scene: Scene) -> None:
    for moment in range(1, 60):
        code, _ = code_for(scene, scene.moves_in(f"ann{moment}"))
        what = station("acme", f"E{moment}")
        mortal = scene.with_tables(Life(moment).mortal)
        try:
            pair(mortal, code, what)
        except Died:
            scene.check_that_nothing_is_half_linked()
            assert isinstance(pair(scene, code, what), Charger)
        else:
            break
    assert moment > 8


def test_codes_are_long_and_neither_tells_the_charger_nor_is_told_by_it() -> None:
    made = {code_of(f"chance {number}") for number in range(2000)}
    assert len(made) == 2000
    assert all(len(code) == 14 for code in made)
    assert code_of("x" * 22) != code_of("x" * 21 + "y")
    assert charger_id_of("x" * 22).startswith("chg_")


def test_a_driver_without_that_location_gets_no_code(scene: Scene) -> None:
    ann = scene.moves_in("ann")
    with pytest.raises(InvalidMessage):
        issue(
            ann, NewCode(location_id="loc_9"), replace(TENANT), scene.accounts, codes(scene), "c", now=scene.real_now()
        )
    assert timedelta(hours=1) < GOOD_FOR
