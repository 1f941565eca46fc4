"""What past visits tell of one that has just begun: pure. A visit is a car at a charger, from plug-in to plug-out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from math import exp, log
from zoneinfo import ZoneInfo

from offpeak.planning.outlook import Chance, Chances, Outlook

NEWEST = 120
"""Visits of a charger that count, its newest: four months of daily ones."""

DAY = timedelta(days=1)

HOUR_OF_DAY_MIN, ANY_HOUR_MIN, ANY_HOUR = 60.0, 240.0, 0.01
"""A visit counts by how near to this one's its time of plug-in is: a bell of an hour, on a low one of four."""
OTHER_KIND_OF_DAY = 0.5
"""What a visit before a working day counts for one before a day off, and the other way round."""
NEXT_DAY_FROM_H = 13
"""From this local hour on, it is tomorrow that decides when a car leaves."""
HALF_AFTER_DAYS, NEVER_LESS = 90.0, 0.05
"""A visit counts half as much after so many days, and never less than so much of a new one."""
OTHER_USER = 0.15
"""What another user's visit at the same charger counts, where both are known."""
OTHERS = 0.5
"""All visits of other chargers together count as so many of this one's, made at this very time: enough while a charger
is new, and a small chance of the unusual later."""
INDEPENDENCE = 0.7
BLUR_SHARE, BLUR, BLURRED_UP_TO = 0.1, timedelta(minutes=10), timedelta(hours=10)
"""A departure is spread by a tenth of the stay (of ten hours at most) and ten minutes more, or few visits would pretend
to a precision that they do not have."""
SPREAD = ((-1.5, 0.15), (-0.5, 0.35), (0.5, 0.35), (1.5, 0.15))
RARE_STAYS_H, RARE_NEEDS_KWH = (0.5, 1, 1.5, 2, 3, 4, 6, 8, 11, 14), (4.0, 12.0, 30.0)
RARE, RARE_SHARE = 0.1, 0.01
"""Anything may happen that nobody has seen here yet: such stays and needs count as so many visits together, but as such
a share of all at least. A few visits that were alike would else promise that none is ever different."""
MOST_PICKED = 5
"""Of the visits that needed more than a cut one about so many stand for all."""
ALIKE = 0.25
"""From this weight on a visit began at such a time on such a day."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit that is over. `user` is an opaque mark of who came, "" where that is not known.

    `is_cut` says that the car may have wanted more than `kwh`: it left before it was done while a plan held it back.
    """

    arrived_at: datetime
    left_at: datetime
    kwh: float
    user: str = ""
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class Arrival:
    """The visit that has begun."""

    at: datetime
    time_zone: str
    user: str = ""


def outlook(
    arrival: Arrival,
    own: Sequence[Visit],
    others: Sequence[Visit],
    *,
    miss_eur: float,
) -> Outlook | None:
    """Return what may come of a visit that begins, or None where no visit is known.

    `own` are visits at this charger, `others` some at other chargers of the same partner. Only those count that were
    over when this one began.
    """
    zone = ZoneInfo(arrival.time_zone)
    here = [each for each in own if each.left_at <= arrival.at][-NEWEST:]
    there = [each for each in others if each.left_at <= arrival.at]
    weighed = [(each, likeness(each, arrival, zone)) for each in here]
    foreign = [(each, likeness(each, arrival, zone)) for each in there]
    together = sum(weight for _, weight in foreign)
    share = min(OTHERS, together) / together if together > 0 else 0.0
    chances = _chances([*weighed, *((each, weight * share) for each, weight in foreign)], arrival.at)
    if not chances:
        return None
    alike = sum(1 for _, weight in weighed if weight >= ALIKE)
    return Outlook(chances, miss_eur, independence=INDEPENDENCE, visits=len(here), alike=alike)


def likeness(visit: Visit, arrival: Arrival, zone: tzinfo) -> float:
    """Return how much a past visit counts for one that has just begun, 0 to about 1."""
    then, now = visit.arrived_at.astimezone(zone), arrival.at.astimezone(zone)
    apart_min = abs(then.hour * 60 + then.minute - now.hour * 60 - now.minute)
    apart_min = min(apart_min, 24 * 60 - apart_min)
    weight = _bell(apart_min / HOUR_OF_DAY_MIN) + ANY_HOUR * _bell(apart_min / ANY_HOUR_MIN)
    if is_before_work(then) != is_before_work(now):
        weight *= OTHER_KIND_OF_DAY
    if visit.user and arrival.user and visit.user != arrival.user:
        weight *= OTHER_USER
    age_days: float = (arrival.at - visit.arrived_at) / DAY
    return weight * (NEVER_LESS + exp(-log(2) * age_days / HALF_AFTER_DAYS))


def is_before_work(local: datetime) -> bool:
    """Say whether the day that decides when a car leaves is a working day: today, or in the afternoon tomorrow."""
    return (local.weekday() + (local.hour >= NEXT_DAY_FROM_H)) % 7 < 5


def _bell(apart: float) -> float:
    return exp(-0.5 * apart * apart)


def _chances(weighed: Iterable[tuple[Visit, float]], arrived_at: datetime) -> Chances:
    """Return visits as they would go if they began now, their departures spread, weights adding up to 1."""
    counted = [(visit, weight) for visit, weight in weighed if weight > 0]
    seen = sum(weight for _, weight in counted)
    if seen <= 0:
        return Chances()
    rare = max(RARE, RARE_SHARE * seen)
    total = seen + rare
    each_rare = rare / total / (len(RARE_STAYS_H) * len(RARE_NEEDS_KWH))
    chances = [
        Chance(arrived_at + timedelta(hours=stay_h), kwh, each_rare)
        for stay_h in RARE_STAYS_H
        for kwh in RARE_NEEDS_KWH
    ]
    for visit, kwh, weight in _uncut(counted):
        stay = visit.left_at - visit.arrived_at
        blur = BLUR_SHARE * min(stay, BLURRED_UP_TO) + BLUR
        for widths, share in SPREAD:
            at = arrived_at + stay + widths * blur
            chances.append(Chance(at, kwh, weight * share / total))
    return Chances(chances)


def _uncut(counted: Sequence[tuple[Visit, float]]) -> list[tuple[Visit, float, float]]:
    """Return (visit, need, weight), where needs that are not known whole are taken from visits that needed more.

    Whose need was cut at 5 kWh needed what others did who needed more than 5: its weight goes to their needs. Otherwise
    plans that fell short would teach that little is needed. (Kaplan and Meier's rule: redistribute to the right.)
    """
    whole = sorted((visit.kwh, weight) for visit, weight in counted if not visit.is_cut)
    found = []
    for visit, weight in counted:
        more = [each for each in whole if each[0] > visit.kwh] if visit.is_cut else []
        picked = more[len(more) // (2 * MOST_PICKED) :: max(1, len(more) // MOST_PICKED)]
        likely = sum(other for _, other in picked)
        found += [(visit, kwh, weight * other / likely) for kwh, other in picked] or [(visit, visit.kwh, weight)]
    return found
