"""The problem of one session as numbers: seconds from now, prices, room and levels to reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import accumulate, pairwise
from math import ceil, inf

from offpeak.planning.situation import PowerCap, PricedSlot, Situation
from offpeak.planning.storage import Battery
from offpeak.planning.taper import Curve


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

    A car that `is_idle` takes nothing though it may.

    `least` is there where power changes at the edges of slots only: a slot holds nothing or so many kWh at least.
    `curve` is there where the car is to be charged so full that it takes less, `battery` where it may give up to
    `gives[t]` kWh, at `give_w`. `step_w` is the step between two limits, `phase_share` the part of one that is drawn.
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
    is_idle: bool = False
    step_w: float = 0.1
    phase_share: float = 1.0
    least: list[float] | None = None
    curve: Curve | None = None
    battery: Battery | None = None
    gives: list[float] = field(default_factory=list)
    give_w: float = 0.0

    @property
    def at_once(self) -> int:
        """The number of slots in which the car charges whatever that costs."""
        return sum(1 for edge in self.edges_s[1:] if edge <= self.at_once_s)


def pose(situation: Situation) -> Problem:
    """Cut the time from now to departure into slots, where prices or caps change and wherever a level is due.

    Now and departure count in whole seconds, cut: the periods of a charging profile begin at whole seconds of it.
    """
    start_at = situation.now.replace(microsecond=0)
    end_s = max(0, seconds_after(start_at, situation.departure_at))
    levels = sorted((seconds_after(start_at, each.at), max(0.0, each.kwh)) for each in situation.milestones)
    minimum = max(0.0, situation.minimum_now_kwh)
    need = max(0.0, situation.need_kwh, minimum, *(kwh for _, kwh in levels))
    is_little = situation.need_is_known and need <= situation.calm.energy_kwh
    if is_little and not _has_blocks_left(situation):
        need, minimum, levels = 0.0, 0.0, []
    reserve = situation.calm.energy_kwh if situation.need_is_known and not is_little else 0.0
    target = need + reserve
    spans, is_priced = _priced(start_at, end_s, situation.slots)
    caps = caps_in_seconds(start_at, situation.caps)
    power_w = floor_to(situation.max_power_w, situation.limit_step_w)
    curve = _curve(situation, drawn_kw(situation, power_w), target)

    def power_in(pieces: Sequence[_Span]) -> tuple[list[float], list[float]]:
        """Return the watts that are granted in each piece, and the kW that are drawn."""
        least_w = [least_cap_w(caps, start, end) for start, end, _ in pieces] if caps else [inf]
        granted = [granted_w(situation, cap_w) for cap_w in least_w]
        drawn = [drawn_kw(situation, watts) for watts in granted]
        return (granted, drawn) if caps else (granted * len(pieces), drawn * len(pieces))

    if situation.slot_s:
        pieces = _on_grid(spans, start_at, situation.slot_s)
    else:
        pieces = _cut(
            spans, {*(at_s for at_s, _ in levels), *(at_s for start, end, _ in caps for at_s in (start, end))}
        )
    _, draw_kw = power_in(pieces)
    at_once_s = _at_once_s(situation, pieces, draw_kw, minimum, inf if curve else target)
    if situation.slot_s:
        at_once_s = next((end for _, end, _ in pieces if end >= at_once_s), end_s) if at_once_s else 0
    else:
        pieces = _cut(pieces, {at_once_s})
    granted, draw_kw = power_in(pieces)
    hours = [(end - start) / 3600 for start, end, _ in pieces]
    room = [kw * length for kw, length in zip(draw_kw, hours, strict=True)]
    battery, give_w = _battery(situation, minimum, target)
    return Problem(
        start_at=start_at,
        edges_s=[0, *(end for _, end, _ in pieces)],
        prices=[slot.eur_per_kwh + slot.steer_eur_per_kwh for _, _, slot in pieces],
        money=[slot.eur_per_kwh for _, _, slot in pieces],
        room=room,
        draw_kw=draw_kw,
        granted_w=granted,
        max_power_w=power_w,
        need_kwh=need,
        target_kwh=target,
        at_once_s=at_once_s,
        milestones=_milestones(pieces, room, levels),
        most_kwh=max(target, situation.room_kwh or 0.0),
        forecast_from_s=next((start for start, _, price in pieces if price.is_forecast), None),
        is_priced=is_priced,
        is_idle=situation.is_idle,
        step_w=situation.limit_step_w,
        phase_share=situation.phase_share,
        least=_least_kwh(situation, draw_kw, hours) if situation.slot_s else None,
        curve=curve,
        battery=battery,
        gives=[give_w / 1000 * length for length in hours] if battery else [],
        give_w=give_w,
    )


def _milestones(
    pieces: Sequence[_Span], room: Sequence[float], levels: Sequence[tuple[int, float]]
) -> list[tuple[int, float]]:
    """Return the levels by the number of slots before them, ascending.

    For one that there is no room for, all that is there is used until it is reached: in whole slots and a last one.
    """
    held = [0.0, *accumulate(room)]
    due: list[tuple[int, float]] = []
    for at_s, kwh in levels:
        slots = sum(1 for _, end, _ in pieces if end <= at_s)
        reached = next((t for t in range(slots, len(held)) if held[t] >= kwh), len(room))
        if reached > slots:
            due.append((reached - 1, held[reached - 1]))
        due.append((reached, kwh))
    return sorted(due)


def as_idle(problem: Problem, left_kwh: float) -> Problem:
    """Return the problem of a car that takes nothing though it may, whose running plan has `left_kwh` left: it wants no
    more, else the plan would follow it all night."""
    return replace(problem, target_kwh=min(problem.target_kwh, left_kwh), at_once_s=0, milestones=[])


def _has_blocks_left(situation: Situation) -> bool:
    """Say whether the running plan still charges: then the last of a need is drawn, however little it is."""
    running = situation.running
    return running is not None and any(block.end_at > situation.now for block in running.blocks)


def _least_kwh(situation: Situation, draw_kw: Sequence[float], hours: Sequence[float]) -> list[float]:
    """Return the least that a slot can hold where the car draws at all: what it draws at its least power."""
    least_kw = situation.min_power_w * situation.phase_share / 1000
    return [min(kw, least_kw) * length for kw, length in zip(draw_kw, hours, strict=True)]


def _curve(situation: Situation, power_kw: float, target_kwh: float) -> Curve | None:
    """Return how the car takes less near full, where it is to be charged so far."""
    taper = situation.taper
    if taper is None or power_kw <= 0:
        return None
    knee, full = (
        (soc - taper.soc) * taper.battery_kwh / taper.charging_efficiency for soc in (min(1.0, taper.from_soc), 1.0)
    )
    if target_kwh <= max(0.0, knee) or full <= 0:
        return None
    return Curve(power_kw, knee, full, min(power_kw, max(0.1, taper.end_w / 1000)))


def _battery(situation: Situation, minimum_kwh: float, target_kwh: float) -> tuple[Battery | None, float]:
    """Return the battery, where it may give energy, and the power at which it does.

    What is to be charged at once is a level that it is not taken below again. Who boosts gives nothing.
    """
    storage = situation.storage
    if storage is None or situation.boosts or situation.boost_until is not None:
        return None, 0.0
    give_w = floor_to(min(storage.discharge_w, situation.max_power_w), situation.limit_step_w)
    if give_w <= 0 or give_w < situation.min_power_w:
        return None, 0.0
    held = storage.soc * storage.battery_kwh
    wanted = held + target_kwh * storage.charging_efficiency
    low = storage.min_soc * storage.battery_kwh
    if minimum_kwh > 0:
        low = max(low, held + minimum_kwh * storage.charging_efficiency)
    battery = Battery(
        energy=held,
        low=low,
        high=min(storage.battery_kwh, max(storage.max_soc * storage.battery_kwh, wanted)),
        charging_efficiency=storage.charging_efficiency,
        discharging_efficiency=storage.discharging_efficiency,
        wear=storage.wear_eur_per_kwh,
    )
    return battery, give_w


def granted_w(situation: Situation, cap_w: float) -> float:
    """Return what a profile can grant under a cap, in whole steps; 0 where a car cannot charge at so little, but for a
    charger that never gives more."""
    granted = floor_to(max(0.0, min(situation.max_power_w, cap_w)), situation.limit_step_w)
    is_weak = floor_to(situation.max_power_w, situation.limit_step_w) < situation.min_power_w
    return granted if is_weak or granted >= situation.min_power_w else 0.0


def floor_to(value: float, step: float) -> float:
    """Return the largest whole number of steps that is not above `value`, forgiving the last bits of a float."""
    return int(value / step + 1e-9) * step


def seconds_after(start_at: datetime, at: datetime) -> int:
    """Return the whole seconds from `start_at` to `at`, cut towards `start_at`."""
    return int((at - start_at).total_seconds())


_Span = tuple[int, int, PricedSlot]
"""From and to, in seconds after the start, and the slot whose price holds."""

Cap = tuple[int, int, float]


def _priced(start_at: datetime, end_s: int, slots: Sequence[PricedSlot]) -> tuple[list[_Span], bool]:
    """Return the time until `end_s` with its prices, and whether any is known.

    Time without a price costs the mean of the others and counts as forecast.
    """
    known: list[_Span] = []
    ends_at, after_s = start_at, 0
    for slot in slots:
        start = after_s if slot.start_at == ends_at else seconds_after(start_at, slot.start_at)
        ends_at = slot.end_at
        after_s = seconds_after(start_at, ends_at)
        if 0 <= start < after_s <= end_s:
            known.append((start, after_s, slot))
        elif start < min(after_s, end_s) and after_s > 0:
            known.append((max(0, start), min(end_s, after_s), slot))
    if known and known[0][0] == 0 and known[-1][1] == end_s and all(a[1] == b[0] for a, b in pairwise(known)):
        return known, True
    mean = _mean(known, start_at)
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


def _mean(spans: Sequence[_Span], at: datetime) -> PricedSlot:
    """Return the mean of prices, as a forecast."""
    whole_s = sum(end - start for start, end, _ in spans) or 1
    told = sum((end - start) * slot.eur_per_kwh for start, end, slot in spans) / whole_s
    steer = sum((end - start) * slot.steer_eur_per_kwh for start, end, slot in spans) / whole_s
    return PricedSlot(at, at, told, True, steer)


def caps_in_seconds(start_at: datetime, caps: Sequence[PowerCap]) -> list[Cap]:
    """Return the caps that are not over, in seconds, begun and ended no later and no earlier than they say."""
    begun = [
        (seconds_after(start_at, each.start_at), seconds_until(start_at, each.end_at), each.power_w) for each in caps
    ]
    return [(max(0, start), end, power_w) for start, end, power_w in begun if end > 0]


def seconds_until(start_at: datetime, at: datetime) -> int:
    """Return the seconds from `start_at` to `at`, the one in which that is counted whole."""
    return ceil((at - start_at).total_seconds())


def least_cap_w(caps: Sequence[Cap], start: int, end: int) -> float:
    """Return the least cap that holds anywhere from `start` to `end`, watts; infinite where none does."""
    return min((power_w for cap_start, cap_end, power_w in caps if cap_start < end and start < cap_end), default=inf)


def drawn_kw(situation: Situation, power_w: float) -> float:
    """Return what a car draws that is granted `power_w`, kW."""
    usable_w = power_w * situation.phase_share
    return min(usable_w, situation.draw_w or usable_w) / 1000


def _at_once_s(
    situation: Situation, pieces: Sequence[_Span], draw_kw: Sequence[float], minimum: float, target: float
) -> int:
    """Return until when the car charges whatever that costs: for its minimum, and as long as it is boosted."""
    at_once_s = _filled_at(pieces, draw_kw, minimum)
    if not situation.boosts and situation.boost_until is None:
        return at_once_s
    boosted_s = _filled_at(pieces, draw_kw, target)
    if situation.boost_until is not None and not situation.boosts:
        boosted_s = min(boosted_s, seconds_until(situation.now.replace(microsecond=0), situation.boost_until))
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


def into_slot_s(at: datetime, slot_s: int) -> int:
    """Return how many whole seconds of a slot of `slot_s` are over at an instant; slots are counted from full hours."""
    return (at.minute * 60 + at.second) % slot_s


def _on_grid(spans: Sequence[_Span], start_at: datetime, slot_s: int) -> list[_Span]:
    """Return slots that begin and end at multiples of `slot_s` after a full hour, each at its mean price."""
    if not spans:
        return []
    end_s = spans[-1][1]
    first = slot_s - into_slot_s(start_at, slot_s)
    edges = [0, *range(first, end_s, slot_s), end_s]
    slots = []
    for start, end in pairwise(edges):
        inside = [(max(start, a), min(end, b), price) for a, b, price in spans if a < end and start < b]
        mean = _mean(inside, start_at)
        slots.append((start, end, replace(mean, is_forecast=any(slot.is_forecast for _, _, slot in inside))))
    return slots


def _cut(spans: Sequence[_Span], cuts: set[int]) -> list[_Span]:
    """Return the spans, cut in two wherever a cut falls within one."""
    if cuts <= {0} or cuts <= {0, *(end for _, end, _ in spans)}:
        return list(spans)
    pieces = []
    for start, end, price in spans:
        inside = sorted(cut for cut in cuts if start < cut < end)
        pieces += [(a, b, price) for a, b in pairwise([start, *inside, end])]
    return pieces
