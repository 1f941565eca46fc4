"""P7, P9: is the charger's active profile ours?"""

from __future__ import annotations

import pytest

from offpeak.partners.model import PlanningDefaults
from offpeak.planning.profile import ChargingProfile
from offpeak.profiles.likeness import Likeness, compare
from tests.profiles.builders import a_profile
from tests.sessions.builders import at

UNKNOWN_PHASES = PlanningDefaults()
THREE_PHASES = PlanningDefaults(phases=3)
OURS = a_profile((0, 0), (60, 11040), (120, 0), (180, 11040))
"""Watts: pause, full, pause, full."""


def likeness(
    active: ChargingProfile,
    ours: ChargingProfile = OURS,
    planning: PlanningDefaults = THREE_PHASES,
    minutes: float = 5,
) -> Likeness:
    return compare(ours, active, planning, at(minutes)).likeness


@pytest.mark.parametrize(
    ("active", "expected"),
    [
        (OURS, Likeness.SAME),
        (a_profile((0, 0), (55, 11040), (115, 0), (175, 11040), minutes=5), Likeness.SAME),
        (a_profile((0, 0), (55.5, 11040), (115.5, 0), (175, 11040), minutes=5), Likeness.SAME),
        (a_profile((0, 0), (55, 16), (115, 0), (175, 16), minutes=5, unit="A"), Likeness.SAME),
        (a_profile((0, 0), (55, 15.4), (115, 0), (175, 15.4), minutes=5, unit="A"), Likeness.SAME),
        (a_profile((0, 32), minutes=5, unit="A"), Likeness.WIDER),
        (a_profile((0, 22080), minutes=5), Likeness.WIDER),
        (a_profile((0, 0), minutes=5), Likeness.TIGHTER),
        (a_profile((0, 0), (55, 6000), (115, 0), (175, 6000), minutes=5), Likeness.TIGHTER),
        (a_profile((0, 0), (55, 6000), (115, 11040), minutes=5), Likeness.WIDER),
        (a_profile((0, 0), minutes=5, duration_s=1800), Likeness.SAME),
        (a_profile((0, 0), (55, 22080), minutes=5, duration_s=3900), Likeness.SAME),
        (ChargingProfile(at(5), None, "W", ()), Likeness.WIDER),
    ],
    ids=[
        "itself",
        "told five minutes later",
        "half a minute off",
        "in amperes",
        "rounded by the charger",
        "the EVSE's maximum in amperes",
        "the EVSE's maximum in watts",
        "paused for good",
        "a tighter limit on top",
        "tighter here and wider there",
        "the same as far as it reaches",
        "more than the car may be granted",
        "no period at all",
    ],
)
def test_two_profiles_compare_by_what_they_allow(active: ChargingProfile, expected: Likeness) -> None:
    assert likeness(active) is expected


def test_what_lies_before_now_does_not_count() -> None:
    active = a_profile((0, 11040), (240, 11040))
    assert likeness(active, minutes=200) is Likeness.SAME
    assert likeness(active, minutes=100) is Likeness.WIDER


def test_watts_and_amperes_compare_by_pauses_only_where_the_phases_are_unknown() -> None:
    single_phase = a_profile((0, 0), (55, 6), (115, 0), (175, 32), minutes=5, unit="A")
    assert likeness(single_phase, planning=UNKNOWN_PHASES) is Likeness.SAME
    assert likeness(a_profile((0, 6), minutes=5, unit="A"), planning=UNKNOWN_PHASES) is Likeness.WIDER
    assert likeness(a_profile((0, 0), minutes=5, unit="A"), planning=UNKNOWN_PHASES) is Likeness.TIGHTER


def test_a_difference_is_said_in_words() -> None:
    found = compare(OURS, a_profile((0, 32), minutes=5, unit="A"), THREE_PHASES, at(5))
    assert found.what == "32 A instead of 0 W at 2026-01-15T17:05:00Z"
    assert compare(OURS, OURS, THREE_PHASES, at(5)).what == ""
