"""Secrets and ApiKeys while they are being changed for others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from offpeak.errors import InvalidMessage, UnknownObject
from offpeak.oauth.clients import MOST_CLIENTS, Access, Client, Credential, credential, followed, has_secret

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WEEK = timedelta(days=7)


def good(credentials: tuple[Credential, ...], at: datetime) -> list[str]:
    return [each.hint for each in credentials if each.is_good(at)]


def test_two_keys_are_good_until_the_old_one_ends() -> None:
    access = Access("acme", api_keys=(credential("first-key", NOW),))
    access = access.with_api_key(credential("second-key", NOW), old_ends_at=NOW + WEEK)
    for at, expected in ((NOW, [True, True]), (NOW + WEEK, [False, True])):
        assert [access.has_api_key(each, at) for each in ("first-key", "second-key")] == expected
    assert not access.has_api_key("third-key", NOW)


def test_there_are_never_three_that_are_good() -> None:
    keys = followed((), credential("1-----", NOW), NOW)
    for number in range(2, 6):
        keys = followed(keys, credential(f"{number}-----", NOW), NOW + WEEK)
    assert good(keys, NOW) == ["4-----", "5-----"]


def test_a_later_rotation_does_not_let_an_old_one_live_longer() -> None:
    keys = followed((credential("first", NOW),), credential("second", NOW), NOW + timedelta(hours=1))
    again = followed(keys[:1], credential("third", NOW), NOW + WEEK)
    assert good(again, NOW + timedelta(hours=2)) == ["third"]


def test_without_overlap_the_old_one_ends_at_once() -> None:
    keys = followed((credential("first", NOW),), credential("second", NOW), NOW)
    assert good(keys, NOW) == ["second"]


def test_a_secret_is_kept_by_its_hash() -> None:
    client = Client("acme.1", NOW, secrets=(credential("a-long-secret", NOW),))
    assert has_secret(client, "a-long-secret", NOW)
    assert not has_secret(client, "a-long-secret ", NOW)
    assert "a-long-secret" not in repr(client)


def test_a_client_can_be_taken_away_once() -> None:
    access = Access("acme").with_client(Client("acme.1", NOW))
    without = access.without_client("acme.1")
    assert without.client("acme.1") is None
    with pytest.raises(UnknownObject):
        without.without_client("acme.1")


def test_an_outside_client_of_the_same_name_is_another_client() -> None:
    access = Access("acme").with_client(Client("x", NOW)).with_client(Client("x", NOW, issuer="https://i.example"))
    assert len(access.clients) == 2
    assert access.without_client("x").client("x", "https://i.example") is not None


def test_a_partner_has_a_bounded_number_of_clients() -> None:
    access = Access("acme")
    for number in range(MOST_CLIENTS):
        access = access.with_client(Client(f"acme.{number}", NOW))
    assert access.with_client(Client("acme.0", NOW)) == access
    with pytest.raises(InvalidMessage, match="client_id"):
        access.with_client(Client("acme.more", NOW))
