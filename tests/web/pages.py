"""Every page that a driver can meet, by name, as tests of pages want them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from offpeak.pairing import connect
from offpeak.pairing.connect import ConnectProblem, ConnectSession, ConnectState
from offpeak.tenants.model import Look
from offpeak.web import screens
from offpeak.web.screens import Scene, Screen
from tests.pairing.builders import NOW
from tests.pairing.test_connect import made, opened, validating

LOOK = Look("Hearth & Söhne", "#0b6e4f")


def scene(session: ConnectSession, location: str = "Home") -> Scene:
    return Scene(session, LOOK, location, "form-token", ("ACME-1234-5678",), "NL*ACM*E1")


def every_page() -> Mapping[str, Screen]:
    problems = ("UNKNOWN_CODE", "LINKED_ELSEWHERE", "ALREADY_YOURS", "CPO_UNREACHABLE")
    ended = {"paired": connect.paired(validating())}
    for problem in (ConnectProblem.TOO_MANY_TRIES, ConnectProblem.LOCATION_GONE):
        ended[problem.value] = made(state=ConnectState.FAILED, problem=problem)
    for state in (ConnectState.EXPIRED, ConnectState.CANCELLED):
        ended[state.value] = made(state=state)
    return {
        "welcome": screens.screen_of(scene(made()), NOW),
        "code": screens.screen_of(scene(opened()), NOW),
        "EMPTY": screens.code_screen(scene(opened()), "EMPTY", http_status=422),
        "PATTERN": screens.code_screen(
            scene(opened()), "PATTERN", typed='"><script>alert(1)</script>', http_status=422
        ),
        **{
            problem: screens.screen_of(scene(connect.refused(validating(), ConnectProblem(problem))), NOW)
            for problem in problems
        },
        "progress": screens.screen_of(scene(validating()), NOW),
        "slow": screens.screen_of(scene(validating()), NOW + timedelta(seconds=40)),
        "still": screens.screen_of(scene(validating()), NOW, renews=False),
        **{name: screens.screen_of(scene(session), NOW) for name, session in ended.items()},
        "other_browser": screens.other_browser(scene(opened())),
        "form": screens.form_refused(scene(made())),
        "closed": screens.closed(LOOK),
        "unknown": screens.UNKNOWN_LINK,
        "broken": screens.BROKEN,
    }
