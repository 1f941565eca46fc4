"""From a session, its partner's defaults and prices to the situation that planning decides on: pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

from offpeak.partners.model import Flags, Partner, PlanningDefaults, RateUnit
from offpeak.planning.plan import Plan
from offpeak.planning.profile import limit_step_w
from offpeak.planning.situation import Calm, PricedSlot, Situation, Storage, Taper
from offpeak.prices.model import PriceCurve
from offpeak.profiles.model import Standing
from offpeak.sessions.charging_state import IDLE_W
from offpeak.sessions.energy import mean_power_w
from offpeak.sessions.model import ChargingState, Confidence, KnownSession, Session

SHORTEST_SHOWN = timedelta(minutes=3)
"""A charging period must last so long before its power counts as what the car draws."""
MOST_ON_ONE_A, MOST_ON_TWO_A = 32, 16
"""What cars take on each phase that they charge on, where they use one or two."""
MEASURED_MORE = 1.05
"""A grid above its nominal voltage gives so much more power."""
DEFAULT_FLAGS = Flags()
LONGEST_UNHEARD = timedelta(minutes=15)
"""For so long after its newest message a car that charged counts as charging on."""


def situation_of(
    known: KnownSession,
    planning: PlanningDefaults,
    unit: RateUnit,
    prices: PriceCurve,
    running: Plan | None,
    draw_w: int | None,
    now: datetime,
    *,
    flags: Flags = DEFAULT_FLAGS,
    departure_at: datetime | None = None,
) -> Situation:
    """Return what is to be planned. `running` is the plan that the charger has, `draw_w` what the car was seen to draw,
    `departure_at` when it leaves: by default as the settings say.

    The need is that of the battery where its state of charge is told, else the partner's default less what was
    delivered; both less what was drawn since. A battery gives energy only where the partner's chargers can, its system
    takes limits below 0, the driver lets it, and its state of charge is told.
    """
    charged, least_w = known.state_of_charge, float(min_power_w(planning, unit))
    unheard = unheard_kwh(known.state.power_w, known.session.last_updated, running, now)
    return Situation(
        now=now,
        slots=tuple(
            PricedSlot(each.start_at, each.end_at, float(each.eur_per_kwh), each.is_forecast) for each in prices.slots
        ),
        need_kwh=max(0.0, float(need_kwh(known, planning)) - unheard),
        departure_at=departure_at or departure_of(known.session, planning),
        max_power_w=float(planning.max_power_w),
        min_power_w=least_w,
        minimum_now_kwh=max(0.0, float(planning.minimum_now_kwh - known.delivered_kwh) - unheard),
        running=running,
        calm=Calm(minimum_run_s=planning.minimum_run_s),
        slot_s=flags.slot_s,
        taper=None if charged is None else _taper(float(charged), unheard, planning, least_w),
        storage=_storage(float(charged), unheard, planning)
        if charged is not None and flags.negative_limits and planning.discharge_w > 0 and known.discharge_allowed
        else None,
        need_is_known=charged is not None,
        is_idle=is_idle(known),
        room_kwh=None if charged is None else max(0.0, float(at_the_meter(1 - charged, planning)) - unheard),
        draw_w=None if draw_w is None else float(draw_w),
        phase_share=1.0 if draw_w is None else phase_share(draw_w, planning, unit),
        limit_step_w=limit_step_w(unit.value, planning.phases, planning.voltage_v),
        time_zone=planning.time_zone,
    )


def _taper(charged: float, unheard: float, planning: PlanningDefaults, end_w: float) -> Taper:
    return Taper(
        battery_kwh=float(planning.battery_kwh),
        soc=_charged_since(charged, unheard, planning),
        from_soc=float(planning.taper_from_soc),
        end_w=end_w,
        charging_efficiency=float(planning.charging_efficiency),
    )


def _storage(charged: float, unheard: float, planning: PlanningDefaults) -> Storage:
    return Storage(
        battery_kwh=float(planning.battery_kwh),
        soc=_charged_since(charged, unheard, planning),
        discharge_w=float(planning.discharge_w),
        min_soc=float(planning.min_soc),
        max_soc=float(planning.max_soc),
        charging_efficiency=float(planning.charging_efficiency),
        discharging_efficiency=float(planning.discharging_efficiency),
        wear_eur_per_kwh=float(planning.wear_eur_per_kwh),
    )


def _charged_since(charged: float, unheard: float, planning: PlanningDefaults) -> float:
    """Return the state of charge after what was drawn since it was told, kWh at the meter."""
    return min(1.0, charged + unheard * float(planning.charging_efficiency / planning.battery_kwh))


def is_idle(known: KnownSession) -> bool:
    """Say whether the car takes nothing though it may, as far as that can be trusted."""
    return known.state.state is ChargingState.SUSPENDED_EV and known.state.confidence is not Confidence.LOW


@dataclass(frozen=True, slots=True)
class Departure:
    """When a car is expected to leave. `gone_by` is the first departure that its driver said, None where he said none;
    `is_said` says that this is `at`: the partner's usual one does not come before it."""

    at: datetime
    gone_by: datetime | None = None

    @property
    def is_said(self) -> bool:
        return self.at == self.gone_by


