"""The reason of a plan, for a person and for a machine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from offpeak.instants import format_instant
from offpeak.planning.plan import Block, Fact, Reason, ReasonCode


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was decided, as far as the reason needs it."""

    code: ReasonCode
    now: datetime
    departure_at: datetime
    need_kwh: Decimal
    blocks: tuple[Block, ...]
    saving_eur: Decimal
    shortfall_kwh: Decimal
    forecast_from: datetime | None
    is_kept: bool
    time_zone: str


def explain(outcome: Outcome) -> Reason:
    """Return the reason: one or two sentences in local time, and the facts they are made of."""
    sentences = [_sentence(outcome)]
    if outcome.forecast_from is not None and outcome.blocks:
        sentences.append(f"Prices from {_clock(outcome, outcome.forecast_from)} on are a forecast.")
    return Reason(outcome.code, " ".join(sentences), _facts(outcome))


def _sentence(outcome: Outcome) -> str:
    by = _clock(outcome, outcome.departure_at)
    when = _when(outcome)
    match outcome.code:
        case ReasonCode.CHEAPEST:
            return f"Charges {when}, the cheapest {_length(outcome)} before {by}; {_saving(outcome)}."
        case ReasonCode.AT_ONCE:
            return f"Charges at once, {when}: no later time before {by} is cheaper."
        case ReasonCode.SHORT_OF_TIME:
            fits = outcome.need_kwh - outcome.shortfall_kwh
            return f"Charges without a pause: only {fits:.1f} of the {outcome.need_kwh:.1f} kWh needed fit before {by}."
        case ReasonCode.NEED_MET if outcome.blocks:
            return f"Has what it needs; charges {when}, when energy costs less than nothing."
        case ReasonCode.NEED_MET:
            return f"Has what it needs; is paused until {by}."
        case ReasonCode.NEED_UNKNOWN:
            return "Has what it was expected to need; is not limited, as it may want more."
        case ReasonCode.PAST_DEPARTURE:
            return f"Is still here after {by}, when it was expected to leave; is not limited."
        case ReasonCode.TOO_LITTLE_POWER:
            return "Is not limited: the charger gives less than the least power that a car charges at."
        case ReasonCode.NO_PRICES:
            return f"Charges at once, {when}: no prices are known."


def _facts(outcome: Outcome) -> dict[str, Fact]:
    facts: dict[str, Fact] = {
        "departure_at": format_instant(outcome.departure_at),
        "need_kwh": outcome.need_kwh,
        "saving_eur": outcome.saving_eur,
        "shortfall_kwh": outcome.shortfall_kwh,
        "blocks": len(outcome.blocks),
        "kept": outcome.is_kept,
    }
    if outcome.blocks:
        facts["starts_at"] = format_instant(outcome.blocks[0].start_at)
        facts["ends_at"] = format_instant(outcome.blocks[-1].end_at)
        facts["charging_s"] = int(_charging(outcome).total_seconds())
    if outcome.forecast_from is not None:
        facts["forecast_from"] = format_instant(outcome.forecast_from)
    return facts


def _when(outcome: Outcome) -> str:
    spans = [f"from {_clock(outcome, each.start_at)} to {_clock(outcome, each.end_at)}" for each in outcome.blocks]
    if len(spans) > 3:
        first, last = outcome.blocks[0], outcome.blocks[-1]
        return f"in {len(spans)} parts from {_clock(outcome, first.start_at)} to {_clock(outcome, last.end_at)}"
    return " and ".join(", ".join(spans).rsplit(", ", 1))


def _length(outcome: Outcome) -> str:
    minutes = max(1, round(_charging(outcome).total_seconds() / 60))
    hours, minutes = divmod(minutes, 60)
    return " ".join([*([f"{hours} h"] if hours else []), *([f"{minutes} min"] if minutes else [])])


def _charging(outcome: Outcome) -> timedelta:
    return sum((each.end_at - each.start_at for each in outcome.blocks), timedelta())


def _saving(outcome: Outcome) -> str:
    return f"saves {max(outcome.saving_eur, Decimal(0)):.2f} EUR against charging at once"


def _clock(outcome: Outcome, at: datetime) -> str:
    """Return the local time, with the weekday where it is a day or more away."""
    zone = ZoneInfo(outcome.time_zone)
    form = "%H:%M" if abs(at - outcome.now) < timedelta(hours=20) else "%a %H:%M"
    return at.astimezone(zone).strftime(form)
