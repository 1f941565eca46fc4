"""A CPO that is down or does not answer: bounded tries, a visible state, and nobody else is held up."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from offpeak.profiles.model import ProfileRequest, RequestState, Step
from tests.e2e.partner import Partner
from tests.e2e.scene import Scene

TRIES = 4


def received_to_sent_s(request: ProfileRequest) -> float:
    return (request.steps[Step.SENT] - request.steps[Step.RECEIVED]).total_seconds()


def has_waited(partner: Partner, tries: int) -> bool:
    """Say whether so many calls have been waited for in vain."""
    if not partner.is_planned("S1"):
        return False
    request = partner.newest("S1")
    return request.attempts == tries and request.claimed_until is None


def test_a_cpo_that_never_answers_is_called_a_few_times_and_then_its_state_is_unknown(scene: Scene) -> None:
    partner = scene.partner()
    partner.misbehave(silent=True)
    partner.plug_in("S1")
    assert scene.eventually(lambda: has_waited(partner, 1))
    for tries in range(2, TRIES + 1):
        assert partner.newest("S1").state is RequestState.REQUESTED
        scene.later(seconds=100)
        scene.cloud.invoke("sweep_sessions")
        assert scene.eventually(lambda: has_waited(partner, tries)), f"try {tries}"  # noqa: B023
    request = partner.newest("S1")
    assert (request.state, request.detail) == (RequestState.UNKNOWN, "no answer within 3 s")
    assert len(partner.profile_calls("S1")) == TRIES

    partner.misbehave()
    scene.later(minutes=2)
    scene.cloud.invoke("sweep_sessions")
    assert scene.eventually(lambda: partner.is_confirmed("S1")), "it is tried again when it was left alone for a while"


def test_a_broken_circuit_lets_nobody_through_and_closes_when_the_cpo_recovers(scene: Scene) -> None:
    partner = scene.partner()
    partner.misbehave(http_status=503)
    ids = ["S1", "S2", "S3", "S4", "S5"]
    partner.plug_in(*ids)
    assert scene.eventually(lambda: partner.gate()["failures"] >= 5)
    assert scene.eventually(lambda: not partner.gate()["leases"]), "calls that were let in before have ended"
    calls, open_until_s = len(partner.cpo.profile_calls), float(partner.gate()["open_until_s"])
    partner.misbehave()

    assert scene.eventually(lambda: all(map(partner.is_confirmed, ids)), within_s=60)
    probed_at = partner.cpo.profile_calls[calls].received_at.timestamp()
    assert probed_at >= open_until_s, "before that nobody called"
    assert partner.gate()["failures"] == 0


def test_one_cpos_500_silent_sessions_do_not_slow_anothers_profiles(scene: Scene) -> None:
    """Received to sent: before, and while the sessions of the silent one wait, are let through, fail and wait again."""
    silent, other = scene.partner(), scene.partner()
    plug_in_one_by_one(scene, other, ["warm-1", "warm-2", "warm-3"])
    before = plug_in_one_by_one(scene, other, [f"before-{n}" for n in range(12)])

    ids = [f"S{n}" for n in range(500)]
    silent.misbehave(silent=True)
    silent.plug_in(*ids)
    assert scene.eventually(lambda: not scene.cloud.messages_in("plan"), within_s=300)
    meanwhile = plug_in_one_by_one(scene, other, [f"meanwhile-{n}" for n in range(12)])

    assert silent.gate()["failures"] > 0
    assert scene.cloud.messages_in("send") > 400, "the silent one's sessions are all still waiting"
    assert median(meanwhile) < 3 * median(before) + 0.1, (before, meanwhile)
    states = {silent.newest(each).state for each in ids}
    assert states <= {RequestState.REQUESTED, RequestState.UNKNOWN}, "each of them is to be seen"


def plug_in_one_by_one(scene: Scene, partner: Partner, session_ids: Sequence[str]) -> list[float]:
    """Return how long each session's profile took from its message to its sending, in seconds."""
    for each in session_ids:
        partner.plug_in(each)
        assert scene.eventually(lambda: partner.is_confirmed(each))  # noqa: B023
    return [received_to_sent_s(partner.newest(each)) for each in session_ids]