def departure_of(session: Session, planning: PlanningDefaults) -> datetime:
    """Return the first default departure, in local time, that is at least the shortest stay after plug-in."""
    return departure_by(session, planning, {}).at


def departure_by(session: Session, planning: PlanningDefaults, said: Mapping[int, time]) -> Departure:
    """Return the first departure after plug-in, in local time: at the time said for its weekday (Monday 0), and at the
    default one on weekdays of which nothing is said, there at least the shortest stay after plug-in."""
    zone = ZoneInfo(planning.time_zone)
    first = session.start_at.astimezone(zone).date()
    days = [first + timedelta(days=day) for day in range(8 + planning.shortest_stay_s // 86_400)]
    own = (_local_instant(day, said[day.weekday()], zone) for day in days if day.weekday() in said)
    gone_by = next((at for at in own if at > session.start_at), None)
    earliest = session.start_at + timedelta(seconds=planning.shortest_stay_s)
    usual = (_local_instant(day, planning.departure, zone) for day in days if day.weekday() not in said)
    assumed_at = next((at for at in usual if at >= earliest), None)
    return Departure(min(at for at in (gone_by, assumed_at) if at is not None), gone_by)


def next_local(at: time, zone: ZoneInfo, now: datetime) -> datetime:
    """Return the first instant after `now` that has this local time."""
    today = now.astimezone(zone).date()
    return next(each for day in range(3) if (each := _local_instant(today + timedelta(days=day), at, zone)) > now)


def _local_instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return a local time as an instant. One that summer time skips means the instant it would have been; one that
    comes twice, the first."""
    return datetime.combine(day, at, zone).astimezone(UTC)


def need_kwh(known: KnownSession, planning: PlanningDefaults) -> Decimal:
    """Return what is still needed at the meter, kWh; 0 when it was delivered already."""
    if known.state_of_charge is None:
        return max(Decimal(0), planning.need_kwh - known.delivered_kwh)
    return at_the_meter(planning.target_soc - known.state_of_charge, planning)


def unheard_kwh(power_w: float | None, told_at: datetime, running: Plan | None, now: datetime) -> float:
    """Return what a car that drew `power_w` at `told_at` has drawn since, kWh, if it goes on where its plan lets it.

    The clock plans between two messages. Without this it would count what is drawn in the meantime as still needed,
    lengthen the plan, and the next message would take that back: two profiles for nothing.
    """
    if running is None or power_w is None or power_w <= IDLE_W:
        return 0.0
    until = min(now, told_at + LONGEST_UNHEARD)
    allowed = [(each.start_at, each.end_at, float(each.power_w)) for each in running.blocks]
    allowed.append((running.unlimited_from, until, power_w))
    seconds = (
        (max(0.0, (min(until, end) - max(told_at, start)).total_seconds()), limit) for start, end, limit in allowed
    )
    return sum(lasted * max(0.0, min(power_w, limit)) for lasted, limit in seconds) / 3_600_000


def min_power_w(planning: PlanningDefaults, unit: RateUnit) -> int:
    """Return the least a car charges at, watts. Unknown phases count as three in amperes, as in all that is sent, and
    in watts where the charger's power allows: too high a minimum costs little, one that is too low would be a pause."""
    per_phase = planning.min_current_a * planning.voltage_v
    is_three = unit is RateUnit.AMPERE or planning.max_power_w >= 3 * per_phase
    phases = planning.phases or (3 if is_three else 1)
    return per_phase * phases


def why_unmanaged(partner: Partner, *, is_paired: bool, is_released: bool) -> str | None:
    """Return why a session is not managed, one of `unmanaged.TEXTS`, or None where it is.

    `partner` has its settings as the session's charger and driver have them. An EVSE that was un-paired is left alone
    until it is paired anew, whatever the partner's settings.
    """
    if is_released:
        return "unpaired"
    if not partner.planning.smart_charging:
        return "smart_charging_off"
    return "not_paired" if partner.flags.only_paired and not is_paired else None


def rate_unit(flags: Flags, planning: PlanningDefaults) -> RateUnit:
    """Return the unit of the limits that a partner gets: what its settings say, else A where the phases are known
    (CONFORMANCE P8)."""
    return flags.rate_unit or (RateUnit.AMPERE if planning.phases else RateUnit.WATT)


def most_drawn_w(known: KnownSession, standing: Standing, planning: PlanningDefaults) -> int | None:
    """Return the most that the car drew while it was granted all, watts; None where the session has not shown it.

    That is the most of what was seen at the plans before, and what the charging periods at hand show. Only ended
    periods that lie wholly under a full grant of the charger's profile tell: a mean over a pause, or over the time
    before the car began, would make a fast car slow. Where older periods are not at hand the first of those that are
    tells nothing either: its energy may be a running total.
    """
    session, seen = known.session, [] if standing.draw_w is None else [standing.draw_w]
    for place, (period, following) in enumerate(pairwise(session.periods)):
        if place == 0 and not known.is_whole:
            continue
        power_w = mean_power_w(session, place)
        if power_w is None or power_w < planning.min_current_a * planning.voltage_v:
            continue
        is_long = following.start_at - period.start_at >= SHORTEST_SHOWN
        steps = standing.limit_w_steps
        if is_long and _is_granted_all(period.start_at, following.start_at, steps, planning.max_power_w):
            seen.append(int(power_w))
    return min(max(seen), planning.max_power_w) if seen else None


def _is_granted_all(
    start_at: datetime, end_at: datetime, steps: tuple[tuple[datetime, int], ...], max_power_w: int
) -> bool:
    begun = [limit_w for at, limit_w in steps if at <= start_at]
    during = [limit_w for at, limit_w in steps if start_at < at < end_at]
    return bool(begun) and all(limit_w >= max_power_w * 0.99 for limit_w in [begun[-1], *during])


def phase_share(draw_w: int, planning: PlanningDefaults, unit: RateUnit) -> float:
    """Return the part of a limit that a car can take which draws `draw_w` when it is granted all.

    A limit holds on each phase, and many cars charge on one or two of three. Where a charger has three, or counts as
    having them, a car that draws no more than one of them gives counts as on one, and so on: it is better to count
    too few, as more time is then left to it. Cars take up to 32 A on one phase, and up to 16 A on each of two.
    """
    if (planning.phases or (3 if unit is RateUnit.AMPERE else 1)) != 3:
        return 1.0
    for phases, most_a in ((1, MOST_ON_ONE_A), (2, MOST_ON_TWO_A)):
        most_w = phases * min(planning.max_power_w / 3, most_a * planning.voltage_v)
        if draw_w <= most_w * MEASURED_MORE:
            return phases / 3
    return 1.0


def at_the_meter(share: Decimal, planning: PlanningDefaults) -> Decimal:
    """Return the energy at the meter, kWh, that lifts a battery by so much; 0 where that is less than nothing."""
    return max(Decimal(0), share) * planning.battery_kwh / planning.charging_efficiency
