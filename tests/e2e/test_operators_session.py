"""What an operator sees of a session, and what the charger has when it is asked."""

from __future__ import annotations

import pytest

from ops.__main__ import main
from tests.e2e.scene import Scene


def test_an_operator_sees_a_session_and_has_its_active_profile_asked_for(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    partner = scene.partner()
    partner.plug_in("S1")
    scene.settle()
    command = ["session", partner.partner_id, "S1", "--local"]
    assert main([*command, "--ask"], lambda _: scene.cloud.deployed) == 0
    scene.settle()
    assert len(partner.profile_calls("S1", "get")) == 1

    capsys.readouterr()
    assert main(command, lambda _: scene.cloud.deployed) == 0
    shown = capsys.readouterr().out
    assert f"S1 of {partner.partner_id}: ACTIVE at EVSE EVSE-S1" in shown
    assert "before 07:00" in shown, "the plan's reason, in local time"
    assert "get   charger_accepted: the charger has 0 W now" in shown
    assert "set   charger_accepted" in shown
    assert "overridden  no" in shown
