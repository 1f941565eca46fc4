"""All that a charge point operator may do wrong, to be ordered per simulator and per session."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Answer(StrEnum):
    """The synchronous answer to a charging profile call (OCPI 2.2.1, ChargingProfileResponseType)."""

    ACCEPTED = "ACCEPTED"
    NOT_SUPPORTED = "NOT_SUPPORTED"
    REJECTED = "REJECTED"
    TOO_OFTEN = "TOO_OFTEN"
    UNKNOWN_SESSION = "UNKNOWN_SESSION"


class Result(StrEnum):
    """What the charger said in the end (OCPI 2.2.1, ChargingProfileResultType)."""

    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    UNKNOWN = "UNKNOWN"


class ResultComes(StrEnum):
    """When the result is posted to the response URL."""

    AFTER_ANSWER = "AFTER_ANSWER"
    BEFORE_ANSWER = "BEFORE_ANSWER"
    """The answer waits until the result was taken."""
    LATE = "LATE"
    NEVER = "NEVER"


class CredentialsTrouble(StrEnum):
    """What goes wrong with the next POST, PUT or DELETE that Offpeak sends to the credentials interface."""

    DIES_BEFORE = "DIES_BEFORE"
    """The connection breaks; the CPO has not taken the credentials."""
    DIES_AFTER_CALL_BACK = "DIES_AFTER_CALL_BACK"
    """The CPO has called Offpeak's versions with the new token, and the connection breaks; it remembers nothing."""
    LOSES_ANSWER = "LOSES_ANSWER"
    """The CPO has taken the credentials, has the new token in force, and the connection breaks."""
    LOSES_ANSWER_AND_VOIDS = "LOSES_ANSWER_AND_VOIDS"
    """As before, and it no longer takes the token that Offpeak had until then."""
    REFUSES = "REFUSES"
    """The CPO answers 3001."""


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """What goes wrong. The defaults are a CPO that does everything right.

    Shares are chances from 0 to 1 for each pushed message, drawn from the simulator's seed. Simulated seconds pass
    with `advance`, real seconds by themselves.
    """

    lost: float = 0.0
    duplicated: float = 0.0
    reordered: float = 0.0
    """Sent right after the message that follows it."""
    late: float = 0.0
    late_by_s: int = 900
    """Simulated seconds."""

    answer: Answer | None = None
    """Answer this to every charging profile call, whatever the call."""
    too_often_within_s: int = 0
    """Answer TOO_OFTEN to a PUT so soon after the last one that was taken, simulated seconds."""
    http_status: int | None = None
    """Answer with this HTTP status instead; the call has no effect. 404 is another way to not know a session."""
    silent: bool = False
    """Accept the connection and never answer; the call has no effect."""
    slow_s: float = 0.0
    """Real seconds before the answer; the call takes effect even if nobody waits for it any more."""

    result_comes: ResultComes = ResultComes.AFTER_ANSWER
    result_late_by_s: int = 300
    """Simulated seconds, for LATE."""
    result: Result | None = None
    """Report this; only an ACCEPTED result changes what is in force at the charger."""
    result_times: int = 1
    """How often the same result is posted."""

    ignores_limit: bool = False
    """The charger accepts profiles and lets the car draw what it wants."""
    overrides_with_a: float | None = None
    """The charger accepts, then applies this current per phase instead, and pushes its ActiveChargingProfile."""

    calls: int | None = None
    """So many charging profile calls are treated so, then the CPO has mended its ways; None: all of them."""

    def __post_init__(self) -> None:
        for name in ("lost", "duplicated", "reordered", "late"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}: is a share from 0 to 1")


PERFECT = Misbehaviour()


class Orders:
    """Who misbehaves how: one order for all sessions, and orders for single sessions, which come first."""

    def __init__(self) -> None:
        self._for_all = PERFECT
        self._for_session: dict[str, Misbehaviour] = {}
        self._calls: dict[str | None, int] = {}
        self._credentials: list[CredentialsTrouble] = []

    def give(self, misbehaviour: Misbehaviour, session_id: str | None) -> None:
        """Order a behaviour from now on, for one session or (None) for all that have no order of their own."""
        if session_id is None:
            self._for_all = misbehaviour
        else:
            self._for_session[session_id.casefold()] = misbehaviour
        self._calls[session_id and session_id.casefold()] = 0

    def give_for_credentials(self, *trouble: CredentialsTrouble) -> None:
        """Order what goes wrong with each of the next calls on the credentials."""
        self._credentials = list(trouble)

    def for_credentials(self) -> CredentialsTrouble | None:
        """Return what goes wrong with this call on the credentials, and count it."""
        return self._credentials.pop(0) if self._credentials else None

    def for_push(self, session_id: str) -> Misbehaviour:
        return self._for_session.get(session_id.casefold(), self._for_all)

    def for_call(self, session_id: str) -> Misbehaviour:
        """Return how the next charging profile call is treated, and count it."""
        name = session_id.casefold() if session_id.casefold() in self._for_session else None
        ordered = self._for_all if name is None else self._for_session[name]
        self._calls[name] = self._calls.get(name, 0) + 1
        return ordered if ordered.calls is None or self._calls[name] <= ordered.calls else PERFECT
