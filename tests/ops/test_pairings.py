"""What operators read of pairing with a CPO."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from offpeak.pairing.model import Tier, Unpairing, Why
from offpeak.pairing.show import tried_shown, unpairing_shown
from offpeak.pairing.tries import Tried
from ops.pairings import pairing_lines

SINCE = datetime(2027, 3, 1, 18, tzinfo=UTC)


def shown(**parts: Any) -> dict[str, Any]:
    return {"unpairings": [], "tries": [], **parts}


def test_an_unpairing_that_waits_is_told_with_what_is_wrong() -> None:
    waits = Unpairing("unp_1", "acme", Tier.EVSE, "E1", ("E1",), Why.APP, SINCE, SINCE, attempts=3, problem="HTTP 503")
    [line] = pairing_lines(shown(unpairings=[unpairing_shown(waits)]))
    assert line == ("unp_1  E1: un-paired by APP 2027-03-01T18:00Z, told 3 times, next 2027-03-01T18:00Z: HTTP 503")


def test_who_tries_codes_is_told_by_the_hour() -> None:
    tries = [tried_shown(Tried("2027-03-01T18", whose, 10, 10)) for whose in ("USER#hearth#usr_1", "PARTNER")]
    first, _, _, user, partner = pairing_lines(shown(tries=tries))
    assert first == "The CPO has acknowledged all un-pairings."
    assert user.startswith("2027-03-01T18:00Z  user     hearth#usr_1")
    assert user.endswith("10 of 10 codes, stopped")
    assert partner.split()[1] == "partner"
