"""Un-pairing: what is left of it here, what the CPO hears of it and when, and that a charger can be paired anew."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from local.cpo import PairingTrouble
from offpeak.aws.tables import Put
from offpeak.pairing.link import Reason, Refused, claim
from offpeak.pairing.model import Charger, ChargerKey, Claimed, Held, Unpairing, Why
from offpeak.pairing.tell import LONGEST_RETRY, WAITS_LONG, UnpairingTeller, tell_all, wait_after
from offpeak.pairing.unpair import CLEARED_FIRST, Unpairer, unpair
from offpeak.partners.model import Partner, PartnerStatus, Tier
from offpeak.partners.store import PartnerStore
from offpeak.telemetry import metrics
from tests.conftest import MakeTable
from tests.pairing.builders import NOW, station
from tests.pairing.scene import Died, Life, Scene, a_scene


class World:
    """A scene in which drivers un-pair, too, and time can pass."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.passed = timedelta()
        scene.real_now = lambda: datetime.now(UTC) + self.passed
        self.ids = count(1)
        PartnerStore(scene.tables["partners"]).save(scene.partner)

    def unpairer(self, scene: Scene | None = None) -> Unpairer:
        of = scene or self.scene
        return Unpairer(
            of.accounts,
            of.ownership,
            of.outbox,
            causes=of.causes,
            plan_anew=lambda partner_id, uids: of.planned.append((partner_id, tuple(uids))),
            real_now=of.real_now,
            new_id=lambda: f"unp_{next(self.ids)}",
        )

    def teller(self, scene: Scene | None = None) -> UnpairingTeller:
        of = scene or self.scene
        return UnpairingTeller(
            of.ownership,
            PartnerStore(of.tables["partners"]),
            of.interfaces,
            lambda partner_id, uids: of.planned.append((partner_id, tuple(uids))),
            real_now=of.real_now,
            new_id=lambda: f"tell-{next(self.ids)}",
        )

    def change(self, partner: Partner) -> None:
        store = PartnerStore(self.scene.tables["partners"])
        store.save(replace(partner, revision=1))

    def unpair(self, key: ChargerKey, why: Why = Why.APP) -> bool:
        """Un-pair, and let the time pass in which its profile is cleared."""
        was_paired = unpair(key, why, self.unpairer(), now=NOW)
        self.passed += CLEARED_FIRST
        return was_paired

    def tell(self) -> int:
        return tell_all(self.teller())

    def waiting(self) -> list[Unpairing]:
        return self.scene.ownership.waiting(100, "acme")

    @property
    def heard(self) -> list[str]:
        """What the CPO was asked to un-pair."""
        return [call.about for call in self.scene.cpo.pairing.calls if call.kind == "unpair"]


@pytest.fixture
def world(make_table: MakeTable) -> Iterator[World]:
    with a_scene(make_table) as scene:
        scene.cpo.issue_code("AB-123456", "EVSE-1")
        yield World(scene)


@pytest.fixture
def charger(world: World) -> Charger:
    return linked(world, "ann")


def linked(world: World, name: str, attempt: str = "1") -> Charger:
    outcome = world.scene.links("AB-123456", world.scene.moves_in(name), attempt)
    assert isinstance(outcome, Charger), outcome
    return outcome


def test_a_charger_that_is_unpaired_is_gone_and_leaves_a_tombstone(world: World, charger: Charger) -> None:
    world.scene.planned.clear()
    assert world.unpair(charger.key)
    assert world.scene.accounts.charger(charger.key) is None
    held = world.scene.ownership.of("acme", "EVSE-1")
    assert held is not None
    assert (held.held, held.owner, held.released_at) == (Held.RELEASED, None, NOW)
    assert world.scene.planned == [("acme", ("EVSE-1",))], "what runs there has its profile cleared"
    assert world.scene.events() == [(charger.key.charger_id, f"charger.{each}") for each in ("paired", "unpaired")]
    assert not world.unpair(charger.key), "again is no harm"


def test_what_runs_beside_it_at_a_limited_connection_gets_a_larger_share(world: World, charger: Charger) -> None:
    world.scene.cpo.issue_code("AB-222222", "EVSE-2")
    world.scene.link("AB-222222", charger.key.user, "2")
    home = world.scene.accounts.known(charger.key.user).locations["loc_1"]
    world.scene.accounts.save_location(charger.key.user, replace(home, connection_limit_a=25))
    world.scene.planned.clear()
    world.unpair(charger.key)
    assert world.scene.caused() == sorted((charger.key.charger_id, "chg_usr_ann_2")), "in the same transaction"
    assert world.scene.planned == [("acme", ("EVSE-1",)), ("acme", ("EVSE-2",))]


