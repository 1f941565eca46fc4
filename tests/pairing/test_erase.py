"""A user is erased: whoever dies at it is followed by another, and in the end nothing of him is found anywhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest

from offpeak.aws.tables import Delete, Put, Table, Update
from offpeak.errors import UnknownObject
from offpeak.events.model import Stream
from offpeak.events.publish import Forgotten, PublishedEvents
from offpeak.habits.store import Charger as HabitCharger
from offpeak.habits.store import HabitStore
from offpeak.instants import format_instant
from offpeak.pairing.accounts import AccountStore
from offpeak.pairing.connect_store import ConnectStore
from offpeak.pairing.deletions import BACKUPS_KEPT_FOR, LAST_EXPIRY, Deletion, DeletionStore
from offpeak.pairing.erase import Eraser, begin, deletion_shown, look, look_at_all
from offpeak.pairing.keep import make_location, make_user
from offpeak.pairing.model import Charger, Held, UserKey, Why
from offpeak.pairing.ownership import OwnershipStore
from offpeak.pairing.unpair import Unpairer, unpair
from offpeak.pairing.users import NewLocation, UserChange
from offpeak.sessions.pseudonymise import POINTERS
from offpeak.tenants.repeats import Asked, KeptAnswer, RepeatStore
from tests.conftest import MakeTable
from tests.habits.test_store import VISIT
from tests.pairing.builders import NOW
from tests.pairing.scene import Died, Life, Scene, a_scene
from tests.pairing.test_connect import made


class House:
    """A user with all that may be kept of one, and those who erase him."""

    def __init__(self, scene: Scene, tables: dict[str, Table], name: str = "ann") -> None:
        self.scene, self.tables, self.name = scene, tables, name
        self.ids = count(1)
        scene.cpo.issue_code(f"AB-{name}", "EVSE-1")
        outcome = scene.links(f"AB-{name}", scene.moves_in(name), "1")
        assert isinstance(outcome, Charger), outcome
        self.charger, self.user = outcome, outcome.key.user
        self.fill()

    def fill(self) -> None:
        ConnectStore(self.tables["connect_sessions"]).make(
            made(user=self.user, connect_id=f"con_{self.name}"), "secret"
        )
        evse = HabitCharger("acme", "EVSE-1")
        HabitStore(self.tables["habits"]).learn(evse, "S-1", VISIT, "Europe/Amsterdam", at=NOW)
        repeats = RepeatStore(self.tables["app_requests"])
        asked = Asked("hearth", self.name, b"POST /v1/users\n{}")
        repeats.begin(asked, self.user.user_id, "a", now=NOW)
        body = json.dumps({"reference": "driver-17"})
        repeats.finish(asked, self.user.user_id, KeptAnswer(201, {}, body), now=NOW)
        for name in (f"{self.name}-1", f"{self.name}-2"):
            self.tables["sessions"].write(Put(self.session(name)))

    def session(self, name: str) -> dict[str, Any]:
        token = {"v": json.dumps({"uid": "RFID-OF-ANN", "contract_id": "NL-ANN-1"}), "t": "2027-03-01T18:00:00.000Z"}
        key = self.charger.key
        return {
            "pk": f"acme#{name.casefold()}",
            "sk": "SESSION",
            "partner_id": "acme",
            "session_id": name,
            "version": 1,
            "fields": {"cdr_token": token, "kwh": {"v": 12, "t": "2027-03-01T18:00:00.000Z"}},
            "charger": {"tenant_id": "hearth", "user_id": key.user.user_id, "charger_id": key.charger_id},
            "begun_at": "2027-03-01T18:00:00.000Z",
            "user_key": key.user.text,
            "charger_start": f"{key.charger_id}#2027-03-01T18:00:00.000Z#{name.casefold()}",
        }

    def unplanned(self, name: str, began: datetime) -> dict[str, Any]:
        """A session at the charger that was heard of, and is listed as nobody's yet."""
        row = {each: value for each, value in self.session(name).items() if each not in POINTERS}
        start = {"v": format_instant(began), "t": format_instant(began)}
        return {**row, "evse_key": "acme#evse-1", "fields": {**row["fields"], "start_date_time": start}}

    def eraser(self, life: Life | None = None) -> Eraser:
        tables = {name: life.mortal(each) if life else each for name, each in self.tables.items()}
        return Eraser(
            DeletionStore(tables["users"]),
            tables["users"],
            tables["sessions"],
            ConnectStore(tables["connect_sessions"]),
            HabitStore(tables["habits"]),
            RepeatStore(tables["app_requests"]),
            PublishedEvents(tables["events"]),
            lambda: Unpairer(
                AccountStore(tables["users"]),
                OwnershipStore(tables["evse_ownership"]),
                self.scene.outbox,
                lambda _: (),
                lambda _, __: None,
                real_now=lambda: NOW,
                new_id=lambda: f"unp_{self.name}_{next(self.ids)}",
            ),
            now=lambda: NOW,
            real_now=lambda: NOW,
        )

    def begin(self) -> Deletion:
        return begin(self.user, self.scene.accounts, DeletionStore(self.tables["users"]), now=NOW)

    def tick(self, life: Life | None = None) -> None:
        """Look once; then what waited to be told has been."""
        by = self.eraser(life)
        for deletion in opened(by.deletions):
            look(deletion, by)
        self.tell_events()

    def tell_events(self) -> None:
        table = self.tables["events"]
        for row in table._client.scan(TableName=table.name)["Items"]:
            if row["sk"]["S"].startswith("OUT#"):
                table.write(Delete({"pk": row["pk"]["S"], "sk": row["sk"]["S"]}))

    def deletion(self) -> Deletion:
        return DeletionStore(self.tables["users"]).known("hearth", self.begin().deletion_id)

    def kept(self, *names: str) -> str:
        """All rows of these tables, as text."""
        rows = []
        for name in names:
            table = self.tables[name]
            rows += table._client.scan(TableName=table.name)["Items"]
        return json.dumps(rows, default=str)


