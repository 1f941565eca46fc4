"""Signals of the grid: what somebody who runs it asks of all sessions of a bidding zone, or of a limit group. Pure.

Where signals meet, the rules are: the lowest cap wins; price adders add up; an operator's word on carbon intensity
stands before a feed's, and of two of the same rank the higher counts.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise


class SignalKind(StrEnum):
    CAP = "CAP"
    """The most power, W: of each session of a zone, or of a limit group as a whole."""
    PRICE_ADDER = "PRICE_ADDER"
    """EUR/kWh by which a time counts as dearer (or, below zero, cheaper) than it is; nobody is charged it."""
    CARBON = "CARBON"
    """Grams of CO2 equivalent that a kWh from the grid stands for; each partner says what a kilogram weighs."""
    CONGESTION = "CONGESTION"
    """An event with an end, in which each session of a zone keeps this share of its own power, or a limit group this
    share of its limit; 0 is a pause."""


VALUES: Mapping[SignalKind, str] = {
    SignalKind.CAP: "power_w",
    SignalKind.PRICE_ADDER: "eur_per_kwh",
    SignalKind.CARBON: "g_per_kwh",
    SignalKind.CONGESTION: "share",
}
"""What the value of a step is called, with its unit, outside of this code."""

FEED = "feed."
"""The ids of signals that a feed keeps begin so; operators look at them, and announce their own."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whom a signal concerns: the sessions of a bidding zone, or those of a limit group and of all groups below it."""

    zone: str | None = None
    group: str | None = None

    def __post_init__(self) -> None:
        assert (self.zone is None) != (self.group is None), "a zone or a group"

    @property
    def text(self) -> str:
        """The scope as a key: no zone and no group share one."""
        return f"ZONE#{self.zone}" if self.zone is not None else f"GROUP#{self.group}"


def scope_of(text: str) -> Scope:
    """Return the scope that a key names."""
    kind, _, name = text.partition("#")
    return Scope(zone=name) if kind == "ZONE" else Scope(group=name)


@dataclass(frozen=True, slots=True)
class SignalStep:
    """A value that holds from `start_at` until the next step, or the signal's end; VALUES tells its unit."""

    start_at: datetime
    value: Decimal


@dataclass(frozen=True, slots=True)
class Signal:
    """What is asked of a scope, by steps that ascend. It stands until it is withdrawn or, where it has one, its end.

    `source` is who says so, fit to print. `revision` counts its changes; a signal that is not stored yet has 0.
    """

    signal_id: str
    scope: Scope
    kind: SignalKind
    steps: tuple[SignalStep, ...]
    end_at: datetime | None
    source: str
    note: str | None = None
    revision: int = 0

    @property
    def start_at(self) -> datetime:
        return self.steps[0].start_at

    @property
    def is_of_a_feed(self) -> bool:
        return self.signal_id.startswith(FEED)

    def touches(self, start_at: datetime, end_at: datetime) -> bool:
        """Say whether it says something about this time."""
        return self.start_at < end_at and (self.end_at is None or self.end_at > start_at)

    def value_at(self, at: datetime) -> Decimal | None:
        """Return what it says of an instant, None where it says nothing."""
        if self.end_at is not None and at >= self.end_at:
            return None
        begun = bisect_right(self.steps, at, key=lambda step: step.start_at)
        return self.steps[begun - 1].value if begun else None


@dataclass(frozen=True, slots=True)
class Condition:
    """What signals ask from `start_at` to `end_at`, each beside the ids of the signals that it comes of.

    `power_w` is None where there is no cap, `g_per_kwh` where nobody tells the intensity.
    """

    start_at: datetime
    end_at: datetime
    power_w: Decimal | None = None
    share: Decimal = Decimal(1)
    adder_eur_per_kwh: Decimal = Decimal(0)
    g_per_kwh: Decimal | None = None
    power_ids: tuple[str, ...] = ()
    share_ids: tuple[str, ...] = ()
    steer_ids: tuple[str, ...] = ()

    def cap_w(self, max_power_w: int) -> Decimal:
        """Return the most that a session may draw, W, which could draw `max_power_w`."""
        shared = max_power_w * self.share
        return shared if self.power_w is None else min(self.power_w, shared)


@dataclass(frozen=True, slots=True)
class Conditions:
    """The conditions of a span of time: ascending, without overlap, and only where signals say something."""

    spans: tuple[Condition, ...] = ()

    def at(self, instant: datetime) -> Condition | None:
        """Return what holds at an instant, None where signals say nothing."""
        begun = bisect_right(self.spans, instant, key=lambda span: span.start_at)
        span = self.spans[begun - 1] if begun else None
        return span if span is not None and instant < span.end_at else None


