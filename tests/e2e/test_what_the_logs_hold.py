"""Logs are for operators: what happened to which session, and never a secret."""

from __future__ import annotations

import base64
import json

from local.cpo import ResultComes
from tests.e2e.scene import Scene


def test_no_token_is_in_any_log(scene: Scene) -> None:
    """C5: not of a registration, a renewal, a refusal or a call; not of all the tests before this one either."""
    partner = scene.partner()
    partner.plug_in("S1")
    scene.settle()
    partner.cpo.renew_credentials()
    scene.stage.tokens |= {partner.token_b, partner.token_c}
    strange = "strange-token-!#%&()*+0123456789"
    scene.stage.tokens.add(strange)
    for path in (partner.path("S1"), "/ocpi/versions", "/ocpi/2.2.1/credentials"):
        scene.stage.ask("GET", path, strange)
        scene.stage.ask("GET", path, strange, raw=True)
    partner.ask("PUT", partner.path("S1"), content=f'{{"kwh": "{partner.token_c}"}}')
    partner.ask("POST", "/ocpi/2.2.1/credentials", {"token": partner.token_b, "url": 7, "roles": []})
    scene.settle()

    tokens = {each for each in scene.stage.tokens if each}
    assert len(tokens) >= 6
    forms = {form for token in tokens for form in (token, base64.b64encode(token.encode()).decode().rstrip("="))}
    logs = scene.stage.logs()
    assert len(logs) > 10
    assert any(partner.partner_id in line for line in logs["ocpi_credentials"]), "they were written"
    found = [(name, line) for name, lines in logs.items() for line in lines if any(each in line for each in forms)]
    assert found == []


def test_every_line_of_a_session_can_be_found_by_its_id(scene: Scene) -> None:
    partner = scene.partner()
    partner.misbehave(result_comes=ResultComes.NEVER)
    partner.plug_in("traced-session")
    scene.settle()
    [call] = partner.profile_calls("traced-session")
    partner.ask("POST", call.response_url, {"result": "ACCEPTED"})
    told: dict[str, list[str]] = {}
    for function, lines in scene.stage.logs().items():
        for line in lines:
            if '"session_id":"traced-session"' in line:
                told.setdefault(function, []).append(json.loads(line)["message"])
    assert told == {
        "ocpi_sessions": ["session_message_received"],
        "plan_sessions": ["plan_made"],
        "send_profiles": ["profile_sent", "profile_taken_by_cpo"],
        "ocpi_chargingprofiles": ["profile_settled"],
    }