@pytest.fixture
def house(make_table: MakeTable) -> Iterator[House]:
    with a_scene(make_table) as scene:
        yield House(scene, all_tables(scene, make_table))


def all_tables(scene: Scene, make_table: MakeTable) -> dict[str, Table]:
    return {**scene.tables, **{name: make_table(name) for name in ("sessions", "habits", "app_requests")}}


def opened(deletions: DeletionStore) -> list[Deletion]:
    return [each for each in (deletions.known(*key) for key in deletions.open()) if each.finished_at is None]


PERSONAL = ("RFID-OF-ANN", "NL-ANN-1", "driver-17", "Kade 1")


def check_nothing_is_left(house: House) -> None:
    everywhere = house.kept("users", "sessions", "connect_sessions", "habits", "app_requests", "evse_ownership")
    assert not any(personal in everywhere for personal in PERSONAL)
    assert house.user.user_id not in house.kept("sessions", "habits", "evse_ownership")
    assert "secret_mark" not in house.kept("connect_sessions")
    assert house.kept("habits") == "[]"
    rows = list(house.tables["users"].query("pk = :pk", {":pk": house.user.text}))
    assert rows == []
    assert "EVSE-1" not in house.kept("users"), "the deletion's own row leads to no EVSE, and so to no session"
    held = OwnershipStore(house.tables["evse_ownership"]).of("acme", "EVSE-1")
    assert held is not None
    assert (held.held, held.owner) == (Held.RELEASED, None)
    assert "kwh" in house.kept("sessions"), "what was charged stays on the books"


def test_a_user_is_gone_for_apps_at_once_and_everywhere_after_two_looks(house: House) -> None:
    begun = house.begin()
    assert house.scene.accounts.load(house.user) is None
    house.tick()
    assert house.deletion().finished_at is None, "what came to light late is looked for once more"
    house.tick()
    check_nothing_is_left(house)
    done = house.deletion()
    assert done.finished_at == NOW
    assert done.backups_expire_at == NOW + LAST_EXPIRY + BACKUPS_KEPT_FOR == NOW + timedelta(days=65)
    shown = deletion_shown(done)
    assert (shown["state"], shown["deletion_id"]) == ("FINISHED", begun.deletion_id)
    listing: Any = shown["listing"]
    assert {each["place"]: each["done"] for each in listing} == {
        "chargers": 1,
        "former_chargers": 0,
        "charging_locations": 1,
        "connect_sessions": 1,
        "answers_kept": 1,
        "sessions": 2,
        "events": 0,
        "habits": 1,
    }
    assert all(each["found_at_last_look"] == 0 for each in listing)
    house.tick()
    assert house.deletion().runs == done.runs, "and then nobody looks any more"


