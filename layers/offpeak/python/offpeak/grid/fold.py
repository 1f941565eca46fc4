"""From conditions of the grid to what planning reads of a session: prices that steer, and caps. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

from offpeak.grid.model import Condition, Conditions
from offpeak.planning.reasons import GridHold, GridSteer
from offpeak.planning.situation import PowerCap, PricedSlot

G_PER_KG = 1000


def steered(slots: Sequence[PricedSlot], asked: Conditions, weight_eur_per_kg: Decimal) -> tuple[PricedSlot, ...]:
    """Return the slots with what the grid would have them cost on top, cut where that changes.

    Adders count as they are, intensity by its weight. Time whose intensity nobody tells counts by the mean of the time
    that somebody does, so that what is unknown looks neither clean nor dirty.
    """
    steer = _Steer(asked.spans, float(weight_eur_per_kg))
    if not slots or not steer.says_something:
        return tuple(slots)
    return tuple(piece for slot in slots for piece in steer.pieces(slot))


def session_caps(asked: Conditions, max_power_w: int) -> tuple[PowerCap, ...]:
    """Return what a session that could draw `max_power_w` may draw at most, and when that is less."""
    return tuple(PowerCap(each.start_at, each.end_at, float(each.power_w)) for each in grid_holds(asked, max_power_w))


def grid_holds(asked: Conditions, max_power_w: int) -> tuple[GridHold, ...]:
    """Return the same to be told: with the signals that it comes of."""
    return tuple(
        _hold(each, cap_w, is_congestion=cap_w == max_power_w * each.share)
        for each in asked.spans
        if (cap_w := each.cap_w(max_power_w)) < max_power_w
    )


def _hold(span: Condition, power_w: Decimal, *, is_congestion: bool) -> GridHold:
    ids = span.share_ids if is_congestion else span.power_ids
    return GridHold(span.start_at, span.end_at, power_w, ids, is_congestion=is_congestion)


def steer_told(asked: Conditions, weight_eur_per_kg: Decimal) -> GridSteer | None:
    """Return the signals that make times count for more than their price, and the most that one does; None where none
    does."""
    counted = [
        (each, each.adder_eur_per_kwh + (each.g_per_kwh or 0) * weight_eur_per_kg / G_PER_KG) for each in asked.spans
    ]
    counted = [(each, eur_per_kwh) for each, eur_per_kwh in counted if eur_per_kwh]
    if not counted:
        return None
    ids = dict.fromkeys(signal_id for each, _ in counted for signal_id in each.steer_ids)
    return GridSteer(max((eur_per_kwh for _, eur_per_kwh in counted), key=abs), tuple(ids))


class _Steer:
    """What an instant counts for on top of its price, EUR/kWh."""

    def __init__(self, spans: Sequence[Condition], eur_per_kg: float) -> None:
        self._spans = spans
        self._starts = [each.start_at for each in spans]
        self._edges = sorted({at for each in spans for at in (each.start_at, each.end_at)})
        self._eur_per_g = eur_per_kg / G_PER_KG
        told = [(each, float(each.g_per_kwh)) for each in spans if each.g_per_kwh is not None]
        told_s = sum(_length_s(each) for each, _ in told)
        self._mean_g = sum(_length_s(each) * grams for each, grams in told) / told_s if told_s else 0.0
        self.says_something = bool(told and eur_per_kg) or any(each.adder_eur_per_kwh for each in spans)

    def pieces(self, slot: PricedSlot) -> Iterator[PricedSlot]:
        inside = self._edges[bisect_right(self._edges, slot.start_at) : bisect_left(self._edges, slot.end_at)]
        for start_at, end_at in pairwise((slot.start_at, *inside, slot.end_at)):
            yield replace(slot, start_at=start_at, end_at=end_at, steer_eur_per_kwh=self._at(start_at))

    def _at(self, at: datetime) -> float:
        place = bisect_right(self._starts, at) - 1
        span = self._spans[place] if place >= 0 and at < self._spans[place].end_at else None
        grams = self._mean_g if span is None or span.g_per_kwh is None else float(span.g_per_kwh)
        adder = float(span.adder_eur_per_kwh) if span else 0.0
        return adder + grams * self._eur_per_g


def _length_s(span: Condition) -> float:
    return (span.end_at - span.start_at).total_seconds()
