"""The problem of one session as numbers: seconds from now, prices, room and levels to reach."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from offpeak.planning.situation import PricedSlot, Situation


@dataclass(frozen=True, slots=True)
class Problem:
    """Slot t runs from `edges_s[t]` to `edges_s[t + 1]`, seconds after `start_at`; the last edge is the departure.

    It costs `prices[t]` EUR/kWh and holds up to `room[t]` kWh, drawn at `draw_kw`. `milestones` are (number of
    slots, kWh to have drawn in them), ascending. `most_kwh` is the most to draw where that pays.
    `forecast_from_s` is where the first price begins that is not published; `is_priced` is False without any price.
    """

    start_at: datetime
    edges_s: list[int]
    prices: list[float]
    room: list[float]
    draw_kw: float
    granted_w: float
    need_kwh: float
    at_once_kwh: float
    milestones: list[tuple[int, float]]
    most_kwh: float
    forecast_from_s: int | None
    is_priced: bool


def pose(situation: Situation) -> Problem:
    """Cut the situation into slots between now and departure, at price changes and milestones.

    Now and departure count in whole seconds, cut: OCPI's periods start at whole seconds of a profile.
    """
    start_at = situation.now.replace(microsecond=0)
    end_s = max(0, _seconds(start_at, situation.departure_at))
    cuts = sorted({_seconds(start_at, each.at) for each in situation.milestones})
    edges, prices, forecast_from_s = _cut(start_at, end_s, situation.slots, cuts)
    granted_w = floor_to(situation.max_power_w, situation.limit_step_w)
    draw_kw = min(granted_w, situation.draw_w or granted_w) / 1000
    levels = [max(0.0, each.kwh) for each in situation.milestones]
    need = max(0.0, situation.need_kwh, situation.minimum_now_kwh, *levels)
    return Problem(
        start_at=start_at,
        edges_s=edges,
        prices=prices,
        room=[draw_kw * (end - start) / 3600 for start, end in pairwise(edges)],
        draw_kw=draw_kw,
        granted_w=granted_w,
        need_kwh=need,
        at_once_kwh=max(0.0, situation.minimum_now_kwh),
        milestones=[
            (sum(edge <= _seconds(start_at, each.at) for edge in edges[1:]), each.kwh)
            for each in sorted(situation.milestones, key=lambda each: each.at)
        ],
        most_kwh=max(need, situation.room_kwh or 0.0),
        forecast_from_s=forecast_from_s,
        is_priced=any(slot.end_at > start_at and slot.start_at < situation.departure_at for slot in situation.slots),
    )


def floor_to(value: float, step: float) -> float:
    """Return the largest whole number of steps that is not above `value`, forgiving the last bits of a float."""
    return int(value / step + 1e-9) * step


def _cut(
    start_at: datetime, end_s: int, slots: tuple[PricedSlot, ...], cuts: list[int]
) -> tuple[list[int], list[float], int | None]:
    """Return edges, prices and the start of the forecast; time without a price gets the mean of the others."""
    known = [
        (max(0, _seconds(start_at, slot.start_at)), min(end_s, _seconds(start_at, slot.end_at)), slot) for slot in slots
    ]
    known = [each for each in known if each[0] < each[1]]
    priced_s = sum(end - start for start, end, _ in known)
    mean = sum((end - start) * slot.eur_per_kwh for start, end, slot in known) / priced_s if known else 0.0
    edges, prices = [0], list[float]()
    forecast_from_s: int | None = None

    def reach(until_s: int, price: float, is_forecast: bool) -> None:
        nonlocal forecast_from_s
        if is_forecast and forecast_from_s is None and until_s > edges[-1]:
            forecast_from_s = edges[-1]
        for edge in [*(cut for cut in cuts if edges[-1] < cut < until_s), until_s]:
            if edge > edges[-1]:
                edges.append(edge)
                prices.append(price)

    for start, end, slot in known:
        reach(start, mean, is_forecast=True)
        reach(end, slot.eur_per_kwh, slot.is_forecast)
    reach(end_s, mean, is_forecast=True)
    return edges, prices, forecast_from_s


def _seconds(start_at: datetime, at: datetime) -> int:
    return int((at - start_at).total_seconds())