def test_whoever_dies_anywhere_is_followed_by_another(make_table: MakeTable) -> None:
    with a_scene(make_table) as scene:
        tables = all_tables(scene, make_table)
        for dies_at in range(1, 300, 2):
            house = House(scene, tables, f"driver{dies_at}")
            house.begin()
            try:
                house.tick(Life(dies_at))
            except Died:
                for _ in range(3):
                    house.tick()
                check_nothing_is_left(house)
                assert house.deletion().finished_at is not None, f"died at {dies_at}"
                continue
            assert dies_at > 20, "it had that many moments to die at"
            return
        pytest.fail("a look has no end")


def test_what_is_written_while_he_is_erased_is_found_by_the_look_after(house: House) -> None:
    sessions = house.tables["sessions"]
    sessions.write(Put(house.unplanned("ann-4", NOW - timedelta(minutes=1))))
    over = house.unplanned("ann-5", NOW - timedelta(days=1)) | {"evse_key": "acme#evse-1#OVER"}
    sessions.write(Put(over))
    sessions.write(Put(house.unplanned("bob-1", NOW)))
    house.begin()
    house.tick()
    assert house.deletion().done["sessions"] == 4, "one that was never planned as his is his, too, open or over"
    sessions.write(Put(house.session("ann-3")))
    house.tick()
    assert house.deletion().finished_at is None
    house.tick()
    assert house.deletion().finished_at is not None
    bobs = sessions.get({"pk": "acme#bob-1", "sk": "SESSION"})
    assert bobs == house.unplanned("bob-1", NOW), "what begins later is that of whoever has it then"
    sessions.write(Delete({"pk": "acme#bob-1", "sk": "SESSION"}))
    check_nothing_is_left(house)


def test_what_was_published_of_his_chargers_goes_once_nothing_waits_to_be_told(house: House) -> None:
    events, key = house.tables["events"], house.charger.key
    stream = f"STREAM#{Stream('hearth', key.user.user_id, key.charger_id).text}"
    house.begin()
    for sk in ("EVENT#000000000001", "ID#evt_1", "SEQUENCE"):
        events.write(Put({"pk": stream, "sk": sk}))
    for _ in range(3):
        look_at_all(house.eraser())
    waits = house.deletion()
    assert waits.done["events"] == 0, "that the charger was un-paired is still to be told"
    assert waits.left["events"] > 0
    assert waits.finished_at is None
    house.tell_events()
    house.tick()
    assert house.deletion().done["events"] == 1
    assert [row["sk"] for row in events.query("pk = :pk", {":pk": stream})] == ["SEQUENCE"]
    house.tick()
    assert house.deletion().finished_at is not None


def test_what_is_left_of_a_charger_that_he_had_once_goes_and_whoever_has_it_now_keeps_all(house: House) -> None:
    scene, habits, events = house.scene, HabitStore(house.tables["habits"], count(0, 3600).__next__), []
    assert unpair(house.charger.key, Why.APP, house.eraser().unpairer(), now=NOW)
    bobs = scene.links("AB-ann", scene.moves_in("bob"))
    assert isinstance(bobs, Charger), bobs
    evse = HabitCharger("acme", "evse-1")
    habits.learn(evse, "S-2", replace(VISIT, arrived_at=NOW + timedelta(hours=1)), "Europe/Amsterdam", at=NOW)
    house.tell_events()
    for key in (house.charger.key, bobs.key):
        events.append({"pk": f"STREAM#{Stream('hearth', key.user.user_id, key.charger_id).text}", "sk": "EVENT#1"})
        house.tables["events"].write(Put(events[-1]))
    house.begin()
    for _ in range(2):
        house.tick()
    done = house.deletion()
    assert done.finished_at is not None
    assert {each: done.done[each] for each in ("chargers", "former_chargers", "habits", "events")} == {
        "chargers": 0,
        "former_chargers": 1,
        "habits": 1,
        "events": 1,
    }
    assert list(house.tables["users"].query("pk = :pk", {":pk": house.user.text})) == []
    assert [each.arrived_at for each in habits.past(evse, NOW, "Europe/Amsterdam").own] == [NOW + timedelta(hours=1)]
    assert [house.tables["events"].get(each) for each in events] == [None, events[1]]
    assert scene.accounts.charger(bobs.key) == bobs


