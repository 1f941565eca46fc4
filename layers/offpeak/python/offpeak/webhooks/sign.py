"""How a delivery is signed: HMAC-SHA256 over the time and the body, so that nobody else can send one, or the same one
again later. Pure.

    Offpeak-Signature: t=1767225600,v1=5257a869...,v1=0c1d2e3f...

`t` is when it was sent, in seconds since 1970. Each `v1` is the hexadecimal HMAC-SHA256, under one secret, of the
text "{t}.{body}"; there are two while a secret is being replaced.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence

SIGNATURE = "Offpeak-Signature"
TOLERANCE_S = 300
"""How old a delivery may be for its receiver to take it."""


def signature(secrets: Sequence[str], body: bytes, at_s: int) -> str:
    """Return the header's value for a body that is sent at `at_s`."""
    return ",".join([f"t={at_s}", *(f"v1={_mac(secret, body, at_s)}" for secret in secrets)])


def is_genuine(header: str, secret: str, body: bytes, now_s: float) -> bool:
    """Say whether `header` is what we send with `body`, now or up to five minutes ago: what a receiver must check."""
    parts = [part.partition("=") for part in header.split(",")]
    times = [value for name, _, value in parts if name == "t"]
    if len(times) != 1 or not times[0].isdecimal() or not times[0].isascii() or len(times[0]) > 12:
        return False
    at_s = int(times[0])
    expected = _mac(secret, body, at_s).encode()
    matches = [hmac.compare_digest(expected, value.encode()) for name, _, value in parts if name == "v1"]
    return any(matches) and abs(now_s - at_s) <= TOLERANCE_S


def _mac(secret: str, body: bytes, at_s: int) -> str:
    return hmac.digest(secret.encode(), b"%d.%b" % (at_s, body), "sha256").hex()
