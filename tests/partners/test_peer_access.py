"""When our tokens at partners are renewed, and what is held meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from offpeak.aws.secrets import EncryptedToken, TokenCipher
from offpeak.oauth.token_client import TokenEndpoint
from offpeak.ocpi.client import OcpiClient
from offpeak.ocpi.guarded_http import GuardedHttp
from offpeak.ocpi.peer_address import PeerAddressRule
from offpeak.partners.peer_access import (
    LONGEST_RETRY,
    SPARE,
    TRUSTED,
    HeldToken,
    PeerAccess,
    leased,
    not_renewed,
    refused,
    renewal_at,
    renewed,
)
from offpeak.partners.peer_access_store import PeerAccessStore
from offpeak.partners.peer_tokens import PeerTokens
from offpeak.partners.store import PartnerStore
from tests.conftest import MakeTable
from tests.partners.builders import a_partner

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TICK = timedelta(minutes=10)


def held(lifetime: timedelta = timedelta(days=14), at: datetime = NOW) -> HeldToken:
    return HeldToken(EncryptedToken("acme", "access_token", "sealed"), at, at + lifetime)


def access(token: HeldToken | None = None, **fields: object) -> PeerAccess:
    plain = PeerAccess(
        "acme",
        TokenEndpoint("https://cpo.example/token", "us", "ocpi", None, True),
        EncryptedToken("acme", "client_secret", "sealed"),
        EncryptedToken("acme", "api_key", "sealed too"),
        "X-API-Key",
        NOW,
        token,
    )
    return plain.__class__(**{**{name: getattr(plain, name) for name in plain.__slots__}, **fields})


@given(st.timedeltas(timedelta(minutes=26), timedelta(days=365)), st.floats(0, 1))
def test_the_clock_renews_a_token_at_least_a_tick_before_it_ends(lifetime: timedelta, spread: float) -> None:
    at = renewal_at(NOW, NOW + lifetime, spread)
    assert at > NOW
    assert at + TICK / 2 < NOW + lifetime - SPARE


def test_tokens_that_were_fetched_together_are_renewed_apart() -> None:
    moments = [renewal_at(NOW, NOW + timedelta(days=14), spread / 10) for spread in range(10)]
    assert max(moments) - min(moments) > timedelta(days=1)


@given(st.integers(0, 50))
def test_a_failure_keeps_the_token_and_waits_longer_each_time(failures: int) -> None:
    before = access(held(), failures=failures)
    after = not_renewed(before, NOW)
    assert after.held == before.held
    assert after.failures == failures + 1
    assert NOW < after.renew_at <= NOW + LONGEST_RETRY
    assert not_renewed(after, NOW).renew_at >= after.renew_at


def test_a_success_counts_from_nothing_again() -> None:
    after = renewed(access(held(), failures=7, leased_until=NOW), held(at=NOW + TICK), 0.5)
    assert (after.failures, after.leased_until, after.held) == (0, None, held(at=NOW + TICK))


def test_whoever_renews_keeps_others_from_it_for_a_while() -> None:
    busy = leased(access(), NOW)
    assert busy.is_leased(NOW)
    assert not busy.is_leased(NOW + timedelta(minutes=1))


def test_a_refused_token_is_dropped_unless_it_is_brand_new() -> None:
    assert refused(access(held()), NOW + TRUSTED / 2) is None
    assert refused(access(), NOW) is None
    dropped = refused(access(held()), NOW + TRUSTED)
    assert dropped is not None
    assert dropped.held is None
    assert dropped.renew_at == NOW + TRUSTED


def test_of_several_calls_that_are_refused_at_once_each_is_worth_another_try(
    make_table: MakeTable, cipher: TokenCipher
) -> None:
    table, rule = make_table("partners"), PeerAddressRule()
    tokens = PeerTokens(
        PartnerStore(table),
        PeerAccessStore(table),
        cipher,
        GuardedHttp(rule),
        OcpiClient(rule),
        real_now=lambda: NOW + TRUSTED,
        spread=lambda: 0,
        new_id=lambda: "r",
    )
    tokens.access.save(access(held()))
    partner = replace(a_partner(), uses_oauth=True)
    assert [tokens.was_refused(partner) for _ in range(3)] == [True, True, True]
    fresh = tokens.access.load("acme")
    assert fresh is not None
    tokens.access.save(replace(fresh, held=held(at=NOW + TRUSTED)))
    assert not tokens.was_refused(partner), "another token would be refused as well"


def test_a_token_is_not_shown_in_its_last_seconds() -> None:
    token = held(timedelta(hours=1))
    assert token.is_good(NOW + timedelta(minutes=59))
    assert not token.is_good(NOW + timedelta(hours=1) - SPARE)


def test_an_access_is_found_again_as_it_was_saved_and_when_it_is_due(make_table: MakeTable) -> None:
    store = PeerAccessStore(make_table("partners"))
    saved = store.save(access(held(), failures=2, leased_until=NOW, renew_at=NOW + TICK))
    assert store.load("acme") == saved
    assert list(store.due(NOW)) == []
    assert list(store.due(NOW + TICK)) == ["acme"]
    assert store.load("nobody") is None
