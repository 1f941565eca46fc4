"""The commands on access: what they ask of Offpeak, and what they tell a person."""

from __future__ import annotations

import io
from typing import Any

import pytest

from ops.__main__ import main
from tests.ops.answers import ALICE, Answers


def test_a_new_client_is_printed_with_all_that_its_partner_needs(capsys: pytest.CaptureFixture[str]) -> None:
    made = {
        "client_id": "acme.x7",
        "client_secret": "SECRET",
        "api_key": "KEY",
        "token_url": "https://offpeak/oauth/token",
        "audience": "https://offpeak/ocpi",
        "jwks_url": "https://offpeak/.well-known/jwks.json",
    }
    offpeak = Answers(made)
    assert main(["create-client", "acme", "--local"], lambda _: offpeak) == 0
    assert offpeak.asked == [("ops_access", {"action": "create_client", "partner_id": "acme", "who": ALICE})]
    printed = capsys.readouterr().out
    assert all(made[name] in printed for name in made if name != "jwks_url")


def test_a_secret_is_read_from_standard_input_and_not_from_the_command_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("our-secret\nour-key\n"))
    offpeak = Answers({"has_token": False})
    command = "use-oauth acme --local --token-url https://cpo/token --client-id us --with-api-key"
    assert main(command.split(), lambda _: offpeak) == 0
    [(_, asked)] = offpeak.asked
    assert (asked["client_secret"], asked["api_key"]) == ("our-secret", "our-key")
    assert "scope" not in asked
    assert "gave no token" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "action", "details"),
    [
        ("rotate-client acme acme.x --overlap-hours 24", "rotate_client", {"client_id": "acme.x", "overlap_hours": 24}),
        ("revoke-client acme acme.x", "revoke_client", {"client_id": "acme.x"}),
        ("add-api-key acme", "add_api_key", {"overlap_hours": 168}),
        ("revoke-api-key acme k3Jx9q", "revoke_api_key", {"hint": "k3Jx9q"}),
        ("bind-client acme xy --issuer https://i/", "bind_client", {"client_id": "xy", "issuer": "https://i/"}),
        ("use-tokens acme", "use_tokens", {}),
    ],
)
def test_each_command_is_given_in_the_name_of_who_gives_it(command: str, action: str, details: dict[str, Any]) -> None:
    offpeak = Answers({"client_secret": "S", "api_key": "K"})
    assert main([*command.split(), "--local"], lambda _: offpeak) == 0
    asked = {"action": action, "partner_id": "acme", **details, "who": ALICE}
    assert offpeak.asked == [("ops_access", asked)]
