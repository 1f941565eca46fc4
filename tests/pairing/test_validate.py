"""What becomes of a driver's code behind the queue, and what the sweep takes up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from offpeak.aws.queues import FairQueue
from offpeak.aws.tables import Also, write_together
from offpeak.errors import ConcurrentChange, PeerUnavailable, UnknownObject
from offpeak.pairing import connect
from offpeak.pairing.accounts import AccountStore
from offpeak.pairing.ask import ask_for
from offpeak.pairing.connect import ConnectProblem, ConnectSession, ConnectState
from offpeak.pairing.connect_store import ConnectStore
from offpeak.pairing.link import Reason, Refused
from offpeak.pairing.model import Charger, ChargerKey
from offpeak.pairing.sweep_connects import GIVEN_UP_AFTER, ConnectSweeper, sweep_connects
from offpeak.pairing.validate import Validator, validate
from offpeak.partners.model import Partner
from tests.conftest import MakeTable
from tests.pairing.builders import CHARGER, NOW, USER, charger, location, user
from tests.pairing.test_choose import ACME, VOLT
from tests.pairing.test_connect import MINE, made

UNKNOWN = Refused(Reason.CODE_UNKNOWN)
Answer = Charger | Refused | Exception


@dataclass
class World:
    """A session whose code is being validated; `answers` are what linking says, the last one from then on."""

    connects: ConnectStore
    accounts: AccountStore
    answers: list[Answer] = field(default_factory=list)
    now: datetime = NOW
    linked: list[tuple[str, str, ChargerKey, str, str]] = field(default_factory=list)
    asked: list[tuple[ConnectSession, int]] = field(default_factory=list)
    followed: list[Charger] = field(default_factory=list)
    meanwhile: Callable[[], None] = lambda: None

    def link(
        self, code: str, partner: Partner, key: ChargerKey, location_id: str, attempt_id: str, also: Also
    ) -> Charger | Refused:
        self.linked.append((code, partner.partner_id, key, location_id, attempt_id))
        self.meanwhile()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return replace(answer, key=key) if isinstance(answer, Charger) else answer

    def partner(self, partner_id: str) -> Partner:
        known = {"acme": ACME, "volt": VOLT}
        if partner_id not in known:
            raise UnknownObject(partner_id)
        return known[partner_id]

    def begin(self, *partner_ids: str) -> ConnectSession:
        opened = connect.opened(self.connects.make(made(), "secret"), MINE)
        return self.connects.save(connect.validating(opened, "ABC-1234", partner_ids or ("acme",), "chg_1", NOW))

    @property
    def session(self) -> ConnectSession:
        return self.connects.known(USER, "con_1")

    def work(self, attempt_id: str = "con_1.1", **by: float) -> ConnectSession:
        self.now += timedelta(**by)
        validate(USER, "con_1", attempt_id, self.validator)
        return self.session

    @property
    def validator(self) -> Validator:
        return Validator(
            self.connects,
            self.accounts,
            self.partner,
            self.link,
            self.followed.append,
            lambda session, s: self.asked.append((session, s)),
            lambda: self.now,
        )

    def link_elsewhere(self) -> None:
        """A duplicate of the message links the charger, in one transaction, and dies then."""
        write_together([*self.accounts.charger_put(charger()), self.connects.linking(self.session)])

    def sweep(self, **later: float) -> int:
        self.now += timedelta(**later)
        sweeper = ConnectSweeper(
            self.connects, self.accounts, lambda session: self.asked.append((session, 0)), lambda: self.now
        )
        return sweep_connects(sweeper)


@pytest.fixture
def world(make_table: MakeTable) -> World:
    return World(ConnectStore(make_table("connect_sessions")), AccountStore(make_table("users")))


def test_a_code_that_its_cpo_knows_links_the_charger(world: World) -> None:
    world.answers = [charger()]
    world.begin()
    session = world.work()
    assert (session.state, session.charger_id, session.code) == (ConnectState.PAIRED, "chg_1", None)
    assert world.linked == [("ABC-1234", "acme", CHARGER, "loc_1", "con_1.1")]
    assert world.asked == []


@pytest.mark.parametrize(
    ("refusal", "state", "problem"),
    [
        (UNKNOWN, ConnectState.OPENED, ConnectProblem.UNKNOWN_CODE),
        (Refused(Reason.CODE_MALFORMED), ConnectState.OPENED, ConnectProblem.UNKNOWN_CODE),
        (Refused(Reason.ALREADY_LINKED), ConnectState.OPENED, ConnectProblem.LINKED_ELSEWHERE),
        (Refused(Reason.ALREADY_YOURS, "", "chg_0"), ConnectState.OPENED, ConnectProblem.ALREADY_YOURS),
        (Refused(Reason.CPO_UNUSABLE), ConnectState.OPENED, ConnectProblem.CPO_UNREACHABLE),
        (Refused(Reason.PARTNER_NOT_CONNECTED), ConnectState.OPENED, ConnectProblem.CPO_UNREACHABLE),
        (Refused(Reason.TOO_MANY_TRIES), ConnectState.FAILED, ConnectProblem.TOO_MANY_TRIES),
        (Refused(Reason.LOCATION_GONE), ConnectState.FAILED, ConnectProblem.LOCATION_GONE),
        (Refused(Reason.UNPAIRED_SINCE), ConnectState.PAIRED, None),
    ],
    ids=lambda each: getattr(each, "reason", getattr(each, "value", None)),
)
def test_every_refusal_is_one_that_the_driver_is_told(
    world: World, refusal: Refused, state: ConnectState, problem: ConnectProblem | None
) -> None:
    world.answers = [refusal]
    world.begin()
    session = world.work()
    assert (session.state, session.problem, session.due_at) == (state, problem, None)
    assert session.charger_id == (refusal.charger_id or ("chg_1" if problem is None else None))


def test_no_reason_is_left_out() -> None:
    parameters = test_every_refusal_is_one_that_the_driver_is_told.pytestmark[0].args[1]  # type: ignore[attr-defined]
    assert {refusal.reason for refusal, *_ in parameters} == set(Reason)


def test_partners_whose_codes_look_alike_are_asked_one_message_after_the_other(world: World) -> None:
    world.answers = [UNKNOWN, charger()]
    world.begin("acme", "volt")
    assert world.work().partner_ids == ("volt",)
    assert [(session.partner_ids, s) for session, s in world.asked] == [(("volt",), 0)]
    assert world.work().state is ConnectState.PAIRED
    assert [partner_id for _, partner_id, *_ in world.linked] == ["acme", "volt"]


@pytest.mark.parametrize("reason", [Reason.CPO_UNUSABLE, Reason.PARTNER_NOT_CONNECTED, Reason.TOO_MANY_TRIES])
def test_a_partner_with_which_something_is_wrong_keeps_no_other_from_knowing_the_code(
    world: World, reason: Reason
) -> None:
    world.answers = [Refused(reason), charger()]
    world.begin("acme", "volt")
    assert (world.work().state, world.session.partner_ids) == (ConnectState.VALIDATING, ("volt",))
    assert world.work().state is ConnectState.PAIRED


def test_where_nobody_knows_the_code_the_driver_is_told_of_who_could_not_be_asked(world: World) -> None:
    world.answers = [Refused(Reason.CPO_UNUSABLE), UNKNOWN]
    world.begin("acme", "volt")
    world.work()
    session = world.work()
    assert (session.state, session.problem) == (ConnectState.OPENED, ConnectProblem.CPO_UNREACHABLE)
    assert session.codes_left == 5, "the code may be right"


def test_a_silent_partner_is_asked_for_a_minute_and_a_half_and_then_the_next(world: World) -> None:
    world.answers = [PeerUnavailable("silent")] * 9 + [charger()]
    world.begin("acme", "volt")
    for _ in range(12):
        if world.work().state is not ConnectState.VALIDATING:
            break
        world.now += timedelta(seconds=world.asked[-1][1])
    assert world.session.state is ConnectState.PAIRED
    assert world.linked[-1][1] == "volt"


def test_a_partner_that_was_removed_meanwhile_knows_no_code(world: World) -> None:
    world.answers = [charger()]
    world.begin("gone", "acme")
    world.work()
    assert world.work().state is ConnectState.PAIRED


@pytest.mark.parametrize("error", [PeerUnavailable("silent"), ConcurrentChange("busy")])
def test_a_cpo_that_does_not_answer_is_asked_again_a_few_times_and_then_the_driver_is_told(
    world: World, error: Exception
) -> None:
    world.answers = [error]
    world.begin()
    for _ in range(20):
        session = world.work()
        if session.state is not ConnectState.VALIDATING:
            break
        world.now += timedelta(seconds=world.asked[-1][1])
    assert (session.state, session.problem) == (ConnectState.OPENED, ConnectProblem.CPO_UNREACHABLE)
    assert [pause_s for _, pause_s in world.asked] == [2, 5, 10, 15, 15, 15, 15, 15]
    assert {attempt for *_, attempt in world.linked} == {"con_1.1"}, "the same attempt, so that it links once"


def test_a_cpo_that_comes_back_is_in_time(world: World) -> None:
    world.answers = [PeerUnavailable("silent"), charger()]
    world.begin()
    world.work()
    assert world.work(seconds=2).state is ConnectState.PAIRED


def test_a_message_that_comes_twice_or_late_asks_nobody(world: World) -> None:
    world.answers = [UNKNOWN]
    world.begin()
    world.work()
    before = world.session
    assert world.work() == before
    assert len(world.linked) == 1
    world.connects.save(connect.validating(before, "ABC-0000", ("acme",), "chg_2", NOW))
    world.work("con_1.1")
    assert len(world.linked) == 1
    validate(USER, "con_9", "con_9.1", world.validator)


def test_of_two_who_work_at_the_same_code_one_settles_it(world: World) -> None:
    world.answers = [charger()]
    session = world.begin()
    world.meanwhile = lambda: world.connects.save(connect.paired(session)) and None  # type: ignore[func-returns-value]
    assert world.work().state is ConnectState.PAIRED


@pytest.mark.parametrize(
    "answer", [PeerUnavailable("silent"), UNKNOWN, Refused(Reason.ALREADY_LINKED), Refused(Reason.CPO_UNUSABLE)]
)
def test_what_a_duplicate_of_the_message_has_linked_is_paired_whatever_the_cpo_says_then(
    world: World, answer: Answer
) -> None:
    world.accounts.save_user(user())
    world.accounts.save_location(USER, location())
    world.answers, world.meanwhile = [answer], world.link_elsewhere
    world.begin()
    session = world.work(seconds=connect.ASKED_FOR.total_seconds())
    assert (session.state, session.charger_id, session.problem) == (ConnectState.PAIRED, "chg_1", None)
    assert len(world.linked) == 1


def test_what_follows_from_a_link_is_done_by_who_finds_it_there(world: World) -> None:
    world.accounts.save_user(user())
    world.accounts.save_location(USER, location())
    world.begin()
    world.link_elsewhere()
    assert world.work(seconds=0).state is ConnectState.PAIRED
    assert [each.key.charger_id for each in world.followed] == ["chg_1"]
    assert world.linked == []


def test_what_was_settled_is_linked_no_more(world: World) -> None:
    world.accounts.save_user(user())
    world.accounts.save_location(USER, location())
    late = world.begin()
    world.answers = [PeerUnavailable("silent")]
    world.work(seconds=connect.ASKED_FOR.total_seconds())
    world.connects.save(connect.validating(world.session, "ABC-0000", ("acme",), "chg_2", NOW))
    with pytest.raises(ConcurrentChange):
        write_together([*world.accounts.charger_put(charger()), world.connects.linking(late)])
    assert world.accounts.charger(CHARGER) is None


def test_the_sweep_asks_again_for_a_code_that_got_lost_once_a_minute_at_most(world: World) -> None:
    world.begin()
    assert world.sweep(seconds=30) == 0
    assert world.sweep(seconds=30) == 1
    [(session, _)] = world.asked
    assert (session.attempt_id, session.state) == ("con_1.1", ConnectState.VALIDATING)
    assert world.sweep(seconds=30) == 0
    assert world.sweep(seconds=30) == 1


def test_a_code_that_nobody_can_settle_does_not_keep_its_driver_waiting_for_ever(world: World) -> None:
    world.begin()
    world.sweep(seconds=GIVEN_UP_AFTER.total_seconds())
    assert (world.session.state, world.session.problem) == (ConnectState.OPENED, ConnectProblem.CPO_UNREACHABLE)
    assert world.asked == []


def test_a_charger_that_was_linked_by_somebody_who_died_then_is_found_by_the_sweep(world: World) -> None:
    world.begin()
    world.accounts.save_charger(charger())
    world.sweep(seconds=GIVEN_UP_AFTER.total_seconds())
    assert (world.session.state, world.session.charger_id) == (ConnectState.PAIRED, "chg_1")


class Wire:
    """An SQS client that keeps what is sent, or is away."""

    def __init__(self, *, is_away: bool = False) -> None:
        self.sent: list[dict[str, object]] = []
        self.is_away = is_away

    def send_message(self, **message: object) -> None:
        from botocore.exceptions import EndpointConnectionError

        if self.is_away:
            raise EndpointConnectionError(endpoint_url="http://queue")
        self.sent.append(message)


def test_a_message_goes_by_its_partner_and_holds_no_code(world: World) -> None:
    wire = Wire()
    ask_for(world.begin("acme", "volt"), FairQueue(wire, "url"), delay_s=5)  # type: ignore[arg-type]
    [sent] = wire.sent
    assert (sent["MessageGroupId"], sent["DelaySeconds"]) == ("acme", 5)
    assert "ABC" not in str(sent["MessageBody"])
    assert "con_1.1" in str(sent["MessageBody"])


def test_a_message_that_cannot_be_sent_is_left_to_the_sweep(world: World) -> None:
    ask_for(world.begin(), FairQueue(Wire(is_away=True), "url"))  # type: ignore[arg-type]
    assert world.sweep(minutes=1) == 1
