"""What plans say, as patterns of one language; another language is another `Wording`, and no code knows a word.

A reason is whole sentences, one after the other: the one of its code first. Their patterns are filled with values only:
times, amounts, and times of charging as `when` and `back` in the language's own way of listing them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from offpeak.planning.facts import Span

DAYS_APART = timedelta(hours=20)
"""From this distance on a time of day needs its weekday."""

MOST_SPANS = 3
"""As many spans of time a person reads; more become one about all of them."""


@dataclass(frozen=True, slots=True)
class Wording:
    """`sentences` are by the code of a reason, or that and a variant, and by what is said after it. `lists` are for
    one span of time, two, and so on up to MOST_SPANS, `pieces` for more. `weekdays` begin with Monday."""

    sentences: Mapping[str, str]
    weekdays: Sequence[str]
    weekday_time: str
    span: str
    lists: Sequence[str]
    pieces: str
    hours: str
    minutes: str
    hours_and_minutes: str


ENGLISH = Wording(
    sentences={
        "CHEAPEST": "Charges {when}, the cheapest {length} before {by}; saves {saving} EUR against charging at once.",
        "HABITS": "Charges {when}, the best time by what is usual here; "
        "saves {saving} EUR against charging at once, if it stays as usual.",
        "HABITS/NOT_HERE": "Waits until {by}: by what is usual here, it pays to charge elsewhere.",
        "AT_ONCE": "Charges at once, {when}: no later time before {by} is cheaper.",
        "AT_ONCE/MINIMUM": "Charges at once, {when}, whatever the price: it has less than it is to have soon.",
        "BOOST": "Charges at once, {when}: it was asked to, whatever the price.",
        "SHORT_OF_TIME": "Charges without a pause: only {fits} of the {need} kWh needed fit before {by}.",
        "SHORT_OF_TIME/PAUSES": "Charges whenever it may: only {fits} of the {need} kWh needed fit before {by}.",
        "SHARED_LIMIT": "Charges {when}, where the limit it shares with others leaves room; "
        "saves {saving} EUR against charging at once.",
        "SHARED_LIMIT/SHORT": "The limit it shares with others leaves {fits} of the {need} kWh needed before {by}.",
        "NEED_MET": "Has what it needs; is paused until {by}.",
        "NEED_MET/PAID": "Has what it needs; charges {when}, when energy costs less than nothing.",
        "NEED_UNKNOWN": "Has what it was expected to need; is not limited, as it may want more.",
        "NEED_UNKNOWN/SHARED": "Has what it was expected to need; if it wants more, "
        "it gets what the limit it shares with others leaves.",
        "PAST_DEPARTURE": "Is still here after {by}, when it was expected to leave; is not limited.",
        "PAST_DEPARTURE/SHARED": "Is still here after {by}, when it was expected to leave; "
        "gets what the limit it shares with others leaves.",
        "TOO_LITTLE_POWER": "Is not limited: the charger's maximum is less than a car can charge at.",
        "TOO_LITTLE_POWER/SHARED": "The charger's maximum is less than a car can charge at; "
        "it gets what the limit it shares with others leaves.",
        "GIVES_BACK": "Charges {when}, and gives energy back {back}; has what it needs by {by}, "
        "saves {saving} EUR against charging at once.",
        "GIVES_BACK/ONLY": "Gives energy back {back}; has what it needs by {by}, "
        "saves {saving} EUR against charging at once.",
        "NO_PRICES": "Charges at once, {when}: no prices are known.",
        "PRICE_NOW": "A kWh costs {price_now} EUR now and {price_then} EUR then.",
        "MINIMUM": "Until {until} it charges whatever the price, for the least that it is to have soon.",
        "EARLY": "By {early} it will have got {kwh} kWh more, in case it leaves then.",
        "EARLY/SHORT": "By {early}, when it might leave, only {fits} of the {kwh} kWh fit that it is to have got more.",
        "BOOSTED": "Until {until} it charges whatever the price, as it was asked to.",
        "CAPPED_NOW": "It pauses for now, as less power is left for it than a car charges at.",
        "KEPT": "This was planned at {made}; another plan would save too little to move it.",
        "LEARNT": "By {visits} visits, {alike} of them at such a time, nine cars of ten stay beyond {early} and half "
        "beyond {usual}; half still take up to {usual_need} kWh, nine of ten up to {high_need} kWh.",
        "LEARNT/FEW": "Little is known of this charger yet, so anything may happen; by the few visits there were, nine "
        "cars of ten stay beyond {early} and half beyond {usual}; half still take up to {usual_need} kWh, nine of ten "
        "up to {high_need} kWh.",
        "LEARNT/OTHERS": "By others' visits, nine cars of ten stay beyond {early} and half beyond {usual}; "
        "half still take up to {usual_need} kWh, nine of ten up to {high_need} kWh.",
        "FORECAST": "Prices from {forecast_from} on are a forecast.",
        "HELD": "Power is held to {power} kW from {start} to {end}.",
        "HELD/ON": "Power is held to {power} kW from {start} on.",
        "HELD/STEPS": "Power is held to {power} kW or more from {start} to {end}.",
        "HELD/STEPS/ON": "Power is held to {power} kW or more from {start} on.",
        "HELD_BY/CAP": "That is a cap of the grid.",
        "HELD_BY/CONGESTION": "That is grid congestion.",
        "STEERED/DEARER": "The grid's signals count, by up to {steer} EUR/kWh more.",
        "STEERED/CHEAPER": "The grid's signals count, by up to {steer} EUR/kWh less.",
    },
    weekdays=("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    weekday_time="{weekday} {time}",
    span="from {start} to {end}",
    lists=("{0}", "{0} and {1}", "{0}, {1} and {2}"),
    pieces="in {count} pieces from {start} to {end}",
    hours="{hours} h",
    minutes="{minutes} min",
    hours_and_minutes="{hours} h {minutes} min",
)


class Clock:
    """Writes instants as a person at `now` in `zone` would say them."""

    def __init__(self, now: datetime, zone: ZoneInfo, wording: Wording) -> None:
        self._now = now
        self._zone = zone
        self._wording = wording

    def time(self, at: datetime) -> str:
        local = at.astimezone(self._zone)
        time = f"{local:%H:%M}"
        if abs(at - self._now) < DAYS_APART:
            return time
        return self._wording.weekday_time.format(weekday=self._wording.weekdays[local.weekday()], time=time)

    def spans(self, spans: Sequence[Span]) -> str:
        """Return when something is; empty where it never is."""
        if not spans:
            return ""
        if len(spans) > MOST_SPANS:
            first, last = self.time(spans[0][0]), self.time(spans[-1][1])
            return self._wording.pieces.format(count=len(spans), start=first, end=last)
        said = [self._wording.span.format(start=self.time(start), end=self.time(end)) for start, end in spans]
        return self._wording.lists[len(said) - 1].format(*said)

    def length(self, length: timedelta) -> str:
        hours, minutes = divmod(max(1, round(length.total_seconds() / 60)), 60)
        if not hours:
            return self._wording.minutes.format(minutes=minutes)
        pattern = self._wording.hours_and_minutes if minutes else self._wording.hours
        return pattern.format(hours=hours, minutes=minutes)
