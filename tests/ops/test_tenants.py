"""The operators' commands on tenants: what they ask of the operator API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ops.__main__ import main
from tests.ops.operator_api import OperatorApi, serving

HEARTH = "/qa/ops/v1/tenants/hearth"


@pytest.fixture
def offpeak() -> Iterator[OperatorApi]:
    with serving() as running:
        running.said = {
            "": {"tenant_id": "hearth"},
            "?limit=100": {"tenants": [{"tenant_id": "hearth", "status": "ACTIVE", "name": "Hearth"}], "next": None},
            "/clients": {"client_id": "tenant~hearth.x", "client_secret": "s3cret", "api_key": None},
            "/rotation": {"client_secret": "n3w"},
            "/api-keys": {"api_key": "k3y"},
        }
        yield running


def run(offpeak: OperatorApi, *arguments: str) -> int:
    return main(["tenant", *arguments, "--stage", "qa"], lambda _: offpeak)


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        (
            ["add", "hearth", "--name", "Hearth", "--colour", "#224488", "--partner", "a", "--partner", "b"],
            (
                "POST",
                "/qa/ops/v1/tenants",
                {
                    "tenant_id": "hearth",
                    "settings": {"name": "Hearth", "colour": "#224488", "partner_ids": ["a", "b"]},
                },
            ),
        ),
        (
            ["change", "hearth", "--redirect-url", "https://x.example/a"],
            ("PATCH", HEARTH, {"settings": {"redirect_urls": ["https://x.example/a"]}}),
        ),
        (["suspend", "hearth", "--note", "leaked"], ("PUT", f"{HEARTH}/suspension", {"note": "leaked"})),
        (["resume", "hearth"], ("DELETE", f"{HEARTH}/suspension", None)),
        (["remove", "hearth"], ("DELETE", HEARTH, None)),
        (["create-client", "hearth"], ("POST", f"{HEARTH}/clients", None)),
        (
            ["rotate-client", "hearth", "tenant~hearth.x", "--overlap-hours", "2"],
            ("POST", f"{HEARTH}/clients/tenant~hearth.x/rotation", {"overlap_hours": 2}),
        ),
        (["revoke-client", "hearth", "tenant~hearth.x"], ("DELETE", f"{HEARTH}/clients/tenant~hearth.x", None)),
        (["add-key", "hearth"], ("POST", f"{HEARTH}/api-keys", {"overlap_hours": 168})),
        (["revoke-key", "hearth", "k3y"], ("DELETE", f"{HEARTH}/api-keys/k3y", None)),
        (["restore-keys"], ("POST", f"{HEARTH}/usage-key", None)),
        (["show", "hearth"], ("GET", f"{HEARTH}/access", None)),
        (["audit", "hearth", "--verify"], ("GET", f"{HEARTH}/audit/verification", None)),
    ],
    ids=lambda each: each[0] if isinstance(each, list) else "",
)
def test_a_command_asks_the_operator_api(offpeak: OperatorApi, arguments: list[str], asked: Any) -> None:
    assert run(offpeak, *arguments) == 0
    assert offpeak.asked[-1] == asked


def test_secrets_are_printed_and_the_list_is_a_line_each(
    offpeak: OperatorApi, capsys: pytest.CaptureFixture[str]
) -> None:
    run(offpeak, "create-client", "hearth")
    run(offpeak, "list")
    printed = capsys.readouterr().out
    assert "s3cret" in printed
    assert "(as before)" in printed
    assert "hearth                   ACTIVE     Hearth" in printed