def test_the_tombstone_and_what_the_cpo_is_to_hear_name_nobody(world: World, charger: Charger) -> None:
    world.unpair(charger.key)
    kept = str(world.scene._all("evse_ownership"))
    assert not any(name in kept for name in ("usr_ann", "hearth", "chg_", "loc_1"))


def test_the_cpo_is_told_once_and_then_no_more(world: World, charger: Charger) -> None:
    world.unpair(charger.key)
    assert (world.tell(), world.tell(), world.waiting()) == (1, 0, [])
    assert world.heard == ["EVSE-1"]
    assert world.scene.cpo.pairing.declines("EVSE-1")
    assert world.scene.cpo.complaints == ()


def test_the_cpo_is_told_after_the_running_profile_was_taken_away(world: World, charger: Charger) -> None:
    assert unpair(charger.key, Why.APP, world.unpairer(), now=NOW)
    assert (world.tell(), world.heard) == (0, [])
    world.passed += CLEARED_FIRST
    assert (world.tell(), world.heard) == (1, ["EVSE-1"])


def test_a_station_is_unpaired_as_one(make_table: MakeTable) -> None:
    with a_scene(make_table, Tier.STATION) as scene:
        scene.cpo.issue_code("AB-123456", "E1", "E2", station_uid="STATION 1/a")
        world = World(scene)
        world.unpair(linked(world, "ann").key)
        world.tell()
        assert world.heard == ["STATION 1/a"]
        assert scene.cpo.pairing.paired == set()
        assert [each.held for each in scene.ownership.all_held("acme", [Claimed("E1"), Claimed("E2")]) if each] == [
            Held.RELEASED
        ] * 2


def test_a_cpo_that_unpairs_itself_is_told_nothing(world: World, charger: Charger) -> None:
    world.unpair(charger.key, Why.CPO)
    assert world.waiting() == []


def test_a_cpo_without_a_pairing_interface_is_told_nothing_and_waited_for_by_nobody(
    world: World, charger: Charger
) -> None:
    partner = world.scene.partner
    world.change(replace(partner, pairing=replace(partner.pairing, url=None)))
    world.unpair(charger.key)
    world.tell()
    assert (world.waiting(), world.heard) == ([], [])


@pytest.mark.parametrize(
    "trouble",
    [
        PairingTrouble(http_status=500),
        PairingTrouble(http_status=403),
        PairingTrouble(loses_answer=True),
        PairingTrouble(silent=True),
    ],
)
def test_a_cpo_that_does_not_acknowledge_is_told_again_after_longer_and_longer(
    world: World, charger: Charger, trouble: PairingTrouble
) -> None:
    world.scene.cpo.trouble_pairing(replace(trouble, calls=2), on="unpair")
    world.unpair(charger.key)
    assert world.tell() == 0
    assert world.waiting()[0].problem
    assert world.tell() == 0
    assert len(world.heard) == 1, "it is not due yet"
    world.passed += wait_after(1)
    world.tell()
    world.passed += wait_after(1)
    assert world.tell() == 0
    assert len(world.heard) == 2, "it waits longer the second time"
    world.passed += wait_after(2)
    assert (world.tell(), world.waiting(), len(world.heard)) == (1, [], 3)


