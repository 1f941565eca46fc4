"""The keys that our access tokens are signed with, and how they follow each other. Pure.

A key is published for a day before it signs, so that whoever keeps our key set for some hours knows it in time; it
signs for about a month, and stays published until the last token that it signed has long ended. Nothing here happens at
a moment of its own: whoever looks after the keys, however rarely, finds what is due.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

TOKEN_LIFETIME = timedelta(days=14)
"""Of the access tokens that we give out."""

SIGNS_FOR = timedelta(days=30)
PUBLISHED_BEFORE = timedelta(days=1)
PUBLISHED_AFTER = TOKEN_LIFETIME + timedelta(days=2)
"""Counted from when the successor begins to sign; partners are promised fifteen days."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key pair. `private` is its private half, encrypted; None once the key signs no more."""

    kid: str
    public: Mapping[str, str]
    """As a JSON Web Key (RFC 7517)."""
    private: str | None
    made_at: datetime


Keys = tuple[SigningKey, ...]
"""In the order in which they were made."""


def signing(keys: Keys, now: datetime) -> SigningKey | None:
    """Return the key that signs now: the newest that has been published for long enough, else the oldest."""
    known = [key for key in keys if key.made_at + PUBLISHED_BEFORE <= now]
    return known[-1] if known else next(iter(keys), None)


def looked_after(keys: Keys, now: datetime, make: Callable[[], SigningKey]) -> Keys:
    """Return the keys as they should be now: with a successor where it is time for one, without private halves that
    are needed no more, without keys whose last token has ended. The same keys where nothing is due."""
    signer = signing(keys, now)
    if signer is None:
        return (make(),)
    kept = tuple(
        key if key.made_at >= signer.made_at or key.private is None else replace(key, private=None)
        for key, successor in zip(keys, (*keys[1:], None), strict=True)
        if successor is None or now < successor.made_at + PUBLISHED_BEFORE + PUBLISHED_AFTER
    )
    is_due = now >= keys[-1].made_at + SIGNS_FOR - PUBLISHED_BEFORE
    return (*kept, make()) if is_due else kept
