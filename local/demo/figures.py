"""From what the stack has recorded to figures: energy, cost, cost at once, readiness, latencies. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from math import ceil

from local.demo.records import PartnerRecord, SessionRecord
from offpeak.partners.model import ParkingTimeMeaning, Partner
from offpeak.prices.model import PriceCurve
from offpeak.profiles.likeness import in_watts
from offpeak.profiles.model import ProfileRequest, RequestKind, RequestState, Step
from offpeak.profiles.situation import departure_of, need_kwh
from offpeak.sessions.charging_state import IDLE_W
from offpeak.sessions.energy import mean_power_w, state_of_charge
from offpeak.sessions.model import KnownSession, Session

HOUR = timedelta(hours=1)
TELLING = timedelta(minutes=3)
"""A charging period must last so long before its mean power says what the car can draw."""
READY_SHARE = 0.99


@dataclass(frozen=True, slots=True)
class Drawn:
    """A time of constant power."""

    start_at: datetime
    end_at: datetime
    kwh: float

    @property
    def power_w(self) -> float:
        return self.kwh * 1000 / ((self.end_at - self.start_at) / HOUR)

    def until(self, at: datetime) -> float:
        """Return how much of it was drawn by `at`, kWh."""
        return self.kwh * max(0.0, min(1.0, (at - self.start_at) / (self.end_at - self.start_at)))


@dataclass(frozen=True, slots=True)
class Granted:
    """From `start_at` on the charger held the car to `limit_w`; None: to nothing."""

    start_at: datetime
    limit_w: float | None


@dataclass(frozen=True, slots=True)
class SessionFigures:
    """A session in figures. `at_once` is the same energy, drawn from plug-in at the most that the car has shown.

    `departure_at` is the one that its plans worked to. It is ready when by then at least 99 % of its need was
    delivered: by then the planner's own need - of the battery where its state of charge is told, else of the
    partner's default - was down to 1 % of the whole, or a car that tells nothing had stopped asking by itself.
    """

    session_id: str
    partner_id: str
    start_at: datetime
    end_at: datetime
    drawn: tuple[Drawn, ...]
    at_once: Drawn | None
    cost_eur: float
    cost_at_once_eur: float
    departure_at: datetime
    is_ready: bool
    granted: tuple[Granted, ...]

    @property
    def kwh(self) -> float:
        return sum(each.kwh for each in self.drawn)

    @property
    def saving_eur(self) -> float:
        return self.cost_at_once_eur - self.cost_eur

    @property
    def left_early(self) -> bool:
        """Say whether the car left before the departure that its plans worked to."""
        return self.end_at < self.departure_at


@dataclass(frozen=True, slots=True)
class Latency:
    """Of `count` measured times, the value that half of them and 99 % of them stay within, milliseconds."""

    count: int
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True)
class Figures:
    """Sessions and profile requests of one partner, or of all."""

    name: str
    sessions: tuple[SessionFigures, ...]
    requests: tuple[ProfileRequest, ...]

    @cached_property
    def kwh(self) -> float:
        return sum(each.kwh for each in self.sessions)

    @cached_property
    def cost_eur(self) -> float:
        return sum(each.cost_eur for each in self.sessions)

    @cached_property
    def cost_at_once_eur(self) -> float:
        return sum(each.cost_at_once_eur for each in self.sessions)

    @property
    def saving_eur(self) -> float:
        return self.cost_at_once_eur - self.cost_eur

    @property
    def saving_share(self) -> float | None:
        """What share of the cost at once was saved; None where that was nothing, or less than nothing."""
        return self.saving_eur / self.cost_at_once_eur if self.cost_at_once_eur > 0 else None

    @property
    def ready(self) -> int:
        return sum(each.is_ready for each in self.sessions)

    @property
    def left_early(self) -> int:
        """How many of those that were not ready had left before the departure that was planned for."""
        return sum(each.left_early and not each.is_ready for each in self.sessions)

    def count(self, step: Step) -> int:
        """Return how many profiles went through a step."""
        return sum(step in each.steps for each in self.requests if each.kind is not RequestKind.GET)

    @cached_property
    def received_to_sent(self) -> Latency | None:
        return latency(self.requests, Step.RECEIVED, Step.SENT)

    @cached_property
    def sent_to_confirmed(self) -> Latency | None:
        return latency(self.requests, Step.SENT, Step.CONFIRMED)


def figures_of(record: PartnerRecord) -> Figures:
    """Work out one partner's figures."""
    return Figures(
        name=record.partner.name,
        sessions=tuple(session_figures(each, record.partner, record.prices) for each in record.sessions),
        requests=tuple(request for each in record.sessions for request in each.requests),
    )


def together(parts: Sequence[Figures], name: str = "All") -> Figures:
    return Figures(
        name,
        tuple(session for part in parts for session in part.sessions),
        tuple(request for part in parts for request in part.requests),
    )


def session_figures(record: SessionRecord, partner: Partner, prices: PriceCurve) -> SessionFigures:
    session, known = record.known.session, record.known
    drawn = drawn_of(session, float(known.delivered_kwh))
    at_once = at_once_of(drawn, session.start_at)
    departure_at = record.plan.departure_at if record.plan else departure_of(session, partner.planning)
    return SessionFigures(
        session_id=session.key.session_id,
        partner_id=session.key.partner_id,
        start_at=session.start_at,
        end_at=session.end_at or session.last_updated,
        drawn=drawn,
        at_once=at_once,
        cost_eur=cost_eur(drawn, prices),
        cost_at_once_eur=cost_eur((at_once,) if at_once else (), prices),
        departure_at=departure_at,
        is_ready=is_ready(known, drawn, departure_at, partner),
        granted=granted_of(record.requests, partner),
    )


