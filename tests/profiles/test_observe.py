"""Does the power follow the profile?"""

from __future__ import annotations

import pytest

from offpeak.planning.profile import ChargingProfile
from offpeak.profiles.observe import is_followed
from offpeak.sessions.model import ChargingPeriod
from tests.profiles.builders import a_profile
from tests.sessions.builders import a_session, at, period

PAUSE_THEN_FULL = a_profile((0, 0), (60, 11040))


@pytest.mark.parametrize(
    ("periods", "follows"),
    [
        ([], False),
        ([period(5, POWER=0)], True),
        ([period(5, POWER="0.05")], True),
        ([period(5, POWER=7)], False),
        ([period(1, POWER=0)], False),
        ([period(65, POWER=11)], True),
        ([period(65, POWER="11.3")], True),
        ([period(65, POWER=14)], False),
        ([period(65, POWER=0)], False),
        ([period(5, POWER=7), period(10, POWER=0)], True),
        ([period(5, POWER=0), period(10, POWER=7)], False),
        ([period(5, POWER=0), period(50, TIME="0.1")], True),
        ([period(5, POWER=0), period(58, POWER=4), period(63, TIME="0.1")], True),
        ([period(5, ENERGY="0.002"), period(10, ENERGY="0.002"), period(15)], True),
    ],
    ids=[
        "nothing said",
        "paused as told",
        "what electronics draw",
        "charging through the pause",
        "before the profile was taken",
        "charging as allowed",
        "a meter's tolerance",
        "more than allowed",
        "not charging though allowed",
        "it stopped",
        "it started though paused",
        "the newest says nothing",
        "the newest lies over a change",
        "energy tells power",
    ],
)
def test_power_within_the_profile_shows_that_it_is_followed(periods: list[ChargingPeriod], follows: bool) -> None:
    assert is_followed(PAUSE_THEN_FULL, a_session(*periods), at(2), phases=None, voltage_v=230) is follows


@pytest.mark.parametrize(("phases", "follows"), [(1, False), (3, True), (None, True)])
def test_amperes_count_per_phase(phases: int | None, follows: bool) -> None:
    """P8"""
    profile: ChargingProfile = a_profile((0, 10), unit="A")
    assert is_followed(profile, a_session(period(5, POWER="6.9")), at(2), phases=phases, voltage_v=230) is follows
