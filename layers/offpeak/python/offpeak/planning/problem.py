"""The problem of one session as numbers: seconds from now, prices, room and levels to reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from math import ceil, inf
from typing import NamedTuple

from offpeak.planning.situation import PowerCap, PricedSlot, Situation


@dataclass(frozen=True, slots=True)
class Problem:
    """Slot t runs from `edges_s[t]` to `edges_s[t + 1]`, seconds after `start_at`; the last edge is the departure.

    A kWh counts as `prices[t]` EUR in it and costs `money[t]`. It holds up to `room[t]` kWh, drawn at `draw_kw[t]`
    while `granted_w[t]` is allowed: all three are 0 where there is less power than a car charges at. The car charges
    until `at_once_s`, an edge, whatever that costs. `milestones` are (number of slots, kWh to have drawn in them),
    ascending. `max_power_w` is the most that is ever granted. `target_kwh` is what a plan draws so that `need_kwh` is
    met: a known need ends in a pause, and what the car then lacks it would get no more. `most_kwh` is the most to draw
    where that pays. `forecast_from_s` is where the first price begins that is not published; `is_priced` is False when
    no price is known at all.
    """

    start_at: datetime
    edges_s: list[int]
    prices: list[float]
    money: list[float]
    room: list[float]
    draw_kw: list[float]
    granted_w: list[float]
    max_power_w: float
    need_kwh: float
    target_kwh: float
    at_once_s: int
    milestones: list[tuple[int, float]]
    most_kwh: float
    forecast_from_s: int | None
    is_priced: bool


def pose(situation: Situation) -> Problem:
    """Cut the time from now to departure into slots, where prices or caps change and wherever a level is due.

    Now and departure count in whole seconds, cut: the periods of a charging profile begin at whole seconds of it.
    """
    start_at = situation.now.replace(microsecond=0)
    end_s = max(0, seconds_after(start_at, situation.departure_at))
    levels = sorted((seconds_after(start_at, each.at), max(0.0, each.kwh)) for each in situation.milestones)
    minimum = max(0.0, situation.minimum_now_kwh)
    need = max(0.0, situation.need_kwh, minimum, *(kwh for _, kwh in levels))
    reserve = situation.calm.energy_kwh if situation.need_is_known and need > situation.calm.energy_kwh else 0.0
    spans, is_priced = _priced(start_at, end_s, situation.slots)
    caps = caps_in_seconds(start_at, situation.caps)
    pieces = _cut(spans, {*(at_s for at_s, _ in levels), *(at_s for start, end, _ in caps for at_s in (start, end))})
    granted = [granted_w(situation, least_cap_w(caps, start, end)) for start, end, _ in pieces]
    at_once_s = _at_once_s(situation, pieces, [_drawn_kw(situation, each) for each in granted], minimum, need + reserve)
    pieces = _cut(pieces, {at_once_s})
    granted = [granted_w(situation, least_cap_w(caps, start, end)) for start, end, _ in pieces]
    draw_kw = [_drawn_kw(situation, each) for each in granted]
    return Problem(
        start_at=start_at,
        edges_s=[0, *(end for _, end, _ in pieces)],
        prices=[price.planned for _, _, price in pieces],
        money=[price.told for _, _, price in pieces],
        room=[kw * (end - start) / 3600 for kw, (start, end, _) in zip(draw_kw, pieces, strict=True)],
        draw_kw=draw_kw,
        granted_w=granted,
        max_power_w=floor_to(situation.max_power_w, situation.limit_step_w),
        need_kwh=need,
        target_kwh=need + reserve,
        at_once_s=at_once_s,
        milestones=[(sum(1 for _, end, _ in pieces if end <= at_s), kwh) for at_s, kwh in levels],
        most_kwh=max(need + reserve, situation.room_kwh or 0.0),
        forecast_from_s=next((start for start, _, price in pieces if price.is_forecast), None),
        is_priced=is_priced,
    )


def granted_w(situation: Situation, cap_w: float) -> float:
    """Return what a profile can grant under a cap, in whole steps; 0 where a car cannot charge at so little."""
    granted = floor_to(max(0.0, min(situation.max_power_w, cap_w)), situation.limit_step_w)
    return granted if granted >= situation.min_power_w else 0.0


def floor_to(value: float, step: float) -> float:
    """Return the largest whole number of steps that is not above `value`, forgiving the last bits of a float."""
    return int(value / step + 1e-9) * step


def seconds_after(start_at: datetime, at: datetime) -> int:
    """Return the whole seconds from `start_at` to `at`, cut towards `start_at`."""
    return int((at - start_at).total_seconds())


class _Price(NamedTuple):
    planned: float
    told: float
    is_forecast: bool


_Span = tuple[int, int, _Price]
"""From and to, in seconds after the start."""

Cap = tuple[int, int, float]


def _priced(start_at: datetime, end_s: int, slots: Sequence[PricedSlot]) -> tuple[list[_Span], bool]:
    """Return the time until `end_s` with its prices, and whether any is known.

    Time without a price costs the mean of the others and counts as forecast.
    """
    known: list[_Span] = []
    for slot in slots:
        start = max(0, seconds_after(start_at, slot.start_at))
        end = min(end_s, seconds_after(start_at, slot.end_at))
        if start < end:
            price = _Price(slot.eur_per_kwh + slot.steer_eur_per_kwh, slot.eur_per_kwh, slot.is_forecast)
            known.append((start, end, price))
    mean = _mean(known)
    spans: list[_Span] = []
    reached = 0
    for start, end, price in known:
        if reached < start:
            spans.append((reached, start, mean))
        spans.append((start, end, price))
        reached = end
    if reached < end_s:
        spans.append((reached, end_s, mean))
    return spans, bool(known)


def _mean(spans: Sequence[_Span]) -> _Price:
    whole_s = sum(end - start for start, end, _ in spans) or 1
    planned = sum((end - start) * price.planned for start, end, price in spans) / whole_s
    return _Price(planned, sum((end - start) * price.told for start, end, price in spans) / whole_s, True)


def caps_in_seconds(start_at: datetime, caps: Sequence[PowerCap]) -> list[Cap]:
    """Return the caps that are not over, in seconds, begun and ended no later and no earlier than they say."""
    begun = [(seconds_after(start_at, each.start_at), _up_to(start_at, each.end_at), each.power_w) for each in caps]
    return [(max(0, start), end, power_w) for start, end, power_w in begun if end > 0]


def _up_to(start_at: datetime, at: datetime) -> int:
    return ceil((at - start_at).total_seconds())


def least_cap_w(caps: Sequence[Cap], start: int, end: int) -> float:
    """Return the least cap that holds anywhere from `start` to `end`, watts; infinite where none does."""
    return min((power_w for cap_start, cap_end, power_w in caps if cap_start < end and start < cap_end), default=inf)


def _drawn_kw(situation: Situation, power_w: float) -> float:
    return min(power_w, situation.draw_w or power_w) / 1000


def _at_once_s(
    situation: Situation, pieces: Sequence[_Span], draw_kw: Sequence[float], minimum: float, target: float
) -> int:
    """Return until when the car charges whatever that costs: for its minimum, and as long as it is boosted."""
    at_once_s = _filled_at(pieces, draw_kw, minimum)
    if not situation.boosts and situation.boost_until is None:
        return at_once_s
    boosted_s = _filled_at(pieces, draw_kw, target)
    if situation.boost_until is not None and not situation.boosts:
        boosted_s = min(boosted_s, _up_to(situation.now.replace(microsecond=0), situation.boost_until))
    return max(at_once_s, boosted_s)


def _filled_at(pieces: Sequence[_Span], draw_kw: Sequence[float], energy: float) -> int:
    """Return the second at which a car that charges from the start on has drawn `energy`, or the end."""
    for (start, end, _), kw in zip(pieces, draw_kw, strict=True):
        if energy <= 0:
            return start
        if kw > 0 and energy <= kw * (end - start) / 3600:
            return start + min(end - start, ceil(energy * 3600 / kw - 1e-6))
        energy -= kw * (end - start) / 3600
    return pieces[-1][1] if pieces else 0


def _cut(spans: Sequence[_Span], cuts: set[int]) -> list[_Span]:
    """Return the spans, cut in two wherever a cut falls within one."""
    pieces = []
    for start, end, price in spans:
        inside = sorted(cut for cut in cuts if start < cut < end)
        pieces += [(a, b, price) for a, b in pairwise([start, *inside, end])]
    return pieces
