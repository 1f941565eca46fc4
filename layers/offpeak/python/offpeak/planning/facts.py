"""What the reason of a plan is for a machine: its facts, and the words of which they are.

Facts that do not apply are left out:

    told_at                when this was worked out; "now" below is then
    doing, power_w         what the car may do now (Doing), and the most it may draw; below 0 it gives
    why_now                why it does that now and nothing else (WhyNow)
    next_change_at         when that changes next
    ready_at               when the need will be met
    starts_at, ends_at, blocks, charging_s
                           the time of charging
    limited_by             what kept the plan from being better (LimitedBy)
    need_from              what is known of the need (NeedFrom)
    visits, visits_alike, early_departure_at, usual_departure_at, usual_need_kwh, high_need_kwh
                           what habits tell: by how many visits of this charger, and how many of such a time; when one
                           car of ten has left, and half of them; what suffices for half, and for nine of ten
    need_kwh, shortfall_kwh, saving_eur, departure_at, unlimited_from
                           as in the plan
    kept                   whether these are the blocks of a plan before
    price_now_eur_per_kwh, price_then_eur_per_kwh
                           what a kWh costs now, and on average when the car charges
    early_at, early_kwh, early_fits_kwh
                           what it is to have more by then, in case it leaves early, and what of that it will have
    at_once_until, boosted until when it charges whatever the price, and whether it was asked to
    forecast_from          where published prices end
    held_to_w, held_from, held_until, held_by, held_steps
                           the least that signals of the grid leave, when, whether for CONGESTION or by a CAP, and
                           how many steps they have
    steered_by_eur_per_kwh what such signals add to the price of a time, at most
    signals                which signals those are
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from offpeak.instants import format_instant
from offpeak.planning.outlook import Outlook
from offpeak.planning.plan import Fact, Plan, ReasonCode

Span = tuple[datetime, datetime]

EARLY = 0.1
"""The share of cars that leave earlier than what is told as an early departure, or need more than a high need."""

INSTANTS = frozenset(
    {
        "early_departure_at",
        "usual_departure_at",
        "told_at",
        "next_change_at",
        "ready_at",
        "starts_at",
        "ends_at",
        "departure_at",
        "unlimited_from",
        "at_once_until",
        "early_at",
        "forecast_from",
        "held_from",
        "held_until",
    }
)
"""The facts that are instants, as text."""


class Doing(StrEnum):
    CHARGING = "CHARGING"
    PAUSED = "PAUSED"
    DISCHARGING = "DISCHARGING"
    NOT_LIMITED = "NOT_LIMITED"


class WhyNow(StrEnum):
    CHEAP_NOW = "CHEAP_NOW"
    """Charging now is part of the cheapest time."""
    CHEAPER_LATER = "CHEAPER_LATER"
    DEAR_NOW = "DEAR_NOW"
    """Energy is given back, as it is dear now."""
    ASKED_TO = "ASKED_TO"
    """Somebody wants it charged now."""
    MINIMUM = "MINIMUM"
    """It is below the least that it is to have at once."""
    NO_TIME_LEFT = "NO_TIME_LEFT"
    PAID_TO = "PAID_TO"
    """Energy costs less than nothing."""
    SHARED_LIMIT = "SHARED_LIMIT"
    """The limit that it shares with others leaves room now, or leaves it later."""
    CAPPED = "CAPPED"
    """There is less power for it than a car charges at."""
    STEERED = "STEERED"
    """The grid would have it charge later."""
    STEADY = "STEADY"
    """What is planned stays, as another plan would save too little."""
    ODDS = "ODDS"
    """By what is usual here, this is worth more than anything else."""
    NEED_MET = "NEED_MET"
    NO_PRICES = "NO_PRICES"
    NOT_HELD = "NOT_HELD"
    """Nothing is held back: the code says why."""


class LimitedBy(StrEnum):
    NOTHING = "NOTHING"
    TIME = "TIME"
    """More time, or a faster charger, would deliver more."""
    CHARGER = "CHARGER"
    """The charger's maximum is less than a car charges at."""
    CAR_MINIMUM = "CAR_MINIMUM"
    """There was power, but less than the car charges at."""
    ODDS = "ODDS"
    """By what is usual here, more would likely not be taken, or is not worth its price."""
    GRID_SIGNAL = "GRID_SIGNAL"
    SHARED_LIMIT = "SHARED_LIMIT"


