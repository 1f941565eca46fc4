"""What becomes of a charging profile, and how soon: counters for a partner's figures of the day. Pure."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from offpeak.ocpi.profile_types import AnswerType
from offpeak.partners.figures import timing
from offpeak.profiles.model import ProfileRequest, RequestKind, RequestState, Step

WITHIN = timedelta(seconds=10)
"""What a CPO is held to, from our request to the charger's result."""

STEPS = {
    RequestState.CPO_ACCEPTED: ("answer", Step.ANSWERED),
    RequestState.CHARGER_ACCEPTED: ("result", Step.CONFIRMED),
    RequestState.OBSERVED: ("observed", Step.OBSERVED),
}


def figures_of(request: ProfileRequest) -> Counter[str]:
    """Return the counters of a request that has just come into its present state."""
    if request.kind is RequestKind.GET:
        return Counter()
    match request.state:
        case RequestState.UNKNOWN:
            return Counter({"profiles.unknown": 1})
        case RequestState.REJECTED:
            by_cpo = request.answer not in (None, AnswerType.ACCEPTED)
            return Counter({f"refusals.{request.answer.value if by_cpo and request.answer else 'the charger'}": 1})
        case RequestState.CPO_ACCEPTED | RequestState.CHARGER_ACCEPTED | RequestState.OBSERVED:
            name, step = STEPS[request.state]
            if Step.SENT not in request.steps or step not in request.steps:
                return Counter()
            return timing(name, request.steps[step] - request.steps[Step.SENT], late_after=WITHIN)
    return Counter()
