"""What partners may push to our sessions interface, as API Gateway hands it over."""

from __future__ import annotations

from functions import ocpi_sessions
from offpeak import wiring
from offpeak.sessions.model import SessionKey
from tests.functions.events import envelope_of
from tests.functions.journey import PARTNER_ID, Journey

SESSION = {
    "evse_uid": "E1",
    "status": "ACTIVE",
    "kwh": 0,
    "start_date_time": "2026-11-20T21:00:05Z",
    "last_updated": "2026-11-20T21:00:05Z",
}


def test_an_id_that_no_key_could_hold_is_refused_by_its_name(journey: Journey) -> None:
    """T6, T7"""
    long_id = "S" * 300
    for method in ("PUT", "PATCH", "GET"):
        answer = journey.call(ocpi_sessions, method, f"sessions/NL/ACM/{long_id}", SESSION)
        assert (answer["statusCode"], envelope_of(answer)["status_code"]) == (200, 2001)
        assert envelope_of(answer)["status_message"].startswith("session_id: ")
    assert wiring.sessions().known(SessionKey(PARTNER_ID, long_id)) is None
