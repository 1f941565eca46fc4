"""The words of the charging profiles module, free of any library, so that models may use them."""

from __future__ import annotations

from enum import StrEnum


class AnswerType(StrEnum):
    """ChargingProfileResponseType: what a CPO says at once (OCPI 2.2.1, 14.4.6)."""

    ACCEPTED = "ACCEPTED"
    NOT_SUPPORTED = "NOT_SUPPORTED"
    REJECTED = "REJECTED"
    TOO_OFTEN = "TOO_OFTEN"
    UNKNOWN_SESSION = "UNKNOWN_SESSION"


class ResultType(StrEnum):
    """ChargingProfileResultType: what became of it at the charger (OCPI 2.2.1, 14.4.7)."""

    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    UNKNOWN = "UNKNOWN"
