"""What the profile of a request was made for, and what that makes of a partner's settings. Pure."""

from __future__ import annotations

from dataclasses import replace

from offpeak.partners.model import PlanningDefaults
from offpeak.profiles.model import ProfileRequest


def as_planned(planning: PlanningDefaults, request: ProfileRequest) -> PlanningDefaults:
    """Return the partner's settings as they were fitted when the request was planned: by them its amperes are watts."""
    circuit = request.circuit
    if circuit is None:
        return planning
    return replace(planning, phases=circuit.phases, voltage_v=circuit.voltage_v, max_power_w=circuit.max_power_w)
