"""The reason of a plan, for a person and for a machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from offpeak.instants import format_instant
from offpeak.planning.outlook import Outlook
from offpeak.planning.plan import Fact, Plan, Reason, ReasonCode

DAYS_APART = timedelta(hours=20)
"""From this distance on a time of day needs its weekday."""

EARLY = 0.1
"""The share of cars that leave earlier than what is told as an early departure, or need more than a high need."""

MOST_SPANS = 3
"""As many spans of time a person reads; more become one sentence about all of them."""


def explain(plan: Plan, *, now: datetime, forecast_from: datetime | None, is_kept: bool, time_zone: str) -> Reason:
    """Return why a plan is as it is: a sentence or two in local time, and the facts they are made of.

    Of the plan's own reason only the code is read. `forecast_from` is where published prices end.
    """
    clock = _Clock(now, ZoneInfo(time_zone))
    sentences = [_sentence(plan, clock)]
    if forecast_from is not None and plan.blocks:
        sentences.append(f"Prices from {clock.time(forecast_from)} on are a forecast.")
    return Reason(plan.reason.code, " ".join(sentences), _facts(plan, forecast_from, is_kept=is_kept))


@dataclass(frozen=True, slots=True)
class GridHold:
    """From `start_at` to `end_at` signals of the grid leave a session `power_w`, less than it could draw."""

    start_at: datetime
    end_at: datetime
    power_w: Decimal
    signal_ids: tuple[str, ...]
    is_congestion: bool = False


@dataclass(frozen=True, slots=True)
class GridSteer:
    """Signals of the grid by which some time counts for up to `most_eur_per_kwh` more (or, below zero, less) than its
    price."""

    most_eur_per_kwh: Decimal
    signal_ids: tuple[str, ...]


def with_grid(
    reason: Reason,
    holds: Sequence[GridHold],
    steer: GridSteer | None,
    *,
    now: datetime,
    until: datetime,
    time_zone: str,
) -> Reason:
    """Return the reason of a plan with what signals of the grid have to do with it between `now` and `until`."""
    clock = _Clock(now, ZoneInfo(time_zone))
    held = [each for each in holds if each.start_at < until and each.end_at > now]
    if not held and steer is None:
        return reason
    sentences, facts = [reason.text], dict(reason.facts)
    ids = [signal_id for each in held for signal_id in each.signal_ids]
    if held:
        sentences.append(_hold_sentence(held, clock, until))
        facts["held_to_w"] = min(each.power_w for each in held)
    if steer is not None:
        what = "more" if steer.most_eur_per_kwh > 0 else "less"
        sentences.append(f"The grid's signals count, by up to {abs(steer.most_eur_per_kwh):.2f} EUR/kWh {what}.")
        facts["steered_by_eur_per_kwh"] = steer.most_eur_per_kwh
        ids += steer.signal_ids
    facts["signals"] = " ".join(dict.fromkeys(ids))
    return Reason(reason.code, " ".join(sentences), facts)


def with_habits(reason: Reason, outlook: Outlook, *, now: datetime, time_zone: str) -> Reason:
    """Return the reason of a plan with what past visits tell of this one."""
    clock = _Clock(now, ZoneInfo(time_zone))
    early_at, usual_at = outlook.departure_at(EARLY, now), outlook.departure_at(0.5, now)
    usual, high = (Decimal(outlook.need_kwh(share)).quantize(Decimal("0.1")) for share in (0.5, 1 - EARLY))
    known = f"{outlook.visits} visits, {outlook.alike} of them at such a time" if outlook.visits else "others' visits"
    text = (
        f"By {known}, nine cars of ten stay beyond {clock.time(early_at)} and half beyond {clock.time(usual_at)};"
        f" half still take up to {usual} kWh, nine of ten up to {high} kWh."
    )
    facts: dict[str, Fact] = {
        **reason.facts,
        "early_departure_at": format_instant(early_at),
        "usual_departure_at": format_instant(usual_at),
        "usual_need_kwh": usual,
        "high_need_kwh": high,
        "visits": outlook.visits,
        "visits_alike": outlook.alike,
    }
    return Reason(reason.code, f"{reason.text} {text}", facts)


def _hold_sentence(held: Sequence[GridHold], clock: _Clock, until: datetime) -> str:
    why = "grid congestion" if any(each.is_congestion for each in held) else "a cap of the grid"
    lowest_w = min(each.power_w for each in held)
    power = f"held to {lowest_w / 1000:.1f} kW" if lowest_w else "held to nothing"
    least = "" if len(held) == 1 else " or more"
    to = f"to {clock.time(held[-1].end_at)}" if held[-1].end_at < until else "on"
    return f"Power is {power}{least} from {clock.time(held[0].start_at)} {to}: {why}."


def _sentence(plan: Plan, clock: _Clock) -> str:
    by = clock.time(plan.departure_at)
    when = clock.spans(_stretches(plan))
    match plan.reason.code:
        case ReasonCode.CHEAPEST:
            return f"Charges {when}, the cheapest {_length(plan)} before {by}; {_saving(plan)}."
        case ReasonCode.HABITS if not plan.blocks:
            return f"Waits until {by}: by what is usual here, it pays to charge elsewhere."
        case ReasonCode.HABITS:
            return f"Charges {when}, the best time by what is usual here; {_saving(plan)}, if it stays as usual."
        case ReasonCode.AT_ONCE:
            return f"Charges at once, {when}: no later time before {by} is cheaper."
        case ReasonCode.SHORT_OF_TIME:
            fits, need = plan.need_kwh - plan.shortfall_kwh, plan.need_kwh
            return f"Charges without a pause: only {fits:.1f} of the {need:.1f} kWh needed fit before {by}."
        case ReasonCode.SHARED_LIMIT if plan.shortfall_kwh:
            fits, need = plan.need_kwh - plan.shortfall_kwh, plan.need_kwh
            return f"The limit it shares with others leaves {fits:.1f} of the {need:.1f} kWh needed before {by}."
        case ReasonCode.SHARED_LIMIT:
            return f"Charges {when}, where the limit it shares with others leaves room; {_saving(plan)}."
        case ReasonCode.NEED_MET if plan.blocks:
            return f"Has what it needs; charges {when}, when energy costs less than nothing."
        case ReasonCode.NEED_MET:
            return f"Has what it needs; is paused until {by}."
        case ReasonCode.NEED_UNKNOWN:
            return "Has what it was expected to need; is not limited, as it may want more."
        case ReasonCode.PAST_DEPARTURE:
            return f"Is still here after {by}, when it was expected to leave; is not limited."
        case ReasonCode.TOO_LITTLE_POWER:
            return "Is not limited: the charger's maximum is less than a car can charge at."
        case ReasonCode.GIVES_BACK:
            back = clock.spans(_stretches(plan, gives=True))
            charges = f"Charges {when}, and gives" if when else "Gives"
            return f"{charges} energy back {back}; has what it needs by {by}, {_saving(plan)}."
        case ReasonCode.NO_PRICES:
            return f"Charges at once, {when}: no prices are known."


def _facts(plan: Plan, forecast_from: datetime | None, *, is_kept: bool) -> dict[str, Fact]:
    facts: dict[str, Fact] = {
        "departure_at": format_instant(plan.departure_at),
        "unlimited_from": format_instant(plan.unlimited_from),
        "need_kwh": plan.need_kwh,
        "shortfall_kwh": plan.shortfall_kwh,
        "saving_eur": plan.saving_eur,
        "blocks": len(plan.blocks),
        "charging_s": int(_charging(plan).total_seconds()),
        "kept": is_kept,
    }
    if plan.blocks:
        facts["starts_at"] = format_instant(plan.blocks[0].start_at)
        facts["ends_at"] = format_instant(plan.blocks[-1].end_at)
    if forecast_from is not None:
        facts["forecast_from"] = format_instant(forecast_from)
    return facts


class _Clock:
    """Writes instants as a person at `now` in `zone` would say them."""

    def __init__(self, now: datetime, zone: ZoneInfo) -> None:
        self._now = now
        self._zone = zone

    def time(self, at: datetime) -> str:
        form = "%H:%M" if abs(at - self._now) < DAYS_APART else "%a %H:%M"
        return at.astimezone(self._zone).strftime(form)

    def spans(self, stretches: Sequence[tuple[datetime, datetime]]) -> str:
        spans = [f"from {self.time(start_at)} to {self.time(end_at)}" for start_at, end_at in stretches]
        if len(spans) > MOST_SPANS:
            first, last = stretches[0], stretches[-1]
            return f"in {len(spans)} pieces from {self.time(first[0])} to {self.time(last[1])}"
        return " and ".join(", ".join(spans).rsplit(", ", 1))


def _stretches(plan: Plan, *, gives: bool = False) -> list[tuple[datetime, datetime]]:
    """Return when the car charges, or gives energy back, whatever the power: blocks that meet are one."""
    found: list[tuple[datetime, datetime]] = []
    for block in plan.blocks:
        if (block.power_w < 0) is gives:
            follows = bool(found) and found[-1][1] == block.start_at
            found.append((found.pop()[0] if follows else block.start_at, block.end_at))
    return found


def _length(plan: Plan) -> str:
    hours, minutes = divmod(max(1, round(_charging(plan).total_seconds() / 60)), 60)
    return " ".join(each for each in (f"{hours} h" if hours else "", f"{minutes} min" if minutes else "") if each)


def _charging(plan: Plan) -> timedelta:
    return sum((end_at - start_at for start_at, end_at in _stretches(plan)), timedelta())


def _saving(plan: Plan) -> str:
    return f"saves {max(plan.saving_eur, Decimal(0)):.2f} EUR against charging at once"
