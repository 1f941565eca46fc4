"""What there is to say of one method of one route."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from offpeak.errors import InvalidMessage, UnparseableBody

READS = (UnparseableBody, InvalidMessage)
"""What every body can be refused for."""


@dataclass(frozen=True, slots=True)
class Operation:
    """`data` is what the answer holds: in OCPI's envelope, for operators and apps as it is. `required` are fields of
    the body, `given` fields of the answer, beside those that their models always demand."""

    summary: str
    data: Any = None
    body: Any = None
    required: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    raises: tuple[type[Exception], ...] = ()
    may_create: bool = False
    """Whether the answer may be 201 beside 200; operators and apps get 201 alone."""
    body_is_optional: bool = False
    pages: bool = False
    """Whether the query may ask for a page."""
    needs_revision: bool = False
    text: str = ""
    gives: int | None = None
    """The HTTP status of the answer, where it is neither 200 nor told by `may_create`."""
    may_repeat: bool = False
    """Whether an Idempotency-Key makes sure that the request is done once, however often it is sent."""
