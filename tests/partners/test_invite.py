"""Invitations: a token A, once, to a partner whose parties are agreed."""

from __future__ import annotations

import pytest

from offpeak.errors import InvalidMessage
from offpeak.ocpi.fields import read_object
from offpeak.partners.invite import invite
from offpeak.partners.model import PartnerStatus, Party
from offpeak.partners.settings import Change
from offpeak.partners.store import PartnerStore, TokenKind
from tests.partners.builders import HandedOutKeys, tokens_in_order

AGREED = read_object(Change, {"name": "Acme", "parties": ["NL-ACM"], "flags": {"strict": True}})


def test_an_invited_partner_has_what_was_agreed_and_a_token_a(store: PartnerStore) -> None:
    """C1, C5"""
    invitation = invite("acme", AGREED, store, HandedOutKeys(), tokens_in_order())
    found = store.by_token(invitation.token)
    assert found is not None
    assert found.kind is TokenKind.INVITATION
    assert found.partner.status is PartnerStatus.INVITED
    assert found.partner.parties == (Party("NL", "ACM"),)
    assert found.partner.flags.strict
    assert found.partner.usage_key == "key-of-acme"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (Change(), "settings.name"),
        (Change(name="Acme"), "settings.parties"),
        (Change(parties=["NL-ACM"]), "settings.name"),
    ],
)
def test_a_new_partner_needs_a_name_and_parties(store: PartnerStore, change: Change, field: str) -> None:
    """C5"""
    keys = HandedOutKeys()
    with pytest.raises(InvalidMessage) as refused:
        invite("acme", change, store, keys, tokens_in_order())
    assert refused.value.field == field
    assert store.load("acme") is None
    assert keys.made_for == []


def test_inviting_again_needs_no_words_and_ends_the_token_before(store: PartnerStore) -> None:
    """C1"""
    keys, new_token = HandedOutKeys(), tokens_in_order()
    first = invite("acme", AGREED, store, keys, new_token)
    second = invite("acme", Change(), store, keys, new_token)
    assert store.by_token(first.token) is None
    assert store.by_token(second.token) is not None
    assert second.partner.parties == first.partner.parties
    assert keys.made_for == ["acme"]