class NeedFrom(StrEnum):
    TOLD = "TOLD"
    """The car or the driver told it."""
    LEARNT = "LEARNT"
    ASSUMED = "ASSUMED"
    """A setting."""


@dataclass(frozen=True, slots=True)
class Early:
    """By `at` a car is to have `more_kwh` from now on, and has `fits_kwh` of it."""

    at: datetime
    more_kwh: float
    fits_kwh: float


@dataclass(frozen=True, slots=True)
class Background:
    """What a plan's reason is made of beside the plan. Prices are EUR/kWh, None where none is known; `is_steered_away`
    says that now counts as dearer than then, whatever it costs. `at_once_until` is None where no price is ignored."""

    now: datetime
    time_zone: str
    is_kept: bool = False
    forecast_from: datetime | None = None
    price_now: float | None = None
    price_then: float | None = None
    is_steered_away: bool = False
    is_capped_now: bool = False
    at_once_until: datetime | None = None
    is_boosted: bool = False
    limited_by: LimitedBy = LimitedBy.NOTHING
    need_from: NeedFrom = NeedFrom.ASSUMED
    outlook: Outlook | None = None
    early: Early | None = None


def facts_of(plan: Plan, background: Background) -> dict[str, Fact]:
    """Return the facts of a plan; of its own reason only the code is read."""
    now, charging = background.now, spans_of(plan)
    power_w = power_at(plan, now)
    facts: dict[str, Fact | None] = {
        "told_at": format_instant(now),
        "doing": (doing := _doing(plan, now, power_w)).value,
        "power_w": power_w,
        "why_now": _why_now(plan, background, doing).value,
        "next_change_at": _told_at(next_change(plan, now)),
        "ready_at": _told_at(plan.ready_at),
        "starts_at": _told_at(charging[0][0] if charging else None),
        "ends_at": _told_at(charging[-1][1] if charging else None),
        "blocks": len(plan.blocks),
        "charging_s": int(length_of(charging).total_seconds()),
        "limited_by": background.limited_by.value,
        "need_from": background.need_from.value,
        "need_kwh": plan.need_kwh,
        "shortfall_kwh": plan.shortfall_kwh,
        "saving_eur": plan.saving_eur,
        "departure_at": format_instant(plan.departure_at),
        "unlimited_from": format_instant(plan.unlimited_from),
        "kept": background.is_kept,
        "price_now_eur_per_kwh": _price(background.price_now),
        "price_then_eur_per_kwh": _price(background.price_then),
        "at_once_until": _told_at(background.at_once_until),
        "boosted": background.is_boosted if background.at_once_until else None,
        "forecast_from": _told_at(background.forecast_from),
        **_early(background.early),
    }
    found = {name: value for name, value in facts.items() if value is not None}
    return {**found, **_learnt(background.outlook, now)} if background.outlook else found


def _early(early: Early | None) -> dict[str, Fact]:
    if early is None:
        return {}
    return {
        "early_at": format_instant(early.at),
        "early_kwh": Decimal(early.more_kwh).quantize(Decimal("0.1")),
        "early_fits_kwh": Decimal(early.fits_kwh).quantize(Decimal("0.1")),
    }


def _learnt(outlook: Outlook, now: datetime) -> dict[str, Fact]:
    return {
        "early_departure_at": format_instant(outlook.departure_at(EARLY, now)),
        "usual_departure_at": format_instant(outlook.departure_at(0.5, now)),
        "usual_need_kwh": Decimal(outlook.need_kwh(0.5)).quantize(Decimal("0.1")),
        "high_need_kwh": Decimal(outlook.need_kwh(1 - EARLY)).quantize(Decimal("0.1")),
        "visits": outlook.visits,
        "visits_alike": outlook.alike,
    }


