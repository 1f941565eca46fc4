"""The operators' command line: what it asks of Offpeak, and what it tells a person."""

from __future__ import annotations

import pytest

from ops.__main__ import main
from tests.ops.answers import ALICE, Answers


def test_an_invitation_names_parties_and_settings_and_prints_what_to_send(capsys: pytest.CaptureFixture[str]) -> None:
    offpeak = Answers({"partner_id": "acme", "token_a": "TOKEN", "versions_url": "https://offpeak/ocpi/versions"})
    command = "invite acme --local --name Acme --party NL/ACM --party be-acm --set flags.strict=true"

    assert main([*command.split(), "--set", "planning.departure=06:30"], lambda _: offpeak) == 0

    settings = {
        "name": "Acme",
        "parties": ["NL-ACM", "be-acm"],
        "flags": {"strict": True},
        "planning": {"departure": "06:30"},
    }
    command_given = {"action": "invite", "partner_id": "acme", "settings": settings, "who": ALICE}
    assert offpeak.asked == [("ops_partners", command_given)]
    printed = capsys.readouterr().out
    assert "TOKEN" in printed
    assert "https://offpeak/ocpi/versions" in printed


def test_settings_may_be_whole_groups(capsys: pytest.CaptureFixture[str]) -> None:
    offpeak = Answers({})
    tariff = 'planning.tariff={"kind": "FIXED", "fixed_eur_per_kwh": "0.31"}'

    assert main(["settings", "acme", "--local", "--set", tariff], lambda _: offpeak) == 0

    [(_, event)] = offpeak.asked
    assert event["settings"] == {"planning": {"tariff": {"kind": "FIXED", "fixed_eur_per_kwh": "0.31"}}}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["settings", "acme", "--local"], "Name what to change"),
        (["settings", "acme", "--local", "--set", "planning=1", "--set", "planning.need_kwh=2"], "say it once"),
    ],
)
def test_a_command_that_asks_for_nothing_sensible_is_refused_before_it_is_sent(
    arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    offpeak = Answers({})
    assert main(arguments, lambda _: offpeak) == 1
    assert offpeak.asked == []
    assert problem in capsys.readouterr().err


@pytest.mark.parametrize("party", ["NLACM", "N-ACM", "NL-AC", ""])
def test_a_party_that_is_none_is_refused(party: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["invite", "acme", "--local", "--name", "Acme", "--party", party], lambda _: Answers({}))
    assert "is not a country code and a party id" in capsys.readouterr().err


def test_a_refusal_names_the_setting(capsys: pytest.CaptureFixture[str]) -> None:
    offpeak = Answers({"error": "must be a local time such as 07:00", "field": "settings.planning.departure"})
    assert main(["settings", "acme", "--local", "--set", "planning.departure=noon"], lambda _: offpeak) == 1
    assert capsys.readouterr().err == "settings.planning.departure: must be a local time such as 07:00\n"
