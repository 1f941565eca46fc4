"""Cars for a night: made up from a seed, or as recorded sessions had them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from local.car import Car, Visit
from local.recorded import LaidSession

CHARGERS = ((1, 32.0), (3, 16.0), (3, 32.0))
"""Phases and amperes of the usual AC chargers, weakest first."""
VOLTAGE_V = 230
ROOM = 1.05
"""So much stronger than a recorded session's mean power its charger must be."""
TARGET_SOC, EFFICIENCY = 0.8, 0.9


def overnight_visits(
    count: int, evening: date, seed: int, time_zone: str = "Europe/Berlin", *, prefix: str = "NIGHT"
) -> tuple[Visit, ...]:
    """Make up `count` cars that come home on `evening` and leave the next morning, by arrival.

    Most arrive around 18:30 and leave around 7:35 local time; most charge on three phases at 11 kW, the rest on one
    at 7.4. The same seed makes the same cars.
    """
    random = Random(seed)
    zone = ZoneInfo(time_zone)
    visits = []
    for number in range(count):
        arrives_at = _around(random, evening, time(18, 30), 85, zone)
        leaves_at = _around(random, evening + timedelta(days=1), time(7, 35), 30, zone)
        phases, amperes = random.choices([(3, 16.0), (1, 32.0)], weights=[7, 3])[0]
        soc = round(min(max(random.gauss(0.42, 0.15), 0.08), 0.75), 3)
        car = Car(
            battery_kwh=random.choice([42.0, 52.0, 58.0, 64.0, 77.0, 82.0]),
            soc=soc,
            target_soc=random.choices([0.8, 0.9, 1.0], weights=[6, 2, 2])[0],
            max_current_a=amperes,
            phases=phases,
        )
        visits.append(Visit(f"{prefix}-{number + 1:04d}", f"EVSE-{number + 1:04d}", car, arrives_at, leaves_at))
    return tuple(sorted(visits, key=lambda visit: visit.arrives_at))


def recorded_visits(sessions: Sequence[LaidSession]) -> tuple[Visit, ...]:
    """Return a car for each recorded session that wants exactly the recorded energy, at a charger that could have
    delivered it. The battery is so large that it never tapers: what the recorded car could do is in its record."""
    return tuple(_recorded_visit(session) for session in sessions)


def charger_of(session: LaidSession, *, least_w: float = 0.0) -> tuple[int, float]:
    """Return phases and amperes of the weakest charger, of at least `least_w`, that could have delivered the energy."""
    mean_w = float(session.kwh) * 1000 / ((session.leaves_at - session.arrives_at) / timedelta(hours=1))
    strong = max(least_w, mean_w * ROOM)
    return next((each for each in CHARGERS if each[0] * each[1] * VOLTAGE_V >= strong), CHARGERS[-1])


def _recorded_visit(session: LaidSession) -> Visit:
    kwh = float(session.kwh)
    phases, amperes = charger_of(session)
    at_the_battery_kwh = kwh * EFFICIENCY
    battery_kwh = max(60.0, math.ceil(at_the_battery_kwh / (TARGET_SOC - 0.05)))
    car = Car(
        battery_kwh=battery_kwh,
        soc=TARGET_SOC - at_the_battery_kwh / battery_kwh,
        target_soc=TARGET_SOC,
        max_current_a=amperes,
        phases=phases,
        efficiency=EFFICIENCY,
    )
    return Visit(
        f"REC-{session.session_id}"[:36], f"EVSE-{session.session_id}"[:36], car, session.arrives_at, session.leaves_at
    )


def _around(random: Random, day: date, local: time, spread_min: float, zone: ZoneInfo) -> datetime:
    """Return an instant around a local time, to the minute, within two and a half spreads of it."""
    off_min = round(min(max(random.gauss(0, spread_min), -2.5 * spread_min), 2.5 * spread_min))
    return (datetime.combine(day, local, zone) + timedelta(minutes=off_min)).astimezone(UTC)
