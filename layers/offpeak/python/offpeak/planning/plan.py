"""A plan: when one session may charge and at what power, what that costs, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from offpeak.instants import format_instant, parse_instant

Fact = str | int | Decimal | bool


class ReasonCode(StrEnum):
    """Why a plan is as it is; each has its sentence (see wording.py)."""

    CHEAPEST = "CHEAPEST"
    """The cheapest time before departure, later than at once."""
    HABITS = "HABITS"
    """The best on average by what is usual at this charger: nobody said when the car leaves and what it needs."""
    AT_ONCE = "AT_ONCE"
    """Charging at once is as cheap as anything before departure."""
    BOOST = "BOOST"
    """Somebody wants it charged now, whatever the price."""
    SHORT_OF_TIME = "SHORT_OF_TIME"
    """The need does not fit before departure: full power all the time."""
    NEED_MET = "NEED_MET"
    """What the car is known to need is in it."""
    NEED_UNKNOWN = "NEED_UNKNOWN"
    """What the car was assumed to need is in it; it may want more, so it is not limited."""
    PAST_DEPARTURE = "PAST_DEPARTURE"
    """The car is still here after its departure; it is not limited."""
    TOO_LITTLE_POWER = "TOO_LITTLE_POWER"
    """The charger's maximum is less than a car can charge at; it is not limited."""
    SHARED_LIMIT = "SHARED_LIMIT"
    """A limit that the car shares with others moved its charging, or leaves too little for its need."""
    GIVES_BACK = "GIVES_BACK"
    """The car's battery gives energy where it is dear, and has what it needs by departure."""
    NO_PRICES = "NO_PRICES"
    """No price is known: charging at once."""


@dataclass(frozen=True, slots=True)
class Reason:
    """`text` is what a person reads, in local time; `facts` are the same for a machine (see reasons.py; instants as
    text)."""

    code: ReasonCode
    text: str
    facts: Mapping[str, Fact] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Block:
    """From `start_at` to `end_at`, in whole seconds, the car may draw up to `power_w`; less than 0 is discharging."""

    start_at: datetime
    end_at: datetime
    power_w: Decimal


@dataclass(frozen=True, slots=True)
class Plan:
    """Between `blocks` the car is paused; from `unlimited_from` on, after the last, it may draw `rest_power_w`, or
    `max_power_w` where that is None, and in `caps` no more than they say.

    `unlimited_from` is the departure, so that nobody who leaves late is stranded, or the time of the plan itself when
    there is no reason to hold the car back. `made_at` is when these blocks were decided: a plan that is kept keeps it.
    `ready_at` is when the need will be met, None when that is not before departure. `saving_eur` compares with drawing
    the need at full power from the start.
    """

    made_at: datetime
    departure_at: datetime
    need_kwh: Decimal
    max_power_w: Decimal
    unlimited_from: datetime
    reason: Reason
    blocks: tuple[Block, ...] = ()
    ready_at: datetime | None = None
    cost_eur: Decimal = Decimal(0)
    cost_at_once_eur: Decimal = Decimal(0)
    saving_eur: Decimal = Decimal(0)
    shortfall_kwh: Decimal = Decimal(0)
    uses_forecast: bool = False
    rest_power_w: Decimal | None = None
    caps: tuple[Block, ...] = ()


Row = dict[str, Any]


def to_row(plan: Plan) -> Row:
    """Return the plan as a plain dict of text, Decimals, bools, lists and dicts."""
    return {
        "made_at": format_instant(plan.made_at),
        "departure_at": format_instant(plan.departure_at),
        "need_kwh": plan.need_kwh,
        "max_power_w": plan.max_power_w,
        "blocks": [_block_to_row(each) for each in plan.blocks],
        "unlimited_from": format_instant(plan.unlimited_from),
        "ready_at": format_instant(plan.ready_at) if plan.ready_at else None,
        "cost_eur": plan.cost_eur,
        "cost_at_once_eur": plan.cost_at_once_eur,
        "saving_eur": plan.saving_eur,
        "shortfall_kwh": plan.shortfall_kwh,
        "uses_forecast": plan.uses_forecast,
        "rest_power_w": plan.rest_power_w,
        "caps": [_block_to_row(each) for each in plan.caps],
        "reason": {"code": plan.reason.code.value, "text": plan.reason.text, "facts": dict(plan.reason.facts)},
    }


def from_row(row: Mapping[str, Any]) -> Plan:
    """Return the plan that `to_row` wrote, now or when plans held less."""
    return Plan(
        made_at=parse_instant(row["made_at"]),
        departure_at=parse_instant(row["departure_at"]),
        need_kwh=row["need_kwh"],
        max_power_w=row["max_power_w"],
        unlimited_from=parse_instant(row["unlimited_from"]),
        reason=Reason(ReasonCode(row["reason"]["code"]), row["reason"]["text"], row["reason"]["facts"]),
        blocks=tuple(_block_from_row(each) for each in row["blocks"]),
        ready_at=parse_instant(row["ready_at"]) if row.get("ready_at") else None,
        cost_eur=row["cost_eur"],
        cost_at_once_eur=row["cost_at_once_eur"],
        saving_eur=row["saving_eur"],
        shortfall_kwh=row["shortfall_kwh"],
        uses_forecast=row["uses_forecast"],
        rest_power_w=row.get("rest_power_w"),
        caps=tuple(_block_from_row(each) for each in row.get("caps") or ()),
    )


def _block_to_row(block: Block) -> Row:
    return {
        "start_at": format_instant(block.start_at),
        "end_at": format_instant(block.end_at),
        "power_w": block.power_w,
    }


def _block_from_row(row: Mapping[str, Any]) -> Block:
    return Block(parse_instant(row["start_at"]), parse_instant(row["end_at"]), row["power_w"])