def _doing(plan: Plan, now: datetime, power_w: Decimal) -> Doing:
    if plan.unlimited_from <= now and power_w > 0:
        return Doing.NOT_LIMITED
    return Doing.CHARGING if power_w > 0 else Doing.DISCHARGING if power_w < 0 else Doing.PAUSED


def _why_now(plan: Plan, background: Background, doing: Doing) -> WhyNow:
    code = plan.reason.code
    if doing is Doing.NOT_LIMITED:
        return WhyNow.NOT_HELD
    if doing is Doing.DISCHARGING:
        return WhyNow.DEAR_NOW
    if doing is Doing.PAUSED:
        return _why_paused(plan, background)
    if background.at_once_until is not None and background.at_once_until > background.now:
        return WhyNow.ASKED_TO if background.is_boosted else WhyNow.MINIMUM
    now, then = background.price_now, background.price_then
    if code is ReasonCode.HABITS and now is not None and then is not None and now > then:
        return WhyNow.ODDS
    return _WHY_CHARGING.get(code, WhyNow.CHEAP_NOW)


_WHY_CHARGING = {
    ReasonCode.SHORT_OF_TIME: WhyNow.NO_TIME_LEFT,
    ReasonCode.SHARED_LIMIT: WhyNow.SHARED_LIMIT,
    ReasonCode.NEED_MET: WhyNow.PAID_TO,
    ReasonCode.NO_PRICES: WhyNow.NO_PRICES,
    ReasonCode.NEED_UNKNOWN: WhyNow.NOT_HELD,
    ReasonCode.PAST_DEPARTURE: WhyNow.NOT_HELD,
    ReasonCode.TOO_LITTLE_POWER: WhyNow.NOT_HELD,
}


def _why_paused(plan: Plan, background: Background) -> WhyNow:
    if background.is_capped_now:
        return WhyNow.CAPPED
    if plan.reason.code is ReasonCode.NEED_MET:
        return WhyNow.NEED_MET
    if plan.reason.code is ReasonCode.SHARED_LIMIT or (plan.rest_power_w is not None and not plan.blocks):
        return WhyNow.SHARED_LIMIT
    now, then = background.price_now, background.price_then
    if now is not None and then is not None and now > then:
        return WhyNow.CHEAPER_LATER
    if plan.reason.code is ReasonCode.HABITS:
        return WhyNow.ODDS
    return WhyNow.STEERED if background.is_steered_away else WhyNow.STEADY


def spans_of(plan: Plan, *, gives: bool = False) -> list[Span]:
    """Return when the car charges, or gives energy back, whatever the power: blocks that meet are one."""
    found: list[Span] = []
    for block in plan.blocks:
        if (block.power_w < 0) is gives:
            follows = bool(found) and found[-1][1] == block.start_at
            found.append((found.pop()[0] if follows else block.start_at, block.end_at))
    return found


def power_at(plan: Plan, at: datetime) -> Decimal:
    """Return what the car may draw at an instant, W; below 0 it gives."""
    for block in plan.blocks:
        if block.start_at <= at < block.end_at:
            return block.power_w
    if at < plan.unlimited_from:
        return Decimal(0)
    rest_w = plan.max_power_w if plan.rest_power_w is None else plan.rest_power_w
    return min([rest_w, *(each.power_w for each in plan.caps if each.start_at <= at < each.end_at)])


def next_change(plan: Plan, now: datetime) -> datetime | None:
    """Return when what the car may draw changes next; None where it does not any more."""
    edges = {plan.unlimited_from, *(at for each in (*plan.blocks, *plan.caps) for at in (each.start_at, each.end_at))}
    power_w = power_at(plan, now)
    return next((at for at in sorted(edges) if at > now and power_at(plan, at) != power_w), None)


def length_of(spans: Sequence[Span]) -> timedelta:
    return sum((end_at - start_at for start_at, end_at in spans), timedelta())


def _price(eur_per_kwh: float | None) -> Decimal | None:
    return None if eur_per_kwh is None else Decimal(eur_per_kwh).quantize(Decimal("0.0001"))


def _told_at(at: datetime | None) -> str | None:
    return None if at is None else format_instant(at)