def test_waits_grow_to_six_hours_and_no_more() -> None:
    waits = [wait_after(attempts) for attempts in range(1, 40)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (timedelta(minutes=1), LONGEST_RETRY)
    assert timedelta(hours=12) < sum(waits[:11], timedelta()) < timedelta(days=2)


def test_an_unpairing_that_waits_for_a_day_is_counted(world: World, charger: Charger) -> None:
    world.change(replace(world.scene.partner, status=PartnerStatus.LEFT))
    world.unpair(charger.key)
    world.tell()
    world.passed += WAITS_LONG
    metrics.clear_metrics()
    world.tell()
    assert "no connection" in str(world.waiting()[0].problem)
    assert metrics.metric_set["UnpairingsWaiting"]["Value"] == [1]


def test_a_partner_that_fails_is_asked_once_and_others_are_not_delayed(world: World, charger: Charger) -> None:
    for number in range(2, 6):
        world.scene.cpo.issue_code(f"C{number}", f"EVSE-{number}")
        outcome = world.scene.links(f"C{number}", world.scene.moves_in(f"d{number}"))
        assert isinstance(outcome, Charger)
        world.unpair(outcome.key)
    world.unpair(charger.key)
    world.scene.cpo.trouble_pairing(PairingTrouble(http_status=500), on="unpair")
    world.tell()
    assert len(world.heard) == 1
    assert all(each.due_at > world.scene.real_now() for each in world.waiting())
    world.scene.cpo.trouble_pairing(PairingTrouble(), on="unpair")
    world.passed += timedelta(minutes=2)
    assert world.tell() == 5


def test_a_charger_can_be_paired_anew_by_anybody_and_the_old_unpairing_is_not_told_then(
    world: World, charger: Charger
) -> None:
    world.unpair(charger.key)
    again = linked(world, "bob")
    assert world.waiting() == []
    world.tell()
    assert (world.heard, world.scene.cpo.pairing.paired) == ([], {"evse-1"})
    held = world.scene.ownership.of("acme", "EVSE-1")
    assert held is not None
    assert (held.owner, held.released_at) == (again.key, NOW)


def test_the_attempt_that_had_linked_it_links_it_no_more(world: World, charger: Charger) -> None:
    world.unpair(charger.key)
    again = world.scene.link("AB-123456", charger.key.user)
    assert again == Refused(Reason.UNPAIRED_SINCE)


def test_whoever_pairs_while_the_cpo_is_being_told_waits_and_the_cpo_hears_the_pairing_last(
    world: World, charger: Charger
) -> None:
    world.unpair(charger.key)
    world.scene.cpo.trouble_pairing(PairingTrouble(slow_s=1.0), on="unpair")
    with ThreadPoolExecutor(1) as clock:
        told = clock.submit(world.tell)
        while world.waiting() and not world.waiting()[0].leased_until:
            pass
        again = linked(world, "bob")
        assert told.result() == 1
    kinds = [call.kind for call in world.scene.cpo.pairing.calls]
    assert (kinds.count("unpair"), kinds[-1]) == (1, "pair")
    assert world.scene.cpo.pairing.paired == {"evse-1"}
    held = world.scene.ownership.of("acme", "EVSE-1")
    assert held is not None
    assert held.owner == again.key


def test_who_was_answered_just_before_the_cpo_was_told_asks_it_again(world: World, charger: Charger) -> None:
    world.unpair(charger.key)
    world.scene.cpo.trouble_pairing(PairingTrouble(slow_s=0.6, calls=1))
    with ThreadPoolExecutor(1) as other:
        pairing = other.submit(linked, world, "bob")
        threading.Event().wait(0.2)
        world.tell()
        pairing.result()
    kinds = [call.kind for call in world.scene.cpo.pairing.calls]
    assert kinds.count("pair") >= 3
    assert kinds[-1] == "pair"
    assert world.scene.cpo.pairing.paired == {"evse-1"}


def test_whoever_dies_while_unpairing_or_telling_leaves_it_to_the_next(make_table: MakeTable) -> None:
    with a_scene(make_table) as scene:
        world = World(scene)
        for moment in range(1, 300):
            scene.cpo.issue_code("AB-123456", f"E{moment}")
            charger = linked(world, f"ann{moment}")
            mortal = scene.with_tables(Life(moment).mortal)
            try:
                unpair(charger.key, Why.APP, world.unpairer(mortal), now=NOW)
                tell_all(world.teller(mortal))
            except Died:
                scene.check_that_nothing_is_half_linked()
            else:
                break
            world.unpair(charger.key)
            world.passed += timedelta(minutes=2)
            world.tell()
            scene.check_that_nothing_is_half_linked()
            assert world.waiting() == []
            assert scene.cpo.pairing.declines(f"E{moment}")
        assert moment > 25


def test_of_two_who_unpair_at_once_one_does(world: World, charger: Charger) -> None:
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda _: world.unpair(charger.key), range(8)))
    assert outcomes.count(True) == 1
    assert len(world.waiting()) == 1


def test_two_clocks_at_once_tell_it_once(world: World, charger: Charger) -> None:
    world.unpair(charger.key)
    world.scene.cpo.trouble_pairing(PairingTrouble(slow_s=0.3), on="unpair")
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(lambda _: world.tell(), range(4))) == 1
    assert world.heard == ["EVSE-1"]


def test_a_large_station_with_many_running_sessions_is_unpaired_all_the_same(world: World) -> None:
    scene, key = world.scene, ChargerKey(world.scene.moves_in("ann"), "chg_large")
    large = station("acme", *(f"L-{n}" for n in range(90)))
    outcome = claim(large, key, "loc_1", "con_1.1", scene.claimer, now=NOW, asked_at=scene.real_now())
    assert isinstance(outcome, Charger)
    causes = [(scene.tables["events"], Put({"pk": f"CAUSE#{n}", "sk": "CAUSE"})) for n in range(90)]
    assert unpair(key, Why.APP, replace(world.unpairer(), causes=lambda _: causes), now=NOW)
    assert scene.accounts.charger(key) is None
    assert scene.planned[-1] == ("acme", tuple(f"L-{n}" for n in range(90)))