def drawn_of(session: Session, kwh: float) -> tuple[Drawn, ...]:
    """Return what was drawn when, from the charging periods; in all it is `kwh`.

    A message that was lost leaves a hole that the period before it fills, so the periods say when, and the meter how
    much.
    """
    stretches = []
    for place, period in enumerate(session.periods):
        is_last = place + 1 == len(session.periods)
        end_at = (session.end_at or session.last_updated) if is_last else session.periods[place + 1].start_at
        power_w = mean_power_w(session, place)
        if power_w and power_w > 0 and end_at > period.start_at:
            stretches.append(
                Drawn(period.start_at, end_at, float(power_w) / 1000 * ((end_at - period.start_at) / HOUR))
            )
    told = sum(each.kwh for each in stretches)
    return tuple(replace(each, kwh=each.kwh * kwh / told) for each in stretches)


def at_once_of(drawn: Sequence[Drawn], start_at: datetime) -> Drawn | None:
    """Return the same energy, drawn from `start_at` on at the most that the car has shown."""
    if not drawn:
        return None
    kwh = sum(each.kwh for each in drawn)
    long = [each for each in drawn if each.end_at - each.start_at >= TELLING]
    power_kw = max(each.power_w for each in long or drawn) / 1000
    return Drawn(start_at, start_at + HOUR * (kwh / power_kw), kwh)


def cost_eur(drawn: Iterable[Drawn], prices: PriceCurve) -> float:
    """Return what it costs at these prices; a stretch pays each slot's price for its share in the slot."""
    starts = [slot.start_at for slot in prices.slots]
    cost = 0.0
    for each in drawn:
        place = max(0, bisect_right(starts, each.start_at) - 1)
        for slot in prices.slots[place:]:
            if slot.start_at >= each.end_at:
                break
            share_kwh = each.until(slot.end_at) - each.until(slot.start_at)
            cost += share_kwh * float(slot.eur_per_kwh)
    return cost


def is_ready(known: KnownSession, drawn: Sequence[Drawn], departure_at: datetime, partner: Partner) -> bool:
    """Say whether the need was met by `departure_at` (see SessionFigures)."""
    session = known.session
    by_then = replace(session, periods=tuple(each for each in session.periods if each.start_at < departure_at))
    delivered_kwh = sum(each.until(departure_at) for each in drawn)
    then = replace(
        known,
        session=by_then,
        delivered_kwh=Decimal(delivered_kwh),
        state_of_charge=state_of_charge(by_then),
    )
    if then.state_of_charge is None and _stopped_asking(by_then, partner):
        return True
    missing_kwh = float(need_kwh(then, partner.planning))
    return delivered_kwh >= READY_SHARE * (delivered_kwh + missing_kwh)


def _stopped_asking(session: Session, partner: Partner) -> bool:
    """Say whether the newest charging period shows a car that wants no more. PARKING_TIME tells it, except where a
    partner's may also mean that the station holds the car back."""
    if not session.periods or partner.flags.parking_time is not ParkingTimeMeaning.SUSPENDED_EV:
        return False
    power_w = mean_power_w(session, len(session.periods) - 1)
    return session.periods[-1].dimensions.get("PARKING_TIME", 0) > 0 and (power_w or 0) <= IDLE_W


def granted_of(requests: Sequence[ProfileRequest], partner: Partner) -> tuple[Granted, ...]:
    """Return what the charger was told and took, from each acceptance until the next."""
    in_force = sorted(
        (each for each in requests if each.in_force_at and each.kind is not RequestKind.GET),
        key=lambda each: each.in_force_at or each.created_at,
    )
    granted: list[Granted] = []
    for place, request in enumerate(in_force):
        from_at = request.in_force_at or request.created_at
        until = in_force[place + 1].in_force_at if place + 1 < len(in_force) else None
        if request.profile is None:
            granted.append(Granted(from_at, None))
            continue
        profile = request.profile
        starts = [profile.start_at + timedelta(seconds=each.start_period_s) for each in profile.periods]
        for start_at, end_at, period in zip(starts, [*starts[1:], None], profile.periods, strict=True):
            if (end_at is None or end_at > from_at) and (until is None or start_at < until):
                limit_w = float(in_watts(period.limit, profile.unit, partner.planning))
                granted.append(Granted(max(start_at, from_at), limit_w))
    return tuple(granted)


def load(drawn: Iterable[Drawn], start_at: datetime, end_at: datetime, step: timedelta) -> list[float]:
    """Return the mean power of all of it in each step from `start_at` to `end_at`, watts."""
    count = ceil((end_at - start_at) / step)
    energy = [0.0] * count
    for each in drawn:
        for place in range(max(0, (each.start_at - start_at) // step), count):
            begin = start_at + place * step
            if begin >= each.end_at:
                break
            energy[place] += each.until(begin + step) - each.until(begin)
    return [kwh * 1000 / (step / HOUR) for kwh in energy]


def latency(requests: Iterable[ProfileRequest], begin: Step, end: Step) -> Latency | None:
    """Return how long it took from one step to another in real time; None where no request went through both."""
    took = sorted(
        (each.steps[end] - each.steps[begin]) / timedelta(milliseconds=1)
        for each in requests
        if begin in each.steps and end in each.steps
    )
    if not took:
        return None
    return Latency(len(took), _rank(took, 0.5), _rank(took, 0.99))


def states(requests: Iterable[ProfileRequest]) -> dict[RequestState, int]:
    """Return how many requests ended in which state, in the order of their life."""
    found = [each.state for each in requests]
    return {state: found.count(state) for state in RequestState if state in found}


def _rank(ascending: Sequence[float], share: float) -> float:
    """Return the value within which `share` of them lie (nearest rank)."""
    return ascending[max(0, ceil(share * len(ascending)) - 1)]