def conditions(
    signals: Iterable[Signal], zone: str, groups: Collection[str], start_at: datetime, end_at: datetime
) -> Conditions:
    """Return what signals ask of one session from `start_at` to `end_at`.

    `zone` is the session's bidding zone, `groups` are its limit group and all above it. A group's caps and congestion
    concern its members together (see `group_caps`), so of a group only adders and intensity count here.
    """
    mine = [each for each in signals if each.touches(start_at, end_at) and _concerns(each, zone, groups)]
    return Conditions(tuple(_joined(_spans(mine, start_at, end_at))))


def group_caps(signals: Iterable[Signal], group: str, start_at: datetime, end_at: datetime) -> Conditions:
    """Return what signals ask of a limit group as a whole: caps and shares of its limit."""
    its = [each for each in signals if each.scope.group == group and each.kind in CAPPING]
    return Conditions(
        tuple(_joined(_spans([each for each in its if each.touches(start_at, end_at)], start_at, end_at)))
    )


_Said = list[tuple[Signal, Decimal]]
"""Signals with what they say of one instant."""

CAPPING = frozenset({SignalKind.CAP, SignalKind.CONGESTION})


def _concerns(signal: Signal, zone: str, groups: Collection[str]) -> bool:
    if signal.scope.zone is not None:
        return signal.scope.zone == zone
    return signal.scope.group in groups and signal.kind not in CAPPING


def _spans(signals: list[Signal], start_at: datetime, end_at: datetime) -> Iterator[Condition]:
    """Yield the conditions between any two instants at which a signal may change."""
    instants = {start_at, end_at}
    for each in signals:
        instants |= {step.start_at for step in each.steps}
        instants |= {each.end_at} if each.end_at else set()
    for at, until in pairwise(sorted(instant for instant in instants if start_at <= instant <= end_at)):
        said = [(each, value) for each in signals if (value := each.value_at(at)) is not None]
        if said:
            yield _condition(at, until, sorted(said, key=lambda pair: pair[0].signal_id))


def _condition(at: datetime, until: datetime, said: _Said) -> Condition:
    def of(kind: SignalKind) -> _Said:
        return [(each, value) for each, value in said if each.kind is kind]

    caps, shares = _lowest(of(SignalKind.CAP)), _lowest(of(SignalKind.CONGESTION))
    adders, told = of(SignalKind.PRICE_ADDER), _told(of(SignalKind.CARBON))
    return Condition(
        at,
        until,
        power_w=caps[0][1] if caps else None,
        share=shares[0][1] if shares else Decimal(1),
        adder_eur_per_kwh=sum((value for _, value in adders), Decimal(0)),
        g_per_kwh=told[0][1] if told else None,
        power_ids=_ids(caps),
        share_ids=_ids(shares),
        steer_ids=_ids([*adders, *told]),
    )


def _lowest(said: _Said) -> _Said:
    """Return those whose value is the lowest: the others change nothing."""
    lowest = min((value for _, value in said), default=None)
    return [(each, value) for each, value in said if value == lowest]


def _told(said: _Said) -> _Said:
    """Return those whose intensity counts."""
    first = [pair for pair in said if not pair[0].is_of_a_feed] or said
    highest = max((value for _, value in first), default=None)
    return [(each, value) for each, value in first if value == highest]


def _ids(said: _Said) -> tuple[str, ...]:
    return tuple(each.signal_id for each, _ in said)


def _joined(spans: Iterable[Condition]) -> Iterator[Condition]:
    """Yield spans with equal neighbours made one."""
    last: Condition | None = None
    for span in spans:
        if last is not None and last.end_at == span.start_at and _same(last, span):
            last = _until(last, span.end_at)
            continue
        if last is not None:
            yield last
        last = span
    if last is not None:
        yield last


def _same(one: Condition, other: Condition) -> bool:
    return _until(one, other.end_at, other.start_at) == other


def _until(span: Condition, end_at: datetime, start_at: datetime | None = None) -> Condition:
    return replace(span, start_at=start_at or span.start_at, end_at=end_at)


LOOKS_AHEAD = timedelta(days=7)
"""No session is planned further than this."""


def concerns_now(signals: Iterable[Signal], now: datetime) -> bool:
    """Say whether one of these says something about the time that running sessions may be planned for.

    What begins later is found by the plans of then, and what is over changes no plan.
    """
    return any(each.touches(now, now + LOOKS_AHEAD) for each in signals)
