"""Where a partner takes charging profiles, and where it sends their results (OCPI 2.2.1, 14.2)."""

from __future__ import annotations

from offpeak.ocpi.paths import CHARGING_PROFILES_PATH
from offpeak.partners.model import Partner
from offpeak.profiles.model import ProfileRequest


def receiver_of(partner: Partner) -> str | None:
    """Return the address of a partner's charging profiles receiver; None where it has none, has left, or is
    suspended."""
    if not partner.is_registered:
        return None
    return partner.endpoint("chargingprofiles", "RECEIVER")


def response_url(base_url: str, request: ProfileRequest, version: str) -> str:
    """Return where the result of a request is to be sent, in the partner's version.

    It alone says which request a result belongs to, and of what kind it is (CONFORMANCE P1); it is unguessable and has
    less than 255 characters (T15).
    """
    ours = base_url + CHARGING_PROFILES_PATH.format(version=version)
    return f"{ours}/results/{request.kind.value}/{request.request_id}"
