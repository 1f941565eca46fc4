"""What a CPO's answer to a charging profile request means. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from offpeak.errors import InvalidMessage, PeerUnavailable, PeerUnusable
from offpeak.ocpi.chargingprofiles import read_answer
from offpeak.ocpi.client import OcpiAnswer
from offpeak.ocpi.envelope import Status
from offpeak.ocpi.profile_types import AnswerType

LONGEST_TIMEOUT_S = 3600
"""Nobody waits longer for a result, whatever a peer says."""


@dataclass(frozen=True, slots=True)
class Understood:
    """`timeout` is how long the result may take, None where the peer does not say."""

    answer: AnswerType
    timeout: timedelta | None = None
    detail: str | None = None


def understand(said: OcpiAnswer) -> Understood:
    """Return what an answer means (CONFORMANCE P3, P10).

    A result in the data counts whatever the status says. Without one, 404 is a session that the CPO does not know and
    429 a request too many; other refusals are final. Raises PeerUnavailable for a server error inside the envelope,
    which may pass, and PeerUnusable for a success without a readable result.
    """
    problem = f"HTTP {said.http_status}, OCPI {said.ocpi_status}" + (f": {said.message}" if said.message else "")
    try:
        answer = read_answer(said.data)
    except InvalidMessage as error:
        if said.is_success:
            raise PeerUnusable(Status.PEER_UNUSABLE, f"the answer has no result: {error}") from error
    else:
        if said.is_success or answer.answer is not AnswerType.ACCEPTED:
            timeout_s = None if answer.timeout_s is None else min(answer.timeout_s, LONGEST_TIMEOUT_S)
            timeout = None if timeout_s is None else timedelta(seconds=timeout_s)
            return Understood(answer.answer, timeout, None if said.is_success else problem)
    if said.http_status == 404:
        return Understood(AnswerType.UNKNOWN_SESSION, detail=problem)
    if said.http_status == 429:
        return Understood(AnswerType.TOO_OFTEN, detail=problem)
    if said.ocpi_status is not None and said.ocpi_status >= Status.SERVER_ERROR:
        raise PeerUnavailable(problem)
    return Understood(AnswerType.REJECTED, detail=problem)
