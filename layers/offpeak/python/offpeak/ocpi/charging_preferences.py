"""Charging preferences on the wire: what we tell a CPO that the driver wants, and what it answers (OCPI 2.2.1, 9.3.2).

The answer's data is a bare string; an EVSE that cannot take preferences is HTTP 404 with 2001 (CONFORMANCE S7).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from offpeak.errors import PeerUnusable
from offpeak.ocpi.chargingprofiles import session_address
from offpeak.ocpi.client import OcpiAnswer
from offpeak.ocpi.envelope import Status


class ProfileType(StrEnum):
    """OCPI 2.2.1, 9.4.4."""

    CHEAP = "CHEAP"
    FAST = "FAST"
    GREEN = "GREEN"
    REGULAR = "REGULAR"


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the driver wants. A CPO may ask for the departure or the energy where they are not told."""

    profile_type: ProfileType
    departure_at: datetime | None = None
    energy_need_kwh: Decimal | None = None
    discharge_allowed: bool | None = None


class PreferencesAnswer(StrEnum):
    """ChargingPreferencesResponse (OCPI 2.2.1, 9.4.3), and the two ways in which there is none."""

    ACCEPTED = "ACCEPTED"
    DEPARTURE_REQUIRED = "DEPARTURE_REQUIRED"
    ENERGY_NEED_REQUIRED = "ENERGY_NEED_REQUIRED"
    NOT_POSSIBLE = "NOT_POSSIBLE"
    PROFILE_TYPE_NOT_SUPPORTED = "PROFILE_TYPE_NOT_SUPPORTED"
    NOT_CAPABLE = "NOT_CAPABLE"
    """The EVSE takes no preferences."""
    UNKNOWN_SESSION = "UNKNOWN_SESSION"


def preferences_address(endpoint: str, session_id: str) -> str:
    """Return where a session's preferences are PUT, below a sessions endpoint that may or may not end in a slash."""
    return f"{session_address(endpoint, session_id)}/charging_preferences"


def preferences_object(preferences: Preferences) -> dict[str, object]:
    """Return the ChargingPreferences object; what is not told is left out."""
    told: dict[str, object | None] = {
        "profile_type": preferences.profile_type.value,
        "departure_time": preferences.departure_at,
        "energy_need": preferences.energy_need_kwh,
        "discharge_allowed": preferences.discharge_allowed,
    }
    return {name: value for name, value in told.items() if value is not None}


def read_preferences_answer(answer: OcpiAnswer) -> PreferencesAnswer:
    """Read what a CPO answered; some put the word into an object, as charging profiles do. Raises PeerUnusable."""
    if answer.http_status == 404:
        is_capability = answer.ocpi_status == Status.INVALID_PARAMETERS
        return PreferencesAnswer.NOT_CAPABLE if is_capability else PreferencesAnswer.UNKNOWN_SESSION
    said = answer.data.get("result") if isinstance(answer.data, dict) else answer.data
    word = said.strip().upper() if isinstance(said, str) else ""
    if answer.is_success and word in PreferencesAnswer.__members__:
        return PreferencesAnswer(word)
    problem = answer.message or f"HTTP {answer.http_status}, data {str(answer.data)[:80]!r}"
    raise PeerUnusable(answer.ocpi_status or Status.PEER_UNUSABLE, f"the CPO did not take the preferences: {problem}")
