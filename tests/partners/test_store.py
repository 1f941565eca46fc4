"""The partners table: found by id, zone and token; tokens hashed, encrypted, and ended at the right moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from offpeak.aws.secrets import TokenCipher
from offpeak.aws.tables import Table
from offpeak.errors import ConcurrentChange, UnknownObject
from offpeak.partners.model import Partner
from offpeak.partners.store import CACHED_S, PartnerStore, TokenKind, Tokens, digest
from tests.conftest import MakeTable
from tests.partners.builders import a_full_partner, a_partner


def all_rows(table: Table) -> list[dict[str, object]]:
    return list(table._client.scan(TableName=table.name)["Items"])


def with_credentials(
    store: PartnerStore, cipher: TokenCipher, token: str, partner: Partner, *, replaces: frozenset[str] = frozenset()
) -> Partner:
    ours = cipher.encrypt(token, partner_id=partner.partner_id, purpose="ours")
    theirs = cipher.encrypt("theirs", partner_id=partner.partner_id, purpose="theirs")
    return store.save_credentials(partner, Tokens(current=digest(token), replaces=replaces, ours=ours, theirs=theirs))


def test_a_partner_is_loaded_as_it_was_saved(store: PartnerStore) -> None:
    saved = store.save(a_full_partner())
    assert saved == replace(a_full_partner(), revision=1)
    assert store.load("full") == saved
    assert store.load("nobody") is None


def test_of_two_who_change_a_partner_at_the_same_time_one_wins(store: PartnerStore) -> None:
    first = store.save(a_partner())
    store.save(replace(first, name="one"))
    with pytest.raises(ConcurrentChange):
        store.save(replace(first, name="other"))
    loaded = store.load("acme")
    assert loaded is not None
    assert loaded.name == "one"


def test_a_partner_is_not_made_twice(store: PartnerStore) -> None:
    store.save(a_partner())
    with pytest.raises(ConcurrentChange):
        store.save(a_partner())


def test_all_partners_are_listed(store: PartnerStore) -> None:
    for partner in (a_partner("a", "DE-LU"), a_partner("b", "SE3"), a_partner("c", "SE31"), a_partner("d", "SE3")):
        store.save(partner)
    assert {each.partner_id for each in store.all()} == {"a", "b", "c", "d"}


def test_what_is_cached_is_old_by_half_a_minute_at_most(make_table: MakeTable) -> None:
    time_s = [0.0]
    store = PartnerStore(make_table("partners"), now_s=lambda: time_s[0])
    first = store.save(a_partner())
    assert store.load_cached("acme") == first
    second = store.save(replace(first, name="new"))
    time_s[0] = CACHED_S - 1
    assert store.load_cached("acme") == first
    time_s[0] = CACHED_S
    assert store.load_cached("acme") == second


def test_a_partner_that_does_not_exist_is_not_cached(store: PartnerStore) -> None:
    with pytest.raises(UnknownObject):
        store.load_cached("acme")
    saved = store.save(a_partner())
    assert store.load_cached("acme") == saved


def test_an_invitation_is_found_by_its_token_and_by_nothing_else(store: PartnerStore) -> None:
    """T1, T2"""
    saved = store.save_invitation(a_partner(), "token-a")
    found = store.by_token("token-a")
    assert found is not None
    assert (found.partner, found.kind) == (saved, TokenKind.INVITATION)
    for other in ("Token-a", "token-a ", "token-a\n", "token-", "", digest("token-a")):
        assert store.by_token(other) is None


def test_no_token_of_ours_stands_in_the_table(make_table: MakeTable, cipher: TokenCipher) -> None:
    """T2, C3"""
    table = make_table("partners")
    store = PartnerStore(table)
    partner = store.save_invitation(a_partner(), "secret-a")
    with_credentials(store, cipher, "secret-c", partner)
    assert "secret" not in str(all_rows(table))


def test_inviting_again_voids_the_invitation_before(store: PartnerStore) -> None:
    saved = store.save_invitation(a_partner(), "first")
    store.save_invitation(saved, "second")
    assert store.by_token("first") is None
    assert store.by_token("second") is not None


def test_our_token_can_be_given_again_and_theirs_used(store: PartnerStore, cipher: TokenCipher) -> None:
    """C3"""
    with_credentials(store, cipher, "token-c", a_partner())
    tokens = store.tokens("acme")
    assert tokens.ours is not None
    assert cipher.decrypt(tokens.ours) == "token-c"
    assert cipher.decrypt(store.token_for("acme")) == "theirs"


def test_a_partner_that_is_not_registered_cannot_be_called(store: PartnerStore) -> None:
    store.save_invitation(a_partner(), "token-a")
    with pytest.raises(UnknownObject):
        store.token_for("acme")


def test_a_token_is_good_until_its_successor_is_first_used(store: PartnerStore, cipher: TokenCipher) -> None:
    """C1, C4"""
    partner = store.save_invitation(a_partner(), "old")
    with_credentials(store, cipher, "new", partner, replaces=frozenset({digest("old")}))
    assert store.by_token("old") is not None
    found = store.by_token("new")
    assert found is not None
    assert found.replaces == {digest("old")}
    for _ in range(2):  # once more does no harm
        store.confirm(found)
        assert store.by_token("old") is None
        used = store.by_token("new")
        assert used is not None
        assert used.replaces == frozenset()
    assert store.tokens("acme").replaces == frozenset()


def test_a_partner_that_leaves_keeps_its_row_and_no_token(make_table: MakeTable, cipher: TokenCipher) -> None:
    """C6"""
    table = make_table("partners")
    store = PartnerStore(table)
    partner = store.save_invitation(a_partner(), "a")
    partner = with_credentials(store, cipher, "c", partner, replaces=frozenset({digest("a")}))
    partner = store.save_invitation(partner, "again")
    store.save_without_tokens(partner)
    assert [store.by_token(token) for token in ("a", "c", "again")] == [None, None, None]
    assert [row["sk"] for row in all_rows(table)] == [{"S": "PARTNER"}]


@pytest.mark.parametrize(
    "write",
    [
        lambda store, partner: store.save_invitation(partner, "x"),
        lambda store, partner: store.save_credentials(partner, Tokens(current=digest("x"))),
        lambda store, partner: store.save_without_tokens(partner),
    ],
)
def test_tokens_change_with_their_partner_or_not_at_all(
    store: PartnerStore, write: Callable[[PartnerStore, Partner], Partner]
) -> None:
    stale = store.save_invitation(a_partner(), "a")
    store.save(replace(stale, name="changed meanwhile"))
    with pytest.raises(ConcurrentChange):
        write(store, stale)
    assert store.by_token("x") is None
    assert store.by_token("a") is not None
