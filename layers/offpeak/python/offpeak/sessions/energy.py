"""How much a session has delivered, and how full the battery is, as far as the partner says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

from offpeak.instants import hours
from offpeak.sessions.model import ChargingPeriod, Session

IMPOSSIBLE_KW = Decimal(1000)
"""A mean power that no car draws: what claims it counts in Wh where kWh are meant (CONFORMANCE S3)."""
IMPOSSIBLE_KWH = Decimal(1000)
"""More than any battery holds. Over a long night of holding the car back, the mean power alone would not tell."""
SHORTEST = timedelta(minutes=5)

CUMULATIVE_AFTER = 4
"""So many volumes, each greater than the one before, are meter readings and not amounts: charging power does not
grow from period to period for that long."""


class EnergySource(StrEnum):
    """Where a figure came from, in order of precedence."""

    KWH = "kwh"
    ENERGY = "ENERGY"
    IMPORT_EXPORT = "ENERGY_IMPORT - ENERGY_EXPORT"


@dataclass(frozen=True, slots=True)
class Delivered:
    """Energy that went through the meter so far. `was_wh` and `was_cumulative` say how it had to be read."""

    kwh: Decimal
    source: EnergySource
    was_wh: bool = False
    was_cumulative: bool = False


def delivered(session: Session) -> Delivered:
    """Return the energy delivered so far: `kwh` where it says something, else the summed ENERGY of the charging
    periods, else IMPORT less EXPORT.

    `kwh` may stay 0 for a whole session (CONFORMANCE S3), so 0 counts as silence where another source speaks.
    """
    ended_at = session.end_at or session.last_updated
    found = _by_precedence(session)
    most_kwh = min(IMPOSSIBLE_KWH, IMPOSSIBLE_KW * hours(max(ended_at - session.start_at, SHORTEST)))
    if found.kwh > most_kwh:
        return Delivered(found.kwh / 1000, found.source, was_wh=True, was_cumulative=found.was_cumulative)
    return found


def state_of_charge(session: Session) -> Decimal | None:
    """Return the newest STATE_OF_CHARGE as a fraction from 0 to 1, or None where the session never said it."""
    for period in reversed(session.periods):
        percent = period.dimensions.get("STATE_OF_CHARGE")
        if percent is not None:
            return percent / 100
    return None


def mean_power_w(session: Session, place: int) -> Decimal | None:
    """Return the mean power in the period at `place`, watts: POWER, else the middle of MIN_ and MAX_POWER, else
    ENERGY over the period's time. None where the period tells nothing. Negative while the car feeds the grid."""
    period = session.periods[place]
    said = period.dimensions
    if "POWER" in said:
        return said["POWER"] * 1000
    bounds = [said[name] for name in ("MIN_POWER", "MAX_POWER") if name in said]
    if bounds:
        return sum(bounds, Decimal(0)) / len(bounds) * 1000
    duration = _end_of(session, place) - period.start_at
    if duration <= timedelta(0):
        return None
    amounts, _ = _amounts(session.periods, "ENERGY")
    if period.start_at not in amounts:
        return None
    power_w = amounts[period.start_at] * 1000 / hours(duration)
    return power_w / 1000 if power_w > IMPOSSIBLE_KW * 1000 else power_w


def _end_of(session: Session, place: int) -> datetime:
    """A period lasts until the next one starts; how long the newest lasted so far, `last_updated` tells."""
    if place + 1 < len(session.periods):
        return session.periods[place + 1].start_at
    return session.end_at or session.last_updated


def _by_precedence(session: Session) -> Delivered:
    if session.kwh > 0:
        return Delivered(session.kwh, EnergySource.KWH)
    energy, was_cumulative = _total(session.periods, "ENERGY")
    if energy is not None and energy > 0:
        return Delivered(energy, EnergySource.ENERGY, was_cumulative=was_cumulative)
    imported, was_cumulative = _total(session.periods, "ENERGY_IMPORT")
    if imported is not None:
        exported, _ = _total(session.periods, "ENERGY_EXPORT")
        net = max(imported - (exported or Decimal(0)), Decimal(0))
        return Delivered(net, EnergySource.IMPORT_EXPORT, was_cumulative=was_cumulative)
    return Delivered(Decimal(0), EnergySource.KWH if energy is None else EnergySource.ENERGY)


def _total(periods: Sequence[ChargingPeriod], dimension: str) -> tuple[Decimal | None, bool]:
    amounts, was_cumulative = _amounts(periods, dimension)
    return (sum(amounts.values(), Decimal(0)) if amounts else None), was_cumulative


def _amounts(periods: Sequence[ChargingPeriod], dimension: str) -> tuple[dict[datetime, Decimal], bool]:
    """Return each period's own amount by its start, and whether the sender wrote running totals instead."""
    said = {each.start_at: each.dimensions[dimension] for each in periods if dimension in each.dimensions}
    volumes = list(said.values())
    if len(volumes) >= CUMULATIVE_AFTER and all(later > earlier for earlier, later in pairwise(volumes)):
        steps = [volumes[0], *(later - earlier for earlier, later in pairwise(volumes))]
        return dict(zip(said, steps, strict=True)), True
    return said, False
