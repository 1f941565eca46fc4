"""What an object of a list has to say, for no URL says it (CONFORMANCE T8, T10)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from offpeak.errors import InvalidMessage
from offpeak.history.listed import object_in
from offpeak.history.readers import session_in
from offpeak.ocpi.wire_json import JsonValue
from offpeak.partners.model import Flags, Partner, Party
from offpeak.sessions.model import MessageKind, SessionMessage
from tests.history.world import NOW, PARTY, listed

ONE = Partner("acme", "Acme", (PARTY,))
TWO = replace(ONE, parties=(PARTY, Party("BE", "ACM")))


def without(*names: str) -> dict[str, JsonValue]:
    return {name: value for name, value in listed("S-1").items() if name not in names}


def read_listed(item: object, partner: Partner) -> SessionMessage:
    return session_in(object_in(item), partner, NOW)  # type: ignore[arg-type]


def test_a_listed_session_is_read_as_a_put() -> None:
    message = read_listed(listed("S-1"), ONE)
    assert (message.kind, message.key.partner_id, message.key.session_id) == (MessageKind.PUT, "acme", "S-1")


def test_a_party_is_recognised_whatever_its_case() -> None:
    """T8"""
    assert read_listed(listed("S-1", country_code="be", party_id="acm"), TWO).country_code == "be"


def test_the_only_party_need_not_be_named() -> None:
    """S5"""
    message = read_listed(without("country_code", "party_id"), ONE)
    assert (message.country_code, message.party_id) == ("NL", "ACM")


@pytest.mark.parametrize(
    ("item", "partner", "field"),
    [
        (InvalidMessage("kwh", "is a number out of all bounds"), ONE, "kwh"),
        (None, ONE, "body"),
        ([], ONE, "body"),
        ("S-1", ONE, "body"),
        (without("id"), ONE, "id"),
        (listed("S-1", id=7), ONE, "id"),
        (listed(""), ONE, "id"),
        (listed("x" * 300), ONE, "id"),
        (without("party_id"), TWO, "party_id"),
        (listed("S-1", party_id="XXX"), ONE, "party_id"),
        (listed("S-1", party_id="XXX"), TWO, "party_id"),
        (listed("S-1", party_id=7), ONE, "party_id"),
        (without("status"), ONE, "status"),
        (without("last_updated"), ONE, "last_updated"),
        (listed("S-1"), replace(ONE, flags=Flags(strict=True)), "cdr_token"),
        (without("country_code"), replace(ONE, flags=Flags(strict=True)), "country_code"),
    ],
)
def test_an_object_that_cannot_be_taken_is_refused_by_its_field(item: object, partner: Partner, field: str) -> None:
    """T10"""
    with pytest.raises(InvalidMessage) as refused:
        read_listed(item, partner)
    assert refused.value.field == field
