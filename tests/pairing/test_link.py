"""Linking a charger, against the real database and a CPO's real server: one owner, whatever happens on the way."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import get_args

import pytest

from local.cpo import PairingTrouble
from offpeak.aws.tables import ConditionCheck, Put
from offpeak.errors import ConcurrentChange, InUse, OutOfDate, PeerUnavailable
from offpeak.pairing.keep import remove_location
from offpeak.pairing.link import Reason, Refused, judged, link
from offpeak.pairing.model import Charger, ChargerKey, Claimed, Held, PairedConnector, UserKey
from offpeak.pairing.own_markets import OwnMarket, OwnMarkets
from offpeak.pairing.tries import MOST_OF_TENANT
from offpeak.partners.model import PartnerStatus, Tier
from tests.conftest import MakeTable
from tests.pairing.builders import NOW
from tests.pairing.scene import Died, Life, Scene, a_scene
from tests.partners.test_codes import HOSTILE


@pytest.fixture
def scene(make_table: MakeTable) -> Iterator[Scene]:
    with a_scene(make_table) as scene:
        scene.cpo.issue_code("AB-123456", "EVSE-1")
        yield scene


@pytest.fixture
def stations(make_table: MakeTable) -> Iterator[Scene]:
    with a_scene(make_table, Tier.STATION) as scene:
        scene.cpo.issue_code("AB-123456", "E1", "E2", "E3", station_uid="STATION-1")
        yield scene


def reason(outcome: Charger | Refused) -> Reason:
    assert isinstance(outcome, Refused), outcome
    return outcome.reason


def test_a_code_becomes_a_charger_at_the_drivers_location(scene: Scene) -> None:
    ann = scene.moves_in("ann")
    charger = scene.link(" AB-123456 ", ann)
    assert isinstance(charger, Charger)
    assert scene.accounts.charger(charger.key) == charger
    assert (charger.location_id, charger.station.tier, charger.station.uid) == ("loc_1", Tier.EVSE, None)
    evse = charger.station.evses[0]
    assert (evse.uid, evse.connectors) == ("EVSE-1", (PairedConnector("1", "IEC_62196_T2", 11_040),))
    held = scene.ownership.of("acme", "evse-1")
    assert held is not None
    assert (held.held, held.owner) == (Held.OWNED, charger.key)
    assert scene.events() == [(charger.key.charger_id, "charger.paired")]
    assert scene.queue.sent[0][1] == f"hearth#{charger.key.charger_id}"
    assert "EVSE-1" not in str(scene._all("events")), "deliveries outlive an erasure, and an EVSE is at somebody's home"
    assert scene.planned == [("acme", ("EVSE-1",))]
    assert scene.cpo.complaints == ()


def test_a_place_in_a_zone_of_its_own_is_known_as_soon_as_a_charger_is_linked_there(scene: Scene) -> None:
    ann = scene.moves_in("ann")
    place = scene.accounts.known(ann).locations["loc_1"]
    scene.accounts.save_location(ann, replace(place, bidding_zone="NL"))
    scene.link("AB-123456", ann)
    assert OwnMarkets(scene.tables["own_markets"]).all() == [OwnMarket("acme", "NL", None)]


def test_a_station_is_linked_with_all_of_its_evses(stations: Scene) -> None:
    charger = stations.link("AB-123456", stations.moves_in("ann"))
    assert isinstance(charger, Charger)
    assert (charger.station.uid, [each.uid for each in charger.station.evses]) == ("STATION-1", ["E1", "E2", "E3"])
    found = stations.ownership.all_held("acme", [Claimed("E1"), Claimed("E2"), Claimed("E3")])
    assert [each.owner if each else None for each in found] == [charger.key] * 3


def test_the_same_attempt_again_is_the_same_charger_and_asks_the_cpo_no_more(scene: Scene) -> None:
    ann = scene.moves_in("ann")
    first = scene.link("AB-123456", ann)
    assert scene.link("AB-123456", ann) == first
    assert len(scene.cpo.pairing.calls) == 1


def test_another_attempt_of_the_same_driver_is_told_which_charger_that_is(scene: Scene) -> None:
    ann = scene.moves_in("ann")
    first = scene.link("AB-123456", ann)
    again = scene.link("AB-123456", ann, "2")
    assert isinstance(first, Charger)
    assert again == Refused(Reason.ALREADY_YOURS, charger_id=first.key.charger_id)


def test_another_driver_is_refused_and_the_cpo_is_not_told_of_it(scene: Scene) -> None:
    scene.link("AB-123456", scene.moves_in("ann"))
    assert reason(scene.link("AB-123456", scene.moves_in("bob"))) is Reason.ALREADY_LINKED
    assert {call.kind for call in scene.cpo.pairing.calls} == {"pair"}
    assert scene.cpo.pairing.paired == {"evse-1"}


def test_of_a_station_somebody_elses_evse_is_enough_to_refuse_all(stations: Scene) -> None:
    stations.cpo.issue_code("ONE", "E3", station_uid="STATION-0")
    stations.link("ONE", stations.moves_in("ann"))
    assert reason(stations.link("AB-123456", stations.moves_in("bob"))) is Reason.ALREADY_LINKED
    assert [
        each is None for each in stations.ownership.all_held("acme", [Claimed("E1"), Claimed("E2"), Claimed("E3")])
    ] == [True, True, False]
    stations.check_that_nothing_is_half_linked()


def test_a_code_that_the_cpo_does_not_know_is_unknown(scene: Scene) -> None:
    assert reason(scene.link("XY-000000", scene.moves_in("ann"))) is Reason.CODE_UNKNOWN


@pytest.mark.parametrize("typed", HOSTILE)
def test_what_is_no_code_is_refused_in_milliseconds_and_the_cpo_hears_nothing(scene: Scene, typed: str) -> None:
    scene.partner = replace(scene.partner, pairing=replace(scene.partner.pairing, code_pattern="[A-Z]{2}-?[0-9]{6}"))
    ann = scene.moves_in("ann")
    began = time.perf_counter()
    assert reason(scene.link(typed, ann)) is Reason.CODE_MALFORMED
    assert time.perf_counter() - began < 0.1, "one read of the database is in it"
    assert scene.cpo.pairing.calls == []


@pytest.mark.parametrize("status", [PartnerStatus.INVITED, PartnerStatus.LEFT])
def test_a_partner_without_connection_pairs_nothing(scene: Scene, status: PartnerStatus) -> None:
    scene.partner = replace(scene.partner, status=status)
    assert reason(scene.link("AB-123456", scene.moves_in("ann"))) is Reason.PARTNER_NOT_CONNECTED


def test_a_driver_or_location_that_is_gone_gets_no_charger(scene: Scene) -> None:
    ann = scene.moves_in("ann")
    scene.accounts.remove_location(ann, scene.accounts.known(ann).locations["loc_1"])
    assert reason(scene.link("AB-123456", ann)) is Reason.LOCATION_GONE
    assert scene.cpo.pairing.calls == []


class Meanwhile(Life):
    """Something else is done just before a call, once."""

    def __init__(self, call: str, do: Callable[[], object]) -> None:
        super().__init__(0)
        self.left = {call: do}

    def lives_through(self, name: str, *, is_done: bool) -> None:
        if not is_done and name in self.left:
            self.left.pop(name)()


def test_a_location_is_not_removed_while_a_charger_is_being_linked_to_it(scene: Scene) -> None:
    ann = scene.moves_in("ann")
    linking = Meanwhile("delete_item", lambda: scene.link("AB-123456", ann))
    with pytest.raises(OutOfDate):
        remove_location(ann, "loc_1", scene.with_tables(linking.mortal).accounts, seen=1)
    account = scene.accounts.known(ann)
    assert [each.location_id for each in account.chargers.values()] == ["loc_1"]
    assert account.locations["loc_1"].revision == 1, "its ETag is the same: nothing that is told of it has changed"
    with pytest.raises(InUse):
        remove_location(ann, "loc_1", scene.accounts, seen=1)


def test_a_charger_is_not_linked_to_a_location_that_is_removed_at_the_last_moment(scene: Scene) -> None:
    ann = scene.moves_in("ann")
    removing = Meanwhile("transact_write_items", lambda: remove_location(ann, "loc_1", scene.accounts, seen=1))
    assert reason(scene.with_tables(removing.mortal).link("AB-123456", ann)) is Reason.LOCATION_GONE
    scene.check_that_nothing_is_half_linked()
    assert scene.ownership.of("acme", "EVSE-1") is None


def test_a_code_that_was_settled_meanwhile_is_not_linked(scene: Scene) -> None:
    key = ChargerKey(scene.moves_in("ann"), "chg_1")
    settled = (scene.tables["connect_sessions"], ConditionCheck({"pk": "-", "sk": "-"}, "attribute_exists(pk)"))
    with pytest.raises(ConcurrentChange):
        link("AB-123456", scene.partner, key, "loc_1", "con_1.1", scene.linker, now=NOW, also=[settled])
    scene.check_that_nothing_is_half_linked()
    assert scene.ownership.of("acme", "EVSE-1") is None


@pytest.mark.parametrize(
    "says",
    [
        "",
        "no JSON",
        "[]",
        "{}",
        '{"evse": {}}',
        '{"evse": {"uid": ""}}',
        '{"evse": {"uid": "' + "x" * 300 + '"}}',
        '{"evse": {"uid": ["E1"]}}',
        '{"charging_station": {"uid": "S1", "evses": [{"uid": "E1"}]}}',
        '{"evse": {"uid": "E1", "uid": "E2"}}',
        '{"evse": {"uid": "E1", "connectors": ' + str([{}] * 21) + "}}",
        '{"evse": ' + "[" * 5000 + "]" * 5000 + "}",
        '{"evse": {"uid": "E1", "x": "' + "y" * 300_000 + '"}}',
    ],
)
def test_an_answer_that_nobody_can_use_links_nothing(scene: Scene, says: str) -> None:
    scene.cpo.trouble_pairing(PairingTrouble(says=says))
    assert reason(scene.link("AB-123456", scene.moves_in("ann"))) is Reason.CPO_UNUSABLE
    scene.check_that_nothing_is_half_linked()


@pytest.mark.parametrize(
    ("evses", "problem"),
    [
        ("[]", "at least one"),
        ('[{"uid": "E1"}, {"uid": "e1"}]', "twice"),
        ('[{"uid": "E1"}, {}]', "evses.1.uid"),
        (str([{"uid": f"E{n}"} for n in range(91)]).replace("'", '"'), "at most 90"),
    ],
)
def test_a_station_that_cannot_be_is_not_linked_and_its_problem_is_named(
    stations: Scene, evses: str, problem: str
) -> None:
    stations.cpo.trouble_pairing(PairingTrouble(says=f'{{"charging_station": {{"uid": "S1", "evses": {evses}}}}}'))
    outcome = stations.link("AB-123456", stations.moves_in("ann"))
    assert reason(outcome) is Reason.CPO_UNUSABLE
    assert isinstance(outcome, Refused)
    assert problem in outcome.detail


def test_the_largest_station_is_linked_in_one_transaction(stations: Scene) -> None:
    stations.cpo.issue_code("BIG", *(f"E{n}" for n in range(90)), station_uid="BIG")
    charger = stations.link("BIG", stations.moves_in("ann"))
    assert isinstance(charger, Charger)
    stations.check_that_nothing_is_half_linked()


def test_an_answer_in_an_envelope_is_taken_too(scene: Scene) -> None:
    scene.cpo.trouble_pairing(PairingTrouble(says='{"status_code": 1000, "data": {"evse": {"uid": "E7"}}}'))
    charger = scene.link("AB-123456", scene.moves_in("ann"))
    assert isinstance(charger, Charger)
    assert charger.station.evses[0].uid == "E7"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, Reason.CODE_UNKNOWN),
        (403, Reason.CPO_UNUSABLE),
        (409, Reason.ALREADY_LINKED),
        (410, Reason.CODE_UNKNOWN),
        (422, Reason.CODE_UNKNOWN),
    ],
)
def test_what_the_cpo_answers_is_told_apart(scene: Scene, status: int, expected: Reason) -> None:
    scene.cpo.trouble_pairing(PairingTrouble(http_status=status))
    assert reason(scene.link("AB-123456", scene.moves_in("ann"))) is expected


@pytest.mark.parametrize("trouble", [PairingTrouble(http_status=403), PairingTrouble(says='{"status_code": 2001}')])
def test_no_answer_of_a_cpo_lets_codes_be_guessed_without_end(scene: Scene, trouble: PairingTrouble) -> None:
    ann = scene.moves_in("ann")
    scene.cpo.trouble_pairing(trouble)
    reasons = [reason(scene.link(f"AB-{number:06}", ann)) for number in range(30)]
    assert set(reasons) == {Reason.CPO_UNUSABLE, Reason.TOO_MANY_TRIES}
    assert len(scene.cpo.pairing.calls) == reasons.count(Reason.CPO_UNUSABLE) <= 10


@pytest.mark.parametrize(
    "trouble", [PairingTrouble(http_status=500), PairingTrouble(http_status=429), PairingTrouble(loses_answer=True)]
)
def test_a_cpo_that_is_not_reached_may_be_tried_again_and_costs_no_try(scene: Scene, trouble: PairingTrouble) -> None:
    ann = scene.moves_in("ann")
    scene.cpo.trouble_pairing(replace(trouble, calls=20))
    for _ in range(20):
        with pytest.raises(PeerUnavailable):
            scene.link("AB-123456", ann)
    assert isinstance(scene.link("AB-123456", ann), Charger)


def test_a_silent_cpo_is_waited_for_no_longer_than_a_worker_lives(scene: Scene) -> None:
    scene.cpo.trouble_pairing(PairingTrouble(silent=True))
    began = time.monotonic()
    with pytest.raises(PeerUnavailable):
        scene.link("AB-123456", scene.moves_in("ann"))
    assert 7 < time.monotonic() - began < 9


def test_pairing_that_fails_shuts_no_circuit_for_profiles(scene: Scene) -> None:
    scene.cpo.trouble_pairing(PairingTrouble(http_status=500))
    ann = scene.moves_in("ann")
    for _ in range(8):
        with pytest.raises(PeerUnavailable, match="HTTP 500"):
            scene.link("AB-123456", ann)


def test_a_code_that_counts_once_and_whose_answer_got_lost_is_unknown_and_nobody_s(scene: Scene) -> None:
    scene.cpo.issue_code("ONCE", "EVSE-9", is_used_once=True)
    scene.cpo.trouble_pairing(PairingTrouble(loses_answer=True, calls=1))
    ann = scene.moves_in("ann")
    with pytest.raises(PeerUnavailable):
        scene.link("ONCE", ann)
    assert reason(scene.link("ONCE", ann)) is Reason.CODE_UNKNOWN
    assert scene.ownership.of("acme", "EVSE-9") is None


@pytest.mark.parametrize("is_station", [False, True])
def test_whoever_dies_anywhere_leaves_all_or_nothing_and_may_come_again(
    make_table: MakeTable, is_station: bool
) -> None:
    uids = ("E1", "E2") if is_station else ("E1",)
    with a_scene(make_table, Tier.STATION if is_station else Tier.EVSE) as scene:
        for moment in range(1, 200):
            evses = [f"{uid}-{moment}" for uid in uids]
            scene.cpo.issue_code(f"C{moment}", *evses, station_uid=f"S{moment}" if is_station else None)
            driver = scene.moves_in(f"ann{moment}")
            life = Life(moment)
            try:
                scene.with_tables(life.mortal).link(f"C{moment}", driver)
            except Died:
                scene.check_that_nothing_is_half_linked()
            else:
                break
            if moment % 2:
                other = scene.moves_in(f"bob{moment}")
                owners = {type(scene.link(f"C{moment}", each)) for each in (other, driver)}
                assert owners == set(get_args(Charger | Refused))
            else:
                assert isinstance(scene.link(f"C{moment}", driver), Charger)
            scene.check_that_nothing_is_half_linked()
        assert moment > 20, "there are that many moments at least"
        assert len(set(scene.events())) == moment


def test_the_same_attempt_twice_at_once_with_a_cpo_that_answers_differently_has_one_charger(scene: Scene) -> None:
    scene.cpo.trouble_pairing(PairingTrouble(slow_s=0.1, names=("EVSE-A", "EVSE-B", "EVSE-C")))
    ann = scene.moves_in("ann")
    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(lambda _: scene.links("AB-123456", ann), range(6)))
    assert len({outcome.key.charger_id for outcome in outcomes if isinstance(outcome, Charger)}) == 1
    assert all(outcome == outcomes[0] for outcome in outcomes)
    scene.check_that_nothing_is_half_linked()
    assert len(scene.accounts.known(ann).chargers) == 1


@pytest.mark.parametrize("is_station", [False, True])
def test_of_fifty_drivers_who_race_for_one_charger_one_gets_it_and_the_others_are_told(
    make_table: MakeTable, is_station: bool
) -> None:
    with a_scene(make_table, Tier.STATION if is_station else Tier.EVSE) as scene:
        scene.partner = replace(scene.partner, flags=replace(scene.partner.flags, in_flight_cap=100))
        scene.cpo.issue_code(
            "RACE", *(("E1", "E2") if is_station else ("E1",)), station_uid="S" if is_station else None
        )
        drivers = [scene.moves_in(str(number)) for number in range(50)]
        with ThreadPoolExecutor(50) as pool:
            outcomes = list(pool.map(lambda driver: scene.links("RACE", driver), drivers))
        told = Counter("owner" if isinstance(each, Charger) else each.reason for each in outcomes)
        assert told == {"owner": 1, Reason.ALREADY_LINKED: 49}
        scene.check_that_nothing_is_half_linked()
        assert [kind for _, kind in scene.events()] == ["charger.paired"]
        assert {call.kind for call in scene.cpo.pairing.calls} == {"pair"}
        assert scene.cpo.pairing.paired == ({"e1", "e2"} if is_station else {"e1"})


def test_who_tries_codes_is_stopped_and_others_go_on(scene: Scene) -> None:
    ann, bob = scene.moves_in("ann"), scene.moves_in("bob")
    outcomes = [reason(scene.link(f"X{number}", ann, str(number))) for number in range(11)]
    assert outcomes == [Reason.CODE_UNKNOWN] * 10 + [Reason.TOO_MANY_TRIES]
    assert reason(scene.link("AB-123456", ann, "12")) is Reason.TOO_MANY_TRIES
    assert isinstance(scene.link("AB-123456", bob), Charger)
    tried = {each.whose: each for each in scene.tries.of_partner("acme", scene.real_now().replace(minute=0))}
    assert tried["USER#hearth#usr_ann"].is_stopped
    told = [tried[whose].tries for whose in ("PARTNER", "TENANT#hearth", "USER#hearth#usr_bob")]
    assert told == [10, 10, 0]


def test_a_tenant_that_tries_too_many_codes_shuts_out_no_other_tenants_drivers(scene: Scene) -> None:
    at, ann = scene.real_now(), scene.moves_in("ann")
    limit = {"tries": MOST_OF_TENANT, "most": MOST_OF_TENANT}
    scene.tables["connect_sessions"].write(Put({"pk": "TRIES#acme", "sk": f"{at:%Y-%m-%dT%H}#TENANT#hearth", **limit}))
    assert scene.tries.take("acme", ann, "con_1", at) == "TENANT"
    assert scene.tries.take("acme", UserKey("other", "usr_1"), "con_2", at) is None
    assert {each.whose: each.tries for each in scene.tries.of_partner("acme", at)}["PARTNER"] == 1


def test_what_runs_at_a_limited_connection_is_planned_anew_when_a_charger_is_linked_beside_it(scene: Scene) -> None:
    ann, first, second = scene.moves_in("ann"), ("acme", ("EVSE-1",)), ("acme", ("EVSE-2",))
    scene.cpo.issue_code("AB-222222", "EVSE-2")
    scene.link("AB-123456", ann)
    home = scene.accounts.known(ann).locations["loc_1"]
    scene.accounts.save_location(ann, replace(home, connection_limit_a=25))
    scene.link("AB-222222", ann, "2")
    assert scene.planned == [first, first, second]


def test_neighbours_hear_of_their_smaller_shares_though_who_links_dies(scene: Scene) -> None:
    """The transaction that links wants their plans; who comes again has planned what ran at the charger itself."""

    class DiesLinked(Life):
        def lives_through(self, name: str, *, is_done: bool) -> None:
            if name == "transact_write_items" and is_done:
                raise Died("after the transaction")

    ann = scene.moves_in("ann")
    scene.cpo.issue_code("AB-222222", "EVSE-2")
    first = scene.link("AB-123456", ann)
    home = scene.accounts.known(ann).locations["loc_1"]
    scene.accounts.save_location(ann, replace(home, connection_limit_a=25))
    scene.planned.clear()
    with pytest.raises(Died):
        scene.with_tables(DiesLinked(0).mortal).link("AB-222222", ann, "2")
    assert isinstance(first, Charger)
    assert (scene.caused(), scene.planned) == ([first.key.charger_id], [])
    assert isinstance(scene.link("AB-222222", ann, "2"), Charger)
    assert scene.planned == [("acme", ("EVSE-1",)), ("acme", ("EVSE-2",))]


def test_one_connect_session_has_few_tries(scene: Scene) -> None:
    ann = scene.moves_in("ann")
    outcomes = [reason(scene.link(f"X{number}", ann, "1", f"chg_{number}")) for number in range(7)]
    assert outcomes == [Reason.CODE_UNKNOWN] * 6 + [Reason.TOO_MANY_TRIES]


def test_guesses_at_the_same_moment_are_counted_one_by_one(scene: Scene) -> None:
    ann = scene.moves_in("ann")
    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(lambda number: reason(scene.links(f"X{number}", ann, str(number))), range(40)))
    assert Counter(outcomes) == {Reason.CODE_UNKNOWN: 10, Reason.TOO_MANY_TRIES: 30}


def test_what_nobody_ever_paired_may_be_linked() -> None:
    assert judged([None, None], None, "con_1.1") is None  # type: ignore[arg-type]


def test_a_database_that_is_written_by_too_many_is_tried_again_later(scene: Scene) -> None:
    class Busy(Life):
        def lives_through(self, name: str, *, is_done: bool) -> None:
            if name == "transact_write_items":
                raise ConcurrentChange("always")

    ann = scene.moves_in("ann")
    with pytest.raises(ConcurrentChange):
        scene.with_tables(Busy(0).mortal).link("AB-123456", ann)
    assert isinstance(scene.link("AB-123456", ann), Charger)
