"""A stored tariff as the OCPI object that GET answers, in either version."""

from __future__ import annotations

from offpeak.ocpi.merging import Merged
from offpeak.ocpi.tariffs import TariffObject, written_in
from offpeak.ocpi.wire_json import JsonValue


def tariff_object(merged: Merged, version: str) -> dict[str, JsonValue]:
    """Return the Tariff object as a version writes it."""
    said = {name: written_in(version, name, merged.value(name)) for name in TariffObject.model_fields}
    return {name: value for name, value in said.items() if value is not None}
