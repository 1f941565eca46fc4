"""Every error Offpeak raises on purpose, in one tree; the edge alone knows which status each becomes.

OffpeakError
├── UnparseableBody       the body is not JSON at all                      HTTP 400, OCPI 2001
├── NotAuthenticated      no credentials, or none we know                  HTTP 401, OCPI 2001
├── NotAllowed            credentials that we know, but not now            HTTP 403, OCPI 2000
├── MethodNotAllowed      credentials misuse (OCPI 2.2.1, 7.2.2)           HTTP 405, OCPI 2000
├── UnknownObject         nothing at this address for this partner         HTTP 404, OCPI 2000
├── AlreadyExists         what was to be made is there already             not OCPI: HTTP 409
├── BeingDone             the same request is being worked just now         not OCPI: HTTP 409
├── Erased                what was made was taken away since               not OCPI: HTTP 410
├── SecretReplaced        the secret that was made is another one by now   not OCPI: HTTP 409
├── InUse                 what was to be taken away is still needed        not OCPI: HTTP 409
├── OutOfDate             the caller changes what it has not seen          not OCPI: HTTP 412, 428
├── InvalidMessage        valid JSON that breaks a rule; names the field   HTTP 200, OCPI 2001
│   └── UnknownLocation   it concerns a Location that we do not know       HTTP 200, OCPI 2003
├── TokenRefused          no access token for this request                 OAuth2 error at HTTP 400 or 401
├── PeerUnusable          a partner's interface cannot be used; has the OCPI 3xxx code
│   └── PeerRefused       a partner answered our credentials with no; has its HTTP status
├── PeerUnavailable       a partner did not answer, or answered 5xx        worth a retry
├── QueueUnavailable      a queue did not take a message                   worth a retry
└── ConcurrentChange      somebody else wrote first                        worth a retry
"""

from __future__ import annotations

import re

OUR_ID = re.compile(r"[a-z]{3}_[A-Za-z0-9_-]{22}")
"""How ids are made that apps get from us."""


class OffpeakError(Exception):
    """Base of the tree. `retry` says whether the same call may succeed later, unchanged."""

    retry = False


class UnparseableBody(OffpeakError):
    """The request's body is not JSON."""


class NotAuthenticated(OffpeakError):
    """No credentials, or none that we know."""


class NotAllowed(OffpeakError):
    """We know who is calling, and that it may not: the partner is suspended."""


class MethodNotAllowed(OffpeakError):
    """The call does not fit the state of the registration (OCPI credentials module)."""


class UnknownObject(OffpeakError):
    """Nothing lives at this address, or nothing that this partner may see."""


def no_such(what: str, said: str) -> UnknownObject:
    """Return the error about something that an app asks for by an id.

    The id is repeated only where it is made like ours: what is said by mistake in its place, a name or the number of a
    card, gets into no log.
    """
    return UnknownObject(f"there is no {what} {said}" if OUR_ID.fullmatch(said) else f"there is no such {what}")


class AlreadyExists(OffpeakError):
    """What was to be made is there already."""


class BeingDone(OffpeakError):
    """The same request, by its Idempotency-Key, is being worked by another process."""

    retry = True


class Erased(OffpeakError):
    """What a request made was taken away since: by its maker, or together with the user whom it was about."""


class SecretReplaced(OffpeakError):
    """A request is sent again whose answer held a secret, and there is another one since."""


class InUse(OffpeakError):
    """Something else stands on what was to be taken away."""


class OutOfDate(OffpeakError):
    """The caller wants to change a version that is not the newest, or (`is_missing`) does not say which it has seen."""

    def __init__(self, problem: str, *, is_missing: bool = False) -> None:
        super().__init__(problem)
        self.is_missing = is_missing


class InvalidMessage(OffpeakError):
    """A well-formed message breaks a rule.

    `field` is the path of the offending value in the message (`charging_periods.0.start_date_time`).
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


class UnknownLocation(InvalidMessage):
    """A message concerns a Location that its partner has not told of."""


class TokenRefused(OffpeakError):
    """A request for an access token is not granted; `error` is one of RFC 6749, 5.2."""

    def __init__(self, error: str, problem: str) -> None:
        super().__init__(f"{error}: {problem}")
        self.error = error
        self.problem = problem


class PeerUnusable(OffpeakError):
    """A partner's interface cannot be used as it is; `ocpi_status` is 3001, 3002 or 3003."""

    def __init__(self, ocpi_status: int, problem: str) -> None:
        super().__init__(problem)
        self.ocpi_status = ocpi_status


class PeerRefused(PeerUnusable):
    """A partner will not have our credentials. `http_status` tells a token that it does not know (401) and a
    registration that it does not have, or has already (405), from all else."""

    def __init__(self, http_status: int, problem: str) -> None:
        super().__init__(3001, problem)
        self.http_status = http_status


class PeerUnavailable(OffpeakError):
    """A partner did not answer in time, refused the connection, or answered HTTP 5xx."""

    retry = True


class QueueUnavailable(OffpeakError):
    """A queue did not take a message. Whoever sends has a row that says the same, and a sweep behind it."""

    retry = True


class ConcurrentChange(OffpeakError):
    """A conditional write lost against another writer."""

    retry = True