class FailsFor(PublishedEvents):
    """What was published, where one user's events cannot be read."""

    def __init__(self, table: Table, user: UserKey) -> None:
        super().__init__(table)
        self.user = user

    def forget(self, stream: Stream) -> Forgotten:
        if stream.user_id == self.user.user_id:
            raise RuntimeError("nobody thought of this")
        return super().forget(stream)


def test_a_deletion_that_fails_unexpectedly_holds_up_no_other(house: House) -> None:
    bob = house.scene.moves_in("bob")
    deletions = DeletionStore(house.tables["users"])
    house.begin()
    begin(bob, house.scene.accounts, deletions, now=NOW)
    for failing, other in ((house.user, bob), (bob, house.user)):
        before = {each.user: each.runs for each in opened(deletions)}
        assert set(before) == {failing, other}
        look_at_all(replace(house.eraser(), events=FailsFor(house.tables["events"], failing)))
        after = {each.user: each.runs for each in opened(deletions)}
        assert after[other] == before[other] + 1


def test_a_deletion_that_cannot_be_read_holds_up_no_other(house: House) -> None:
    bob, users, deletions = house.scene.moves_in("bob"), house.tables["users"], _deletions(house)
    first, second = house.begin(), begin(bob, house.scene.accounts, deletions, now=NOW)
    for broken, other in ((first, second), (second, first)):
        place = {"pk": "DELETIONS#hearth", "sk": broken.deletion_id}
        users.write(Update(place, "SET runs = :no", values={":no": "many"}))
        runs = deletions.known("hearth", other.deletion_id).runs
        look_at_all(house.eraser())
        assert deletions.known("hearth", other.deletion_id).runs == runs + 1
        users.write(Update(place, "SET runs = :runs", values={":runs": 0}))


def test_a_deletion_from_before_it_said_until_when_he_had_his_evses_is_finished(house: House) -> None:
    begun = house.begin()
    place = {"pk": "DELETIONS#hearth", "sk": begun.deletion_id}
    house.tables["users"].write(Update(place, "SET evses = :evses", values={":evses": [["acme", "EVSE-1"]]}))
    assert house.deletion().evses == {("acme", "EVSE-1"): NOW}
    house.tick()
    house.tick()
    finished = house.deletion()
    assert (finished.finished_at, finished.evses) == (NOW, {})
    check_nothing_is_left(house)
    house.tables["users"].write(Update(place, "SET evses = :evses", values={":evses": [["acme", "EVSE-1"]]}))
    assert house.deletion() == finished, "what an older one left leads to no EVSE"


def test_a_deletion_asked_for_again_is_the_same_and_nobody_else_is_touched(house: House) -> None:
    other = house.scene.moves_in("bob")
    assert house.begin() == house.begin()
    with pytest.raises(UnknownObject):
        begin(UserKey("other", house.user.user_id), house.scene.accounts, _deletions(house), now=NOW)
    house.tick()
    house.tick()
    assert len(house.scene.accounts.known(other).locations) == 1


def test_an_erased_user_is_not_made_again_by_a_request_that_comes_late(house: House) -> None:
    house.begin()
    accounts = house.scene.accounts
    with pytest.raises(UnknownObject):
        make_user(house.user, UserChange(reference="driver-17"), accounts, _deletions(house), now=NOW)
    home = NewLocation(name="Home", time_zone="Europe/Amsterdam")
    with pytest.raises(UnknownObject):
        make_location(house.user, "loc_9", home, accounts, now=NOW)


def _deletions(house: House) -> DeletionStore:
    return DeletionStore(house.tables["users"])
