"""Whatever drivers, CPOs and clocks do, in any order: one owner at most, and the CPO ends up believing what we do."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.cpo import PairingTrouble
from offpeak.errors import PeerUnavailable, UnknownObject
from offpeak.pairing.by_cpo import unpair_by_cpo
from offpeak.pairing.model import Claimed, Held, UserKey, Why
from offpeak.pairing.tell import tell_all
from tests.conftest import MakeTable
from tests.pairing.builders import NOW
from tests.pairing.scene import Died, Life, a_scene
from tests.pairing.test_unpair import World

UIDS = ("EVSE-0", "EVSE-1")
DRIVERS = ("ann", "bob")

acts = st.one_of(
    st.tuples(st.just("link"), st.sampled_from(DRIVERS), st.sampled_from(UIDS)),
    st.tuples(st.just("link and die"), st.sampled_from(DRIVERS), st.sampled_from(UIDS), st.integers(1, 40)),
    st.tuples(st.just("unpair"), st.sampled_from(DRIVERS)),
    st.tuples(st.just("the CPO unpairs"), st.sampled_from(UIDS)),
    st.tuples(st.just("tell")),
    st.tuples(st.just("tell and die"), st.integers(1, 30)),
    st.tuples(st.just("the CPO fails"), st.sampled_from([("pair", 500), ("pair", 404), ("unpair", 500)])),
    st.tuples(st.just("the CPO loses an answer"), st.sampled_from(["pair", "unpair"])),
)


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(st.lists(acts, min_size=3, max_size=14))
def test_in_any_order_nothing_is_half_linked_and_the_cpo_believes_what_we_do(
    make_table: MakeTable, done: list[tuple[object, ...]]
) -> None:
    with a_scene(make_table) as scene:
        world, numbers = World(scene), count()
        unheard: set[str] = set()
        users = {name: scene.moves_in(name) for name in DRIVERS}
        for uid in UIDS:
            scene.cpo.issue_code(uid, uid)
        for act in done:
            world.passed += timedelta(minutes=61)
            _do(act, world, users, next(numbers), unheard)
            scene.check_that_nothing_is_half_linked()
        for kind in ("pair", "unpair"):
            scene.cpo.trouble_pairing(PairingTrouble(), on=kind)
        for _ in range(2):
            world.passed += timedelta(hours=7)
            world.tell()
        assert world.waiting() == []
        for uid in UIDS:
            held = scene.ownership.of("acme", uid)
            if held is not None:
                is_believed = uid.casefold() in scene.cpo.pairing.paired
                assert is_believed or held.held is Held.RELEASED, held
                assert not is_believed or held.held is Held.OWNED or uid in unheard, held


def _do(act: tuple[object, ...], world: World, users: dict[str, UserKey], number: int, unheard: set[str]) -> None:
    scene = world.scene
    match act:
        case ("link", str(name), str(uid)):
            _link(world, users[name], uid, number, None, unheard)
        case ("link and die", str(name), str(uid), int(moment)):
            _link(world, users[name], uid, number, Life(moment), unheard)
            _link(world, users[name], uid, number, None, unheard)  # The queue brings it again.
        case ("unpair", str(name)):
            for charger in scene.accounts.known(users[name]).chargers.values():
                world.unpair(charger.key, Why.APP)
        case ("the CPO unpairs", str(uid)):
            scene.cpo.pairing.gave_up((uid,))
            try:
                unpair_by_cpo("acme", Claimed(uid), world.unpairer(), now=NOW)
            except UnknownObject:
                assert scene.ownership.of("acme", uid) is None
        case ("tell",):
            world.tell()
        case ("tell and die", int(moment)):
            with suppress(Died):
                tell_all(world.teller(scene.with_tables(Life(moment).mortal)))
        case ("the CPO fails", (str(kind), int(status))):
            scene.cpo.trouble_pairing(PairingTrouble(http_status=status, calls=1), on=kind)
        case ("the CPO loses an answer", str(kind)):
            scene.cpo.trouble_pairing(PairingTrouble(loses_answer=True, calls=1), on=kind)


def _link(world: World, user: UserKey, uid: str, number: int, life: Life | None, unheard: set[str]) -> None:
    """Link as a worker does; what the CPO answered to one that died here, or whose answer got lost, is not known."""
    scene = world.scene if life is None else world.scene.with_tables(life.mortal)
    try:
        scene.link(uid, user, str(number))
    except (PeerUnavailable, Died):
        unheard.add(uid)
