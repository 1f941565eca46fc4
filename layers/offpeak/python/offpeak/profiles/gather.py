"""All that a session's plan depends on, read once; what is decided from it reads no clock, store or setting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from offpeak.aws.queues import FairQueue
from offpeak.aws.tables import Item
from offpeak.grid.memory import SignalMemory, StandingSignals
from offpeak.grid.model import Conditions
from offpeak.groups.store import GroupStore
from offpeak.habits.store import HabitStore, Past
from offpeak.partners.model import Partner
from offpeak.partners.store import PartnerStore
from offpeak.planning.plan import Plan
from offpeak.planning.profile import ChargingProfile, encode
from offpeak.planning.situation import Situation
from offpeak.prices.gather import PublishedPrices, effective_prices
from offpeak.prices.memory import PriceMemory
from offpeak.prices.model import PriceCurve
from offpeak.profiles.grid import held_until, under_grid
from offpeak.profiles.habits import by_habits, outlook_of, past_of, teach
from offpeak.profiles.model import ProfileRequest, Standing
from offpeak.profiles.rows import standing_from
from offpeak.profiles.sites import NOWHERE, Site, Sites
from offpeak.profiles.situation import departure_of, rate_unit, situation_of, unheard_kwh
from offpeak.profiles.store import ProfileStore
from offpeak.sessions.model import KnownSession, SessionKey
from offpeak.sessions.plan_queue import PlanQueue
from offpeak.sessions.store import SessionStore


@dataclass(frozen=True, slots=True)
class Planner:
    """What it takes to plan. `real_now` tells the real time, `new_id` makes an id for a request."""

    sessions: SessionStore
    profiles: ProfileStore
    partners: PartnerStore
    prices: PriceMemory
    signals: SignalMemory
    sites: Sites
    groups: GroupStore
    habits: HabitStore
    plan_queue: PlanQueue
    send_queue: FairQueue
    real_now: Callable[[], datetime]
    new_id: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Gathered:
    """A session as it was read. `partner` has its settings as the session's charger has them; `held` are the requests
    that its standing names so, of which `newest` is the newest SET or CLEAR."""

    known: KnownSession
    standing: Standing
    held: tuple[ProfileRequest, ...]
    partner: Partner
    site: Site
    prices: PublishedPrices
    signals: StandingSignals
    past: Past | None = None
    """Visits by which the session is planned."""

    @property
    def newest(self) -> ProfileRequest | None:
        return next((each for each in self.held if each.request_id == self.standing.newest_request_id), None)

    @property
    def wants_plan(self) -> bool:
        return self.known.plan_done < self.known.plan_wanted


def gather(key: SessionKey, by: Planner, now: datetime) -> Gathered | None:
    """Read a session; None before its first PUT."""
    found = by.sessions.newest(key)
    return gathered_from(found, by, now) if found else None


def gathered_from(found: tuple[KnownSession, Item], by: Planner, now: datetime) -> Gathered:
    """Read what else the plan of a session depends on, of which this was found. One that is over has no site."""
    known, key = found[0], found[0].session.key
    standing = standing_from(key, found[1])
    held = [request for request in map(by.profiles.request, standing.held) if request]
    partner = by.partners.load_cached(key.partner_id, changed_at=known.basis_changed_at)
    site = by.sites.of(known.session, partner, now) if known.session.is_open else NOWHERE
    fitted = replace(partner, planning=site.fitted(partner.planning))
    since, past = known.basis_changed_at, past_of(known, fitted.planning, by.habits)
    return Gathered(known, standing, tuple(held), fitted, site, by.prices.since(since), by.signals.since(since), past)


def learn(gathered: Gathered, by: Planner) -> None:
    """Learn from a session that is over, before that is written down as planned: whoever dies here does it again."""
    if not gathered.known.session.is_open:
        teach(gathered.known, gathered.standing, gathered.partner.planning, by.habits, at=by.real_now())


def asked_of(gathered: Gathered, now: datetime, group: str | None = None) -> Conditions:
    """Return what signals of the grid ask of a session, whose limit group has the root `group`, None without one."""
    planning = gathered.partner.planning
    until = held_until(departure_of(gathered.known.session, planning), now)
    return gathered.signals.conditions(planning.bidding_zone, group, now, until)


def situation_for(gathered: Gathered, standing: Standing, asked: Conditions, now: datetime) -> Situation:
    """Return what is to be planned for a session whose standing is `standing` by now, as `asked_of` says under what
    conditions."""
    known, partner, site = gathered.known, gathered.partner, gathered.site
    planning, unit = partner.planning, rate_unit(partner.flags, partner.planning)
    unheard = unheard_kwh(known.state.power_w, known.session.last_updated, standing.plan, now)
    likely = outlook_of(known, gathered.past, planning, float(known.delivered_kwh) + unheard)
    departure_at = likely.until(now) if likely else departure_of(known.session, planning)
    curve = PriceCurve(planning.bidding_zone, (), "")
    if departure_at > now:
        own = site.curve(known, planning, now, departure_at)
        curve = own or effective_prices(gathered.prices, planning, now, departure_at)
    situation = situation_of(known, planning, unit, curve, standing.plan, standing.draw_w, now, flags=partner.flags)
    if likely is not None:
        situation = by_habits(situation, likely)
    return under_grid(situation, asked, planning)


def profile_for(gathered: Gathered, plan: Plan, now: datetime) -> ChargingProfile:
    """Return a session's plan as the charging profile that its partner takes."""
    planning = gathered.partner.planning
    unit = rate_unit(gathered.partner.flags, planning)
    return encode(plan, unit=unit.value, phases=planning.phases, voltage_v=planning.voltage_v, now=now)
