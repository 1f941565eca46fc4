"""Signals as operators write and read them: bounded, and checked by name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from offpeak.errors import InvalidMessage
from offpeak.grid.model import FEED, VALUES, Scope, Signal, SignalKind, SignalStep
from offpeak.instants import format_instant
from offpeak.ocpi.fields import Instant, Text, read_object
from offpeak.ocpi.wire_json import JsonValue
from offpeak.partners.settings import BiddingZone

MOST_STEPS = 200
"""Two days of quarter-hours, and a little more."""
FURTHEST_AHEAD = timedelta(days=400)
FURTHEST_BACK = timedelta(days=31)
"""A signal may have begun before it is announced, but not for ever ago."""

SignalId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
GroupName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
Name = Annotated[Text, StringConstraints(min_length=1, max_length=100)]
Power = Annotated[int, Field(ge=0, le=10**9)]
Adder = Annotated[Decimal, Field(ge=-10, le=10, max_digits=12, allow_inf_nan=False)]
Intensity = Annotated[Decimal, Field(ge=0, le=5000, max_digits=12, allow_inf_nan=False)]
Share = Annotated[Decimal, Field(ge=0, le=1, max_digits=12, allow_inf_nan=False)]


class _Object(BaseModel):
    """A name that does not exist is a mistake, not a wish."""

    model_config = ConfigDict(extra="forbid")


class StepObject(_Object):
    """What holds from `start_at` until the next step: the one value that the signal's kind is about."""

    start_at: Instant
    power_w: Power | None = None
    eur_per_kwh: Adder | None = None
    g_per_kwh: Intensity | None = None
    share: Share | None = None


class SignalObject(_Object):
    """Either `zone`, a bidding zone, or `group`, any limit group of a tree, is given."""

    zone: BiddingZone | None = None
    group: GroupName | None = None
    kind: SignalKind
    steps: Annotated[list[StepObject], Field(min_length=1, max_length=MOST_STEPS)]
    end_at: Instant | None = None
    source: Name = "operator"
    note: Name | None = None


class NewSignalObject(SignalObject):
    """`signal_id` makes a repeated request one signal; it is made up where it is left out."""

    signal_id: SignalId | None = None


def read_signal(value: JsonValue, signal_id: str, now: datetime) -> Signal:
    """Read a signal as it is to be from now on. Raises InvalidMessage naming the field."""
    return _signal(read_object(SignalObject, value), signal_id, now)


def read_new_signal(value: JsonValue, new_id: str, now: datetime) -> Signal:
    """Read a signal that is announced; `new_id` is for one that has none. Raises InvalidMessage naming the field."""
    said = read_object(NewSignalObject, value)
    return _signal(said, said.signal_id or new_id, now)


def read_scope(zone: str | None, group: str | None) -> Scope:
    """Return the scope that a query names. Raises InvalidMessage."""
    said = read_object(_ScopeObject, {"zone": zone, "group": group})
    return _scope(said.zone, said.group)


class _ScopeObject(_Object):
    zone: BiddingZone | None = None
    group: GroupName | None = None


def signal_shown(signal: Signal) -> dict[str, object]:
    """Return a signal as it is written, with its revision."""
    value = VALUES[signal.kind]
    return {
        "signal_id": signal.signal_id,
        "zone": signal.scope.zone,
        "group": signal.scope.group,
        "kind": signal.kind.value,
        "steps": [{"start_at": format_instant(each.start_at), value: _number(each.value)} for each in signal.steps],
        "end_at": format_instant(signal.end_at) if signal.end_at else None,
        "source": signal.source,
        "note": signal.note,
        "revision": signal.revision,
    }


def _signal(said: SignalObject, signal_id: str, now: datetime) -> Signal:
    if signal_id.startswith(FEED):
        raise InvalidMessage(
            "signal_id", f"begins with {FEED}, as those do that a feed keeps: announce one of your own"
        )
    scope = _scope(said.zone, said.group)
    steps = tuple(_step(said.kind, number, each) for number, each in enumerate(said.steps))
    _check_times(steps, said.end_at, now)
    if said.end_at is None and said.kind in (SignalKind.CARBON, SignalKind.CONGESTION):
        raise InvalidMessage("end_at", f"is required of {said.kind.value}")
    return Signal(signal_id, scope, said.kind, steps, said.end_at, said.source, said.note)


def _scope(zone: str | None, group: str | None) -> Scope:
    if zone is not None and group is not None:
        raise InvalidMessage("group", "cannot be given beside zone: a signal concerns one of them")
    if zone is None and group is None:
        raise InvalidMessage("zone", "is required, or group in its place")
    return Scope(zone, group)


def _step(kind: SignalKind, number: int, said: StepObject) -> SignalStep:
    wanted = VALUES[kind]
    for name in VALUES.values():
        value = getattr(said, name)
        if (value is None) == (name == wanted):
            problem = "is required" if name == wanted else "is no value"
            raise InvalidMessage(f"steps.{number}.{name}", f"{problem} of {kind.value}")
    return SignalStep(said.start_at, Decimal(getattr(said, wanted)))


def _check_times(steps: Sequence[SignalStep], end_at: datetime | None, now: datetime) -> None:
    for number, (before, after) in enumerate(pairwise(steps), start=1):
        if after.start_at <= before.start_at:
            raise InvalidMessage(f"steps.{number}.start_at", "must be after that of the step before")
    for name, at in (("steps.0.start_at", steps[0].start_at), (f"steps.{len(steps) - 1}.start_at", steps[-1].start_at)):
        _check_distance(name, at, now)
    if end_at is not None:
        _check_distance("end_at", end_at, now)
        if end_at <= steps[-1].start_at:
            raise InvalidMessage("end_at", "must be after the start of the last step")


def _check_distance(name: str, at: datetime, now: datetime) -> None:
    if at > now + FURTHEST_AHEAD:
        raise InvalidMessage(name, f"is more than {FURTHEST_AHEAD.days} days ahead")
    if at < now - FURTHEST_BACK:
        raise InvalidMessage(name, f"is more than {FURTHEST_BACK.days} days ago")


def _number(value: Decimal) -> int | Decimal:
    return int(value) if value == value.to_integral_value() else value


def changes_shown(before: Signal | None, after: Signal | None) -> list[tuple[str, Any, Any]]:
    """Return what differs between two states of a signal, by name, as the audit trail keeps it."""
    old, new = (signal_shown(each) if each else {} for each in (before, after))
    names = [name for name in {**old, **new} if name not in ("signal_id", "revision")]
    return [(name, old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)]
