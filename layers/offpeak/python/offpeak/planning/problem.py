"""The problem of one session as numbers: seconds from now, prices, room and levels to reach."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from math import ceil

from offpeak.planning.situation import PricedSlot, Situation


@dataclass(frozen=True, slots=True)
class Problem:
    """Slot t runs from `edges_s[t]` to `edges_s[t + 1]`, seconds after `start_at`; the last edge is the departure.

    It costs `prices[t]` EUR/kWh and holds up to `room[t]` kWh, drawn at `draw_kw` while `granted_w` is allowed. The
    car charges until `at_once_s`, an edge, whatever that costs. `milestones` are (number of slots, kWh to have drawn
    in them), ascending. `target_kwh` is what a plan draws so that `need_kwh` is met: a known need ends in a pause, and
    what the car then lacks it would get no more. `most_kwh` is the most to draw where that pays. `forecast_from_s` is
    where the first price begins that is not published; `is_priced` is False when no price is known at all.
    """

    start_at: datetime
    edges_s: list[int]
    prices: list[float]
    room: list[float]
    draw_kw: float
    granted_w: float
    need_kwh: float
    target_kwh: float
    at_once_s: int
    milestones: list[tuple[int, float]]
    most_kwh: float
    forecast_from_s: int | None
    is_priced: bool


def pose(situation: Situation) -> Problem:
    """Cut the time from now to departure into slots, at price changes and wherever a level is due.

    Now and departure count in whole seconds, cut: the periods of a charging profile begin at whole seconds of it.
    """
    start_at = situation.now.replace(microsecond=0)
    end_s = max(0, seconds_after(start_at, situation.departure_at))
    granted_w = floor_to(situation.max_power_w, situation.limit_step_w)
    draw_kw = min(granted_w, situation.draw_w or granted_w) / 1000
    levels = sorted((seconds_after(start_at, each.at), max(0.0, each.kwh)) for each in situation.milestones)
    minimum = max(0.0, situation.minimum_now_kwh)
    need = max(0.0, situation.need_kwh, minimum, *(kwh for _, kwh in levels))
    reserve = situation.calm.energy_kwh if situation.need_is_known and need > situation.calm.energy_kwh else 0.0
    at_once_s = min(end_s, ceil(minimum * 3600 / draw_kw - 1e-6)) if draw_kw > 0 else 0
    edges, prices, forecast_from_s, is_priced = _cut(
        start_at, end_s, situation.slots, sorted({at_once_s, *(at_s for at_s, _ in levels)})
    )
    return Problem(
        start_at=start_at,
        edges_s=edges,
        prices=prices,
        room=[draw_kw * (end - start) / 3600 for start, end in pairwise(edges)],
        draw_kw=draw_kw,
        granted_w=granted_w,
        need_kwh=need,
        target_kwh=need + reserve,
        at_once_s=at_once_s,
        milestones=[(sum(1 for edge in edges[1:] if edge <= at_s), kwh) for at_s, kwh in levels],
        most_kwh=max(need + reserve, situation.room_kwh or 0.0),
        forecast_from_s=forecast_from_s,
        is_priced=is_priced,
    )


def floor_to(value: float, step: float) -> float:
    """Return the largest whole number of steps that is not above `value`, forgiving the last bits of a float."""
    return int(value / step + 1e-9) * step


def seconds_after(start_at: datetime, at: datetime) -> int:
    """Return the whole seconds from `start_at` to `at`, cut towards `start_at`."""
    return int((at - start_at).total_seconds())


def _cut(
    start_at: datetime, end_s: int, slots: tuple[PricedSlot, ...], cuts: list[int]
) -> tuple[list[int], list[float], int | None, bool]:
    """Return edges, prices, the start of the forecast and whether any price is known.

    Time without a price costs the mean of the others and counts as forecast.
    """
    known = []
    for slot in slots:
        start = max(0, seconds_after(start_at, slot.start_at))
        end = min(end_s, seconds_after(start_at, slot.end_at))
        if start < end:
            known.append((start, end, slot.eur_per_kwh, slot.is_forecast))
    priced_s = sum(end - start for start, end, _, _ in known)
    mean = sum((end - start) * price for start, end, price, _ in known) / priced_s if priced_s else 0.0
    spans = []
    reached = 0
    for start, end, price, is_forecast in known:
        if reached < start:
            spans.append((start, mean, True))
        spans.append((end, price, is_forecast))
        reached = end
    if reached < end_s:
        spans.append((end_s, mean, True))
    edges, prices, forecast_from_s = [0], list[float](), None
    for end, price, is_forecast in spans:
        if is_forecast and forecast_from_s is None:
            forecast_from_s = edges[-1]
        for edge in (*(cut for cut in cuts if edges[-1] < cut < end), end):
            edges.append(edge)
            prices.append(price)
    return edges, prices, forecast_from_s, priced_s > 0
