from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from offpeak.pairing.choose import Chosen, choose, examples
from offpeak.partners.model import Pairing, Partner, PartnerStatus
from tests.partners.builders import a_partner

LETTERS = r"[A-Z]{3}-[0-9]{4}"


def cpo(partner_id: str, pattern: str | None, hint: str | None = None, **changes: object) -> Partner:
    pairing = Pairing(url="https://cpo.example", code_pattern=pattern, code_hint=hint)
    return replace(a_partner(partner_id), **{"status": PartnerStatus.REGISTERED, "pairing": pairing, **changes})


ACME, VOLT = cpo("acme", LETTERS, "ABC-1234"), cpo("volt", r"[0-9]{6}", "123456")


@pytest.mark.parametrize(
    ("typed", "chosen"),
    [
        ("ABC-1234", Chosen("ABC-1234", ("acme",))),
        ("  abc-1234 ", Chosen("ABC-1234", ("acme",))),
        ("abc - 12 34", Chosen("ABC-1234", ("acme",))),
        ("abc 1234", Chosen("ABC-1234", ("acme",))),
        ("123 456", Chosen("123456", ("volt",))),
        ("ABC-12345", None),
        ("АBC-1234", None),
        ("１２３４５６", None),
        ("", None),
        ("A" * 100_000, None),
        ("123456\n", Chosen("123456", ("volt",))),
        ("123456; DROP TABLE users", None),
    ],
)
def test_a_code_belongs_to_the_partners_whose_codes_look_like_it(typed: str, chosen: Chosen | None) -> None:
    assert choose(typed, [ACME, VOLT]) == chosen


def test_partners_whose_codes_look_alike_are_asked_in_the_tenants_order() -> None:
    twin = cpo("twin", LETTERS)
    assert choose("ABC-1234", [twin, VOLT, ACME]) == Chosen("ABC-1234", ("twin", "acme"))


def test_who_says_nothing_of_his_codes_is_asked_for_any_but_does_not_keep_others_from_theirs() -> None:
    anything = cpo("any", None)
    assert choose("abc-1234", [anything, ACME]) == Chosen("ABC-1234", ("any", "acme"))
    assert choose("what is this?", [anything, ACME]) == Chosen("what is this?", ("any",))


def test_who_has_no_pairing_interface_or_no_connection_is_not_asked() -> None:
    nowhere = cpo("nowhere", LETTERS, pairing=Pairing(code_pattern=LETTERS, code_hint="ABC-0000"))
    invited = cpo("invited", LETTERS, status=PartnerStatus.INVITED)
    suspended = cpo("suspended", LETTERS, suspended_at=datetime(2027, 1, 1, tzinfo=UTC))
    assert choose("ABC-1234", [nowhere, invited, suspended]) is None
    assert examples([nowhere, invited, suspended]) == ()


def test_drivers_are_shown_what_codes_look_like_each_once() -> None:
    assert examples([ACME, VOLT, cpo("twin", LETTERS, "ABC-1234"), cpo("any", None)]) == ("ABC-1234", "123456")
