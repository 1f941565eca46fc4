"""Registrations that we begin, against a CPO that may lose or refuse anything; what each crash point leaves behind."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from offpeak.aws.secrets import TokenCipher
from offpeak.aws.tables import Also
from offpeak.errors import InvalidMessage
from offpeak.ocpi.client import OcpiClient
from offpeak.ocpi.credentials import CredentialsObject
from offpeak.ocpi.envelope import RequestIds
from offpeak.ocpi.peer_address import PeerAddressRule
from offpeak.ocpi.tokens import tokens_in
from offpeak.partners.audit import Action
from offpeak.partners.handshake import Handshake
from offpeak.partners.join import register_at
from offpeak.partners.model import Partner, PartnerStatus
from offpeak.partners.part import withdraw
from offpeak.partners.propose import Attempt, Initiator, attempt
from offpeak.partners.register import exchange_tokens, find_registrant
from offpeak.partners.rotate import LONGEST_AGE, SPREAD, in_turn, is_due, rotate, rotate_one
from offpeak.partners.store import PartnerStore, Tokens
from tests.ocpi.peer import Answering, Peer, ocpi
from tests.partners.builders import a_partner, tokens_in_order

NOW = datetime(2026, 1, 30, 18, tzinfo=UTC)
OUR_VERSIONS = "https://offpeak.example/ocpi/versions"


@dataclass
class Cpo:
    """A CPO that does what OCPI says with its tokens: one that it gave is good until its successor is first used.

    `loses` says at which point the next answer to our credentials gets lost: before the CPO has taken them, or after.
    """

    peer: Peer
    versions: tuple[str, ...] = ("2.2.1",)
    good: list[str] = field(default_factory=lambda: ["cpo-a"])
    """The tokens that it takes from us, oldest first."""
    ours: str | None = None
    """Our token, as far as it knows."""
    loses: str | None = None
    refuses: bool = False
    answers_with: dict[str, Any] = field(default_factory=dict)
    given: int = 0

    def serve(self) -> None:
        self.peer.answers["/versions"] = self._known(
            lambda it: ocpi([{"version": each, "url": f"{self.peer.url}/{each}"} for each in self.versions])(it)
        )
        for version in ("2.2.1", "2.3.0"):
            endpoints = [
                {"identifier": "credentials", "role": "RECEIVER", "url": f"{self.peer.url}/{version}/credentials"},
                {"identifier": "chargingprofiles", "role": "RECEIVER", "url": f"{self.peer.url}/{version}/cp"},
            ]
            self.peer.answers[f"/{version}"] = self._known(ocpi({"version": version, "endpoints": endpoints}))
            self.peer.answers[f"/{version}/credentials"] = self._known(self.take_credentials)

    def _known(self, respond: Callable[[Answering], None]) -> Callable[[Answering], None]:
        def answer(it: Answering) -> None:
            shown = [each for each in tokens_in(it.received.headers["authorization"]) if each in self.good]
            if not shown:
                ocpi(http_status=401, status=2001)(it)
                return
            if shown[0] == self.good[-1]:
                self.good = shown
            respond(it)

        return answer

    def take_credentials(self, it: Answering) -> None:
        if self.loses == "request":
            self._hang_up(it)
            return
        if self.refuses:
            ocpi(status=3001)(it)
            return
        if it.received.method == "DELETE":
            self.good, self.ours = [], None
            data: object = None
        else:
            self.ours = json.loads(it.received.body)["token"]
            self.given += 1
            self.good.append(f"cpo-{self.given}")
            data = {"token": self.good[-1], "url": f"{self.peer.url}/versions", "roles": [], **self.answers_with}
        if self.loses == "answer":
            self._hang_up(it)
        else:
            ocpi(data)(it)

    def _hang_up(self, it: Answering) -> None:
        self.loses = None
        it.close_connection = True


class Us:
    """What we have of the CPO, and what we do; tokens of ours are named in the order in which they are made."""

    def __init__(self, store: PartnerStore, cipher: TokenCipher, cpo: Cpo) -> None:
        self.store, self.cipher, self.cpo = store, cipher, cpo
        self.new_token = tokens_in_order()
        self.rule = PeerAddressRule(loopback=True)
        self.trail: list[Action] = []

    def _handshake(self) -> Handshake:
        return Handshake(OcpiClient(self.rule), self.rule, RequestIds("r", "chain"), lambda: "r1")

    def _by(self, handshake: Handshake) -> Initiator:
        return Initiator(self.store, self.cipher, handshake, OUR_VERSIONS, self.new_token, NOW, self.told)

    def told(self, action: Action, before: Partner | None, after: Partner) -> Also:
        self.trail.append(action)
        return ()

    def _attempt(self, what: Callable[[Partner, Initiator], Partner]) -> Attempt:
        handshake = self._handshake()
        partner = self.store.load("acme") or a_partner()
        return attempt(lambda: what(partner, self._by(handshake)), handshake)

    def register(self, token_a: str = "cpo-a", url: str = "/versions") -> Attempt:
        url = f"{self.cpo.peer.url}{url}" if url.startswith("/") else url
        return self._attempt(lambda partner, by: register_at(url, token_a, lambda: partner, by))

    def rotate(self) -> Attempt:
        return self._attempt(rotate)

    def rotate_one(self, listed: Partner) -> Attempt:
        return rotate_one(listed, self._by(self._handshake()))

    def withdraw(self) -> Attempt:
        return self._attempt(withdraw)

    def is_called_with(self, token: str | None) -> bool:
        """Take a call of the CPO as the authoriser does, and say whether it was let in."""
        found = self.store.by_token(token or "")
        if found is not None:
            self.store.confirm(found)
        return found is not None

    def takes_put(self, shown: str, theirs: str, version: str = "2.2.1") -> str:
        """Let the CPO PUT its credentials; return the token that it is answered with."""
        self.cpo.good.append(theirs)
        role = {"role": "CPO", "country_code": "NL", "party_id": "ACM"}
        body = {"token": theirs, "url": f"{self.cpo.peer.url}/versions", "roles": [role]}
        return exchange_tokens(
            find_registrant("PUT", (shown,), self.store),
            CredentialsObject.model_validate(body),
            store=self.store,
            cipher=self.cipher,
            handshake=self._handshake(),
            new_token=self.new_token,
            version=version,
            now=NOW,
        ).token

    @property
    def partner(self) -> Partner:
        partner = self.store.load("acme")
        assert partner is not None
        return partner

    @property
    def their_token(self) -> str:
        return self.cipher.decrypt(self.store.token_for("acme"))

    def works_both_ways(self) -> bool:
        """Say whether each side can call the other, by what each has of the other."""
        return self.is_called_with(self.cpo.ours) and self.their_token in self.cpo.good


@pytest.fixture
def us(store: PartnerStore, cipher: TokenCipher, peer: Peer) -> Us:
    cpo = Cpo(peer)
    cpo.serve()
    return Us(store, cipher, cpo)


def test_we_register_at_a_cpo_with_the_token_a_that_it_gave_us(us: Us) -> None:
    """C2"""
    done = us.register()
    assert (done.problem, us.partner.status, us.partner.version) == (None, PartnerStatus.REGISTERED, "2.2.1")
    assert (us.cpo.ours, us.their_token) == ("token-1", "cpo-1")
    assert us.works_both_ways()
    assert us.cpo.good == ["cpo-1"], "its token A ends with our first use of the one that it answered"
    post = next(json.loads(each.body) for each in us.cpo.peer.requests if each.method == "POST")
    assert (post["url"], post["roles"][0]["role"]) == (OUR_VERSIONS, "SCSP")


def test_each_step_of_the_handshake_is_told(us: Us) -> None:
    """C2"""
    url = us.cpo.peer.url
    assert [(each.call, each.outcome) for each in us.register().steps] == [
        (f"GET {url}/versions", "HTTP 200, OCPI 1000"),
        (f"GET {url}/2.2.1", "HTTP 200, OCPI 1000"),
        (f"POST {url}/2.2.1/credentials", "HTTP 200, OCPI 1000"),
        (f"GET {url}/versions", "HTTP 200, OCPI 1000"),
    ]
    us.cpo.refuses = True
    failed = us.rotate()
    assert failed.partner is None
    assert failed.steps[-1].call == f"PUT {url}/2.2.1/credentials"
    assert failed.problem == "PUT credentials was answered HTTP 200, OCPI 3001"


def test_the_token_that_we_offer_is_good_before_the_cpo_has_answered(us: Us) -> None:
    """C1, C2: the CPO calls back within our POST"""
    credentials = us.cpo.peer.answers["/2.2.1/credentials"]
    let_in = []

    def calls_back(it: Answering) -> None:
        let_in.append(us.is_called_with(json.loads(it.received.body)["token"]))
        credentials(it)

    us.cpo.peer.answers["/2.2.1/credentials"] = calls_back
    assert us.register().problem is None
    assert let_in == [True]


@pytest.mark.parametrize("lost", ["request", "answer"])
def test_a_registration_that_got_lost_is_repeated_with_the_same_token(us: Us, lost: str) -> None:
    """C1, C2"""
    us.cpo.loses = lost
    assert "connection failed" in (us.register().problem or "")
    assert us.partner.status is PartnerStatus.INVITED
    if lost == "answer":
        assert us.is_called_with(us.cpo.ours), "the CPO has our token in force already"
    assert us.register().problem is None
    assert us.cpo.ours == "token-1"
    assert us.works_both_ways()


@pytest.mark.parametrize("lost", ["request", "answer"])
@pytest.mark.parametrize("uses_it", [True, False])
def test_a_rotation_that_got_lost_bricks_nobody(us: Us, lost: str, uses_it: bool) -> None:
    """C4: whether or not the CPO calls us meanwhile, with whatever token it has"""
    us.register()
    us.cpo.loses = lost
    assert us.rotate().problem is not None
    if uses_it:
        assert us.is_called_with(us.cpo.ours)
    assert us.works_both_ways(), "between the attempts"
    assert us.rotate().problem is None
    assert us.cpo.ours == "token-2"
    assert us.works_both_ways()
    assert not us.is_called_with("token-1"), "it was replaced, and its successor used"
    assert us.store.tokens("acme").proposed is None


def test_the_trail_tells_of_what_changed_a_partner_and_of_nothing_else(us: Us) -> None:
    us.cpo.loses = "answer"
    us.register()
    us.register()
    us.cpo.loses = "request"
    us.rotate()
    us.rotate()
    assert us.trail == [Action.INVITED, Action.REGISTERED, Action.ROTATED]


def test_a_refused_rotation_leaves_all_as_it_was(us: Us) -> None:
    """C4"""
    us.register()
    us.cpo.refuses = True
    assert us.rotate().problem is not None
    us.cpo.refuses = False
    assert us.works_both_ways()
    assert us.is_called_with("token-1")
    assert us.rotate().problem is None
    assert us.works_both_ways()


def test_both_tokens_of_ours_are_good_until_the_new_one_is_used(us: Us) -> None:
    """C4"""
    us.register()
    us.rotate()
    assert us.is_called_with("token-1")
    assert us.is_called_with("token-2")
    assert not us.is_called_with("token-1")


def test_rotations_that_cross_leave_every_token_good_that_the_cpo_may_hold(us: Us) -> None:
    """C4: the CPO PUTs within our PUT, and uses what it got, before it takes ours"""
    us.register()
    crossed = []

    def crosses(it: Answering) -> None:
        crossed.append(us.takes_put("token-1", "cpo-crossing"))
        assert us.is_called_with(crossed[0])
        us.cpo.take_credentials(it)

    us.cpo.peer.answers["/2.2.1/credentials"] = crosses
    assert us.rotate().problem is None
    assert us.is_called_with(crossed[0]), "the one that it was answered with"
    assert us.works_both_ways(), "and the one that it took"


def test_a_cpo_that_took_our_token_and_never_answered_may_renew_with_it(us: Us) -> None:
    """C2, C4: so a lost answer is made good from either side"""
    us.cpo.loses = "answer"
    us.register()
    us.cpo.ours = us.takes_put("token-1", "cpo-renewed")
    assert us.partner.status is PartnerStatus.REGISTERED
    assert us.works_both_ways()
    assert not us.is_called_with("token-1")


@pytest.mark.parametrize("status", [PartnerStatus.REMOVED, PartnerStatus.LEFT])
def test_a_rotation_brings_nobody_back_whose_connection_ended_meanwhile(us: Us, status: PartnerStatus) -> None:
    """C4, C6"""
    us.register()

    def ends(it: Answering) -> None:
        us.store.save_without_tokens(replace(us.partner, status=status, peer_versions_url=None, endpoints=()))
        us.cpo.take_credentials(it)

    us.cpo.peer.answers["/2.2.1/credentials"] = ends
    assert status.value in (us.rotate().problem or "")
    assert us.partner.status is status
    assert not us.is_called_with(us.cpo.ours)
    assert us.store.tokens("acme") == Tokens()


def test_a_rotation_takes_up_the_version_that_the_cpo_has_learnt(us: Us) -> None:
    """C4, C6"""
    us.register()
    us.cpo.versions = ("2.2.1", "2.3.0")
    assert us.rotate().problem is None
    assert us.partner.version == "2.3.0"
    assert us.partner.endpoint("chargingprofiles", "RECEIVER") == f"{us.cpo.peer.url}/2.3.0/cp"
    assert us.cpo.peer.requests[-2].path == "/2.3.0/credentials"
    assert us.takes_put("token-2", "cpo-3", version="2.2.1")
    assert us.partner.version == "2.2.1", "the CPO changes it by its PUT"


@pytest.mark.parametrize("said", [{"token": ""}, {"token": "no token"}, {"token": None}])
def test_an_answer_without_a_token_is_told_and_may_be_asked_for_again(us: Us, said: dict[str, Any]) -> None:
    """C5"""
    us.cpo.answers_with = said
    assert "the credentials in the answer: token" in (us.register().problem or "")
    us.cpo.answers_with = {}
    assert us.register().problem is None
    assert us.works_both_ways()


@pytest.mark.parametrize("url", ["https://10.0.0.1/versions", "nonsense", None])
def test_an_answer_that_leads_elsewhere_is_not_followed(us: Us, url: str | None) -> None:
    """C7"""
    us.cpo.answers_with = {"url": url}
    assert us.register().problem is None
    assert us.partner.peer_versions_url == f"{us.cpo.peer.url}/versions"


@pytest.mark.parametrize(
    ("token_a", "url", "field"),
    [("cpo-a", "https://169.254.169.254/v", "versions_url"), ("cpo-a", "http://cpo.example/v", "versions_url")]
    + [(token, "/versions", "token_a") for token in ("", "two words", "x" * 65)],
)
def test_what_an_operator_got_wrong_is_named_and_nothing_is_called(us: Us, token_a: str, url: str, field: str) -> None:
    """C5, C7"""
    with pytest.raises(InvalidMessage) as wrong:
        us.register(token_a, url)
    assert wrong.value.field == field
    assert us.cpo.peer.requests == []
    assert us.store.load("acme") is None


def test_a_token_a_that_the_cpo_does_not_know_gets_us_nothing(us: Us) -> None:
    """C2"""
    done = us.register("unheard-of")
    assert done.problem == "your versions answered HTTP 401, OCPI 2001"
    assert us.store.load("acme") is None


def test_we_withdraw_and_may_repeat_it_when_the_answer_got_lost(us: Us) -> None:
    """C6"""
    us.register()
    us.cpo.loses = "answer"
    assert us.withdraw().problem is not None
    assert us.cpo.ours is None
    assert us.withdraw().problem is None
    assert us.partner.status is PartnerStatus.REGISTERED, "what is ours is for the caller to end"


def test_a_cpo_that_will_not_let_us_go_is_told_of(us: Us) -> None:
    us.register()
    us.cpo.refuses = True
    assert "DELETE credentials" in (us.withdraw().problem or "")


def test_who_is_not_registered_has_nothing_to_renew_or_withdraw(us: Us) -> None:
    """C3"""
    us.store.save(a_partner())
    for each in (us.rotate, us.withdraw):
        with pytest.raises(InvalidMessage, match="not registered"):
            each()


@pytest.mark.parametrize("has_left", [True, False], ids=["left", "suspended"])
def test_who_goes_before_its_turn_to_renew_keeps_nobody_else_from_theirs(us: Us, has_left: bool) -> None:
    """C4"""
    us.register()
    listed = us.partner
    if has_left:
        us.store.save_without_tokens(replace(listed, status=PartnerStatus.LEFT))
    else:
        listed = us.store.save(replace(listed, suspended_at=NOW))
    assert "not registered" in (us.rotate_one(listed).problem or "")


def test_tokens_are_renewed_each_month_and_after_an_attempt_that_was_not_answered() -> None:
    """C4"""
    assert not is_due("acme", Tokens(given_at=NOW), NOW + LONGEST_AGE - SPREAD - timedelta(seconds=1))
    assert is_due("acme", Tokens(given_at=NOW), NOW + LONGEST_AGE)
    assert is_due("acme", Tokens(given_at=NOW, proposed="digest"), NOW)
    assert is_due("acme", Tokens(), NOW)


def test_partners_that_began_together_are_spread_over_two_days() -> None:
    due_on = {
        hour
        for number in range(200)
        for hour in range(24 * 30 + 1)
        if is_due(f"p{number}", Tokens(given_at=NOW), NOW + timedelta(hours=hour))
        and not is_due(f"p{number}", Tokens(given_at=NOW), NOW + timedelta(hours=hour - 1))
    }
    assert len(due_on) > 40


def test_every_partner_gets_its_turn_first_sometimes(us: Us) -> None:
    partners = [Partner(f"p{number}", "P", (), status=PartnerStatus.REGISTERED) for number in range(5)]
    invited = a_partner()
    first = {next(in_turn([invited, *partners], NOW + timedelta(hours=hour))).partner_id for hour in range(100)}
    assert first == {each.partner_id for each in partners}


def test_a_handshake_that_finds_no_credentials_endpoint_says_so(us: Us) -> None:
    """T7"""
    only = [{"identifier": "chargingprofiles", "role": "RECEIVER", "url": f"{us.cpo.peer.url}/cp"}]
    us.cpo.peer.answers["/2.2.1"] = ocpi({"version": "2.2.1", "endpoints": only})
    assert us.register().problem == "the version details have no credentials endpoint"
