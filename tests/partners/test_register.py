"""The handshake against a real server that misbehaves, and what is left of a registration whose answer got lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from offpeak.aws.secrets import TokenCipher
from offpeak.errors import InvalidMessage, MethodNotAllowed, NotAuthenticated, PeerUnusable
from offpeak.ocpi.client import OcpiClient
from offpeak.ocpi.credentials import CredentialsObject
from offpeak.ocpi.envelope import RequestIds
from offpeak.ocpi.peer_address import PeerAddressRule
from offpeak.ocpi.tokens import authorization
from offpeak.partners.handshake import TIMEOUT_S, Handshake
from offpeak.partners.model import Endpoint, Partner, PartnerStatus
from offpeak.partners.register import current_token, exchange_tokens, find_registrant, leave
from offpeak.partners.store import PartnerStore
from tests.ocpi.peer import Answering, Peer, Respond, ocpi, text
from tests.partners.builders import a_partner, tokens_in_order

TOKEN_B = "token-b"
NOW = datetime(2026, 1, 30, 18, tzinfo=UTC)


def opens(peer: Peer, *, endpoints: object = None, takes: Callable[[str], bool] | None = None) -> None:
    """Let the peer speak OCPI 2.2.1 with whoever shows token B."""
    takes = takes or (lambda header: header == authorization(TOKEN_B, raw=False))

    def behind_token(respond: Respond) -> Respond:
        return lambda it: (respond if takes(it.received.headers["authorization"]) else ocpi(http_status=401))(it)

    own = [
        {"identifier": "credentials", "role": "SENDER", "url": f"{peer.url}/2.2.1/credentials"},
        {"identifier": "chargingprofiles", "role": "RECEIVER", "url": f"{peer.url}/2.2.1/cp/"},
        {"identifier": "sessions", "url": f"{peer.url}/2.2.1/sessions"},
        {"identifier": "something_new", "role": "SENDER", "url": "https://10.0.0.1/"},
    ]
    peer.answers["/versions"] = behind_token(ocpi([{"version": "2.2.1", "url": f"{peer.url}/2.2.1"}]))
    peer.answers["/2.2.1"] = behind_token(
        ocpi({"version": "2.2.1", "endpoints": own if endpoints is None else endpoints})
    )


class Registry:
    """Everything that a credentials request meets, with tokens named in the order in which they are made."""

    def __init__(self, store: PartnerStore, cipher: TokenCipher, peer: Peer) -> None:
        self.store = store
        self.cipher = cipher
        self.peer = peer
        self.new_token = tokens_in_order()
        self.rule = PeerAddressRule(loopback=True)

    def exchange(
        self, method: str, shown: str, *, url: str | None = None, token: str = TOKEN_B, version: str = "2.2.1"
    ) -> str:
        """POST or PUT credentials with the token `shown`; return the token that comes back."""
        role = {"role": "CPO", "country_code": "NL", "party_id": "ACM"}
        body = {"token": token, "url": url or f"{self.peer.url}/versions", "roles": [role]}
        found = find_registrant(method, (shown,), self.store)
        return exchange_tokens(
            found,
            CredentialsObject.model_validate(body),
            store=self.store,
            cipher=self.cipher,
            handshake=Handshake(OcpiClient(self.rule), self.rule, RequestIds("r1", "chain-1"), lambda: "r2"),
            new_token=self.new_token,
            version=version,
            now=NOW,
        ).token

    def current(self, shown: str) -> str:
        found = find_registrant("GET", (shown,), self.store)
        return current_token(found, (shown,), self.store, self.cipher).token

    def use(self, token: str) -> None:
        """Call something with a token, as the authoriser sees it."""
        found = self.store.by_token(token)
        assert found is not None
        self.store.confirm(found)

    def is_good(self, token: str) -> bool:
        return self.store.by_token(token) is not None

    def partner(self) -> Partner:
        partner = self.store.load("acme")
        assert partner is not None
        return partner


@pytest.fixture
def registry(store: PartnerStore, cipher: TokenCipher, peer: Peer) -> Registry:
    """An invited partner with the token A "a", and its server, which speaks OCPI."""
    store.save_invitation(a_partner(), "a")
    opens(peer)
    return Registry(store, cipher, peer)


def test_a_partner_that_posts_its_credentials_is_registered(registry: Registry) -> None:
    """C1, C5"""
    token = registry.exchange("POST", "a")
    partner = registry.partner()
    assert partner.status is PartnerStatus.REGISTERED
    assert partner.peer_versions_url == f"{registry.peer.url}/versions"
    assert partner.endpoints == (
        Endpoint("credentials", "SENDER", f"{registry.peer.url}/2.2.1/credentials"),
        Endpoint("chargingprofiles", "RECEIVER", f"{registry.peer.url}/2.2.1/cp/"),
        Endpoint("sessions", "", f"{registry.peer.url}/2.2.1/sessions"),
    )
    assert registry.cipher.decrypt(registry.store.token_for("acme")) == TOKEN_B
    assert registry.is_good(token)


def test_the_calls_of_the_handshake_belong_to_the_partners_request(registry: Registry) -> None:
    """C1, T3, T4"""
    registry.exchange("POST", "a")
    assert [each.path for each in registry.peer.requests] == ["/versions", "/2.2.1"]
    for each in registry.peer.requests:
        assert each.headers["x-correlation-id"] == "chain-1"
        assert not [name for name in each.headers if name.startswith("ocpi-")]


def test_a_peer_that_takes_raw_tokens_only_is_recognised_and_remembered(registry: Registry) -> None:
    """T2"""
    opens(registry.peer, takes=lambda header: header == f"Token {TOKEN_B}")
    registry.exchange("POST", "a")
    assert registry.partner().flags.raw_token


def test_a_flag_that_is_wrong_by_now_is_put_right(registry: Registry) -> None:
    """T2"""
    partner = registry.partner()
    registry.store.save(replace(partner, flags=replace(partner.flags, raw_token=True)))
    registry.exchange("POST", "a")
    assert not registry.partner().flags.raw_token


def test_the_roles_that_a_peer_asserts_give_it_no_party(registry: Registry) -> None:
    """C5"""
    registry.exchange("POST", "a")
    assert registry.partner().parties == a_partner().parties


def silent(it: Answering) -> None:
    time.sleep(TIMEOUT_S + 1)
    it.close_connection = True


@pytest.mark.parametrize(
    ("path", "respond", "status"),
    [
        ("/versions", silent, 3001),
        ("/2.2.1", silent, 3001),
        ("/versions", ocpi(http_status=500), 3001),
        ("/versions", ocpi(http_status=401), 3001),
        ("/versions", ocpi(status=3000), 3001),
        ("/versions", text("<html>"), 3001),
        ("/versions", ocpi({"version": "2.2.1"}), 3001),
        ("/versions", text("x" * 2_000_000), 3001),
        ("/versions", text("", http_status=302, Location="http://169.254.169.254/latest/meta-data/"), 3001),
        ("/versions", ocpi([{"version": "2.2.1", "url": "https://169.254.169.254/latest"}]), 3001),
        ("/versions", ocpi([]), 3002),
        ("/versions", ocpi([{"version": "2.1.1", "url": "https://cpo.example/2.1.1"}]), 3002),
        ("/2.2.1", ocpi(), 3001),
        ("/2.2.1", ocpi({"endpoints": []}), 3003),
        ("/2.2.1", ocpi({"endpoints": [{"identifier": "sessions", "url": "https://cpo.example/s"}]}), 3003),
        ("/2.2.1", ocpi({"endpoints": [{"identifier": "chargingprofiles", "url": "https://10.0.0.1/"}]}), 3001),
    ],
)
def test_a_peer_that_cannot_be_used_stays_invited_and_may_try_again(
    registry: Registry, path: str, respond: Respond, status: int
) -> None:
    """C1, C7, T7"""
    before = registry.partner()
    works = registry.peer.answers[path]
    registry.peer.answers[path] = respond
    began = time.monotonic()
    with pytest.raises(PeerUnusable) as unusable:
        registry.exchange("POST", "a")
    assert time.monotonic() - began < 10
    assert unusable.value.ocpi_status == status
    assert registry.partner() == before
    registry.peer.answers[path] = works
    assert registry.exchange("POST", "a")


def test_an_endpoint_that_we_may_not_call_is_passed_over_where_plans_can_do_without(registry: Registry) -> None:
    """C7"""
    profiles = {"identifier": "chargingprofiles", "role": "RECEIVER", "url": f"{registry.peer.url}/2.2.1/cp/"}
    tariffs = {"identifier": "tariffs", "role": "SENDER", "url": "https://10.0.0.1/tariffs"}
    sessions = {"identifier": "sessions", "role": "SENDER", "url": "https://10.0.0.1/sessions"}
    opens(registry.peer, endpoints=[profiles, tariffs, sessions])
    assert registry.exchange("POST", "a")
    assert [each.identifier for each in registry.partner().endpoints] == ["chargingprofiles"]


def test_the_token_that_a_refusal_is_about_is_not_in_its_text(registry: Registry) -> None:
    registry.peer.answers["/versions"] = ocpi(http_status=401)
    with pytest.raises(PeerUnusable) as unusable:
        registry.exchange("POST", "a")
    assert TOKEN_B not in str(unusable.value)


@pytest.mark.parametrize("url", ["http://cpo.example/versions", "https://10.0.0.1/versions", "versions"])
def test_an_address_that_we_do_not_call_is_refused_by_its_field(registry: Registry, url: str) -> None:
    """C7, T7"""
    with pytest.raises(InvalidMessage) as refused:
        registry.exchange("POST", "a", url=url)
    assert refused.value.field == "url"
    assert registry.peer.requests == []


def test_a_token_a_is_good_until_token_c_is_first_used(registry: Registry) -> None:
    """C1"""
    token = registry.exchange("POST", "a")
    assert registry.is_good("a")
    registry.use(token)
    assert not registry.is_good("a")
    with pytest.raises(NotAuthenticated):
        registry.exchange("POST", "a")


def test_a_peer_whose_answer_got_lost_posts_again_and_gets_the_same_token(registry: Registry) -> None:
    """C1"""
    lost = registry.exchange("POST", "a")
    opens(registry.peer, takes=lambda header: header == authorization("b2", raw=False))
    again = registry.exchange("POST", "a", token="b2")
    assert again == lost
    assert registry.cipher.decrypt(registry.store.token_for("acme")) == "b2"
    registry.use(again)
    assert not registry.is_good("a")


def test_two_posts_at_the_same_moment_are_given_the_same_token(registry: Registry) -> None:
    """C1"""
    meet = threading.Barrier(2)
    works = registry.peer.answers["/2.2.1"]

    def together(it: Answering) -> None:
        meet.wait(2)
        works(it)

    registry.peer.answers["/2.2.1"] = together
    given: list[str] = []
    threads = [threading.Thread(target=lambda: given.append(registry.exchange("POST", "a"))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(given) == 2
    assert len(set(given)) == 1
    assert registry.is_good(given[0])


def test_before_registration_get_gives_the_token_a_back(registry: Registry) -> None:
    """C3"""
    assert registry.current("a") == "a"


def test_an_invitation_tells_no_token_of_a_partner_that_is_registered(registry: Registry) -> None:
    """C3"""
    token = registry.exchange("POST", "a")
    assert registry.current("a") == "a"
    registry.use(token)
    registry.store.save_invitation(registry.partner(), "a2")
    assert registry.current("a2") == "a2"
    assert registry.current(token) == token


def test_get_gives_the_token_that_is_current(registry: Registry) -> None:
    """C3"""
    token = registry.exchange("POST", "a")
    assert registry.current(token) == token


def test_a_registered_partner_does_not_post_again(registry: Registry) -> None:
    """C3, T6"""
    token = registry.exchange("POST", "a")
    with pytest.raises(MethodNotAllowed):
        find_registrant("POST", (token,), registry.store)


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_partner_that_is_not_registered_neither_renews_nor_leaves(registry: Registry, method: str) -> None:
    """C3, T6"""
    with pytest.raises(MethodNotAllowed):
        find_registrant(method, ("a",), registry.store)


def test_put_gives_a_new_token_and_both_are_good_until_it_is_used(registry: Registry) -> None:
    """C4"""
    first = registry.exchange("POST", "a")
    second = registry.exchange("PUT", first)
    assert second != first
    assert registry.is_good(first)
    assert registry.is_good(second)
    registry.use(second)
    assert not registry.is_good(first)
    assert registry.is_good(second)


def test_a_partner_that_we_call_with_oauth2_cannot_be_led_to_another_server(registry: Registry) -> None:
    """C7: a stolen token must not bring our access token to whoever has stolen it."""
    token = registry.exchange("POST", "a")
    registry.store.save(replace(registry.partner(), uses_oauth=True))
    elsewhere = registry.peer.url.replace("127.0.0.1", "localhost")
    heard = len(registry.peer.requests)
    with pytest.raises(InvalidMessage, match="another server") as refused:
        registry.exchange("PUT", token, url=f"{elsewhere}/versions")
    assert refused.value.field == "url"
    assert len(registry.peer.requests) == heard, "nothing was called"
    assert registry.exchange("PUT", token) != token, "its own server may renew"


def test_a_peer_whose_put_was_answered_into_the_void_puts_again_and_gets_the_same_token(registry: Registry) -> None:
    """C4"""
    first = registry.exchange("POST", "a")
    lost = registry.exchange("PUT", first)
    assert registry.exchange("PUT", first) == lost


def test_a_put_that_fails_leaves_the_registration_as_it_was(registry: Registry) -> None:
    """C4"""
    token = registry.exchange("POST", "a")
    before = registry.partner()
    registry.peer.answers["/versions"] = ocpi(http_status=500)
    with pytest.raises(PeerUnusable):
        registry.exchange("PUT", token, token="b2")
    assert registry.partner() == before
    assert registry.cipher.decrypt(registry.store.token_for("acme")) == TOKEN_B
    assert registry.current(token) == token


def test_a_partner_that_leaves_has_no_token_left_and_stays_for_audit(registry: Registry) -> None:
    """C6"""
    token = registry.exchange("POST", "a")
    leave(find_registrant("DELETE", (token,), registry.store), registry.store)
    assert not registry.is_good("a")
    assert not registry.is_good(token)
    partner = registry.partner()
    assert (partner.status, partner.endpoints) == (PartnerStatus.LEFT, ())


def test_a_partner_that_left_registers_anew_when_it_is_invited_again(registry: Registry) -> None:
    """C1, C6"""
    token = registry.exchange("POST", "a")
    leave(find_registrant("DELETE", (token,), registry.store), registry.store)
    registry.store.save_invitation(registry.partner(), "a2")
    assert registry.is_good(registry.exchange("POST", "a2"))
    assert registry.partner().status is PartnerStatus.REGISTERED


def test_a_partner_that_lost_its_token_is_invited_again_and_the_old_one_works_until_then(registry: Registry) -> None:
    """C1, C4"""
    lost = registry.exchange("POST", "a")
    registry.use(lost)
    registry.store.save_invitation(registry.partner(), "a2")
    assert registry.is_good(lost)
    fresh = registry.exchange("POST", "a2")
    assert registry.is_good(lost)
    registry.use(fresh)
    assert [registry.is_good(token) for token in ("a2", lost, fresh)] == [False, False, True]


def test_a_token_that_ends_during_its_own_handshake_registers_nobody(registry: Registry) -> None:
    """C1"""
    works = registry.peer.answers["/2.2.1"]

    def invite_anew(it: Answering) -> None:
        registry.store.save_invitation(registry.partner(), "a2")
        works(it)

    registry.peer.answers["/2.2.1"] = invite_anew
    with pytest.raises(NotAuthenticated):
        registry.exchange("POST", "a")
    assert registry.partner().status is PartnerStatus.INVITED
