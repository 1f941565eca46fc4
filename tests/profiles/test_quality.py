"""What becomes of a charging profile, and how soon, as counters."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest

from offpeak.ocpi.profile_types import AnswerType
from offpeak.partners.figures import Figures
from offpeak.profiles.model import ProfileRequest, RequestKind, RequestState, Step
from offpeak.profiles.quality import STEPS, figures_of
from tests.profiles.builders import REAL, a_request


def after(seconds: float, state: RequestState, **changes: object) -> ProfileRequest:
    """A request that came into a state so many seconds after it was sent."""
    _, step = STEPS[state]
    return a_request(state=state, steps={Step.SENT: REAL, step: REAL + timedelta(seconds=seconds)}, **changes)


@pytest.mark.parametrize(("seconds", "late"), [(0.2, 0), (10, 0), (10.1, 1), (90, 1)])
@pytest.mark.parametrize("state", list(STEPS))
def test_each_step_is_timed_from_when_the_request_was_sent(state: RequestState, seconds: float, late: int) -> None:
    name, _ = STEPS[state]
    figures = Figures(figures_of(after(seconds, state)))
    assert (figures.timed(name), figures[f"{name}.late"]) == (1, late)
    told = figures.quantile(name, 0.5)
    assert told is not None
    assert abs(told / timedelta(seconds=seconds) - 1) < 0.05


@pytest.mark.parametrize(
    ("request_", "counted"),
    [
        (a_request(state=RequestState.UNKNOWN), {"profiles.unknown": 1}),
        (a_request(state=RequestState.REJECTED, answer=AnswerType.TOO_OFTEN), {"refusals.TOO_OFTEN": 1}),
        (a_request(state=RequestState.REJECTED, answer=AnswerType.ACCEPTED), {"refusals.the charger": 1}),
        (a_request(state=RequestState.REJECTED), {"refusals.the charger": 1}),
        (a_request(state=RequestState.SUPERSEDED), {}),
        (a_request(state=RequestState.CHARGER_ACCEPTED), {}),
        (after(1, RequestState.CHARGER_ACCEPTED, kind=RequestKind.GET), {}),
    ],
    ids=["unknown", "refused by the CPO", "refused by the charger", "refused before the answer came", "superseded",
         "taken, but never seen to be sent", "a question"],
)  # fmt: skip
def test_each_end_is_counted(request_: ProfileRequest, counted: Mapping[str, int]) -> None:
    assert figures_of(request_) == counted
