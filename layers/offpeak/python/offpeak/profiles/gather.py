"""All that a session's plan depends on, read once; what is decided from it reads no clock, store or setting."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime

from offpeak.aws.queues import FairQueue
from offpeak.aws.tables import Item
from offpeak.events.outbox import Outbox
from offpeak.grid.memory import SignalMemory, StandingSignals
from offpeak.grid.model import Conditions
from offpeak.groups.store import GroupStore
from offpeak.habits.store import HabitStore, Past
from offpeak.pairing.model import ChargerKey
from offpeak.pairing.own_markets import OwnMarkets
from offpeak.partners.model import Partner
from offpeak.partners.store import PartnerStore
from offpeak.planning.plan import Plan
from offpeak.planning.profile import ChargingProfile, encode
from offpeak.planning.situation import Situation
from offpeak.prices.gather import PublishedPrices, effective_prices
from offpeak.prices.memory import PriceMemory
from offpeak.prices.model import PriceCurve
from offpeak.profiles.driver import (
    NOBODY,
    Holding,
    as_allowed,
    as_said,
    asks_habits,
    departure_for,
    has_own_tariff,
    outlook_said,
    planning_at,
)
from offpeak.profiles.drivers import Drivers
from offpeak.profiles.grid import held_until, under_grid
from offpeak.profiles.habits import outlook_of, past_of, teach
from offpeak.profiles.model import ProfileRequest, Standing
from offpeak.profiles.rows import standing_from
from offpeak.profiles.sites import NOWHERE, Site, Sites
from offpeak.profiles.situation import Departure, rate_unit, situation_of, unheard_kwh, why_unmanaged
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
    drivers: Drivers
    own_markets: OwnMarkets
    plan_queue: PlanQueue
    send_queue: FairQueue
    outbox: Outbox
    real_now: Callable[[], datetime]
    new_id: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Gathered:
    """A session as it was read. `partner` has its settings as the session's charger and driver have them; `held` are
    the requests that its standing names so, of which `newest` is the newest SET or CLEAR."""

    known: KnownSession
    standing: Standing
    held: tuple[ProfileRequest, ...]
    partner: Partner
    site: Site
    prices: PublishedPrices
    signals: StandingSignals
    past: Past | None = None
    """Visits by which the session is planned."""
    holding: Holding = NOBODY

    @property
    def newest(self) -> ProfileRequest | None:
        return next((each for each in self.held if each.request_id == self.standing.newest_request_id), None)

    @property
    def charger(self) -> ChargerKey | None:
        """The charger that the session is listed with: its driver's, as long as there is one. One that was over before
        anybody heard of it is not, unless it began after the pairing: it may have been somebody else's."""
        driver, session, before = self.holding.driver, self.known.session, self.standing.charger
        if driver is None or (before is not None and not session.is_open):
            return before
        is_his = session.is_open or session.start_at >= driver.charger.paired_at
        return driver.charger.key if is_his else None

    @property
    def wants_plan(self) -> bool:
        return self.known.plan_done < self.known.plan_wanted

    @property
    def departure(self) -> Departure:
        """When the car leaves, as far as that is said or assumed."""
        return departure_for(self.known.session, self.partner.planning, self.holding.driver)

    @property
    def unmanaged(self) -> str | None:
        """Why the session is not managed, None where it is."""
        holding = self.holding
        return why_unmanaged(self.partner, is_paired=holding.driver is not None, is_released=holding.is_released)


def gather(key: SessionKey, by: Planner, now: datetime) -> Gathered | None:
    """Read a session; None before its first PUT. Raises ConcurrentChange."""
    found = by.sessions.newest(key)
    return gathered_from(found, by, now) if found else None


def gathered_from(found: tuple[KnownSession, Item], by: Planner, now: datetime) -> Gathered:
    """Read what else the plan of a session depends on, of which this was found. One that is over has no site.

    Raises ConcurrentChange.
    """
    known, key = found[0], found[0].session.key
    standing = standing_from(key, found[1])
    held = [request for request in map(by.profiles.request, standing.held) if request]
    partner = by.partners.load_cached(key.partner_id, changed_at=known.basis_changed_at)
    is_open = known.session.is_open
    site = by.sites.of(known.session, partner, now) if is_open else NOWHERE
    holding = by.drivers.taking(known.session) if is_open else by.drivers.at(known.session)
    if is_open and holding.driver:
        # Before the plan: whoever fetches prices or changes signals from now on finds its session.
        by.own_markets.note(key.partner_id, holding.driver.location, by.real_now())
    planning = planning_at(partner, site, holding.driver)
    if has_own_tariff(holding.driver):
        site = replace(site, tariff=None)
    since, known = known.basis_changed_at, as_allowed(known, holding.driver)
    departure = departure_for(known.session, planning, holding.driver)
    paired_at = holding.driver.charger.paired_at if holding.driver else None
    asks = asks_habits(known, departure, holding.driver)
    past = past_of(known, planning, by.habits, paired_at=paired_at) if asks else None
    return Gathered(
        known,
        standing,
        tuple(held),
        replace(partner, planning=planning),
        site,
        by.prices.since(since),
        by.signals.since(since),
        past,
        holding,
    )


def part(gathered: Gathered, charger: ChargerKey | None, by: Planner) -> None:
    """Learn from a session that is over, and let its charger go, before that is written down as planned: whoever dies
    here does it again."""
    if not gathered.known.session.is_open:
        teach(gathered.known, gathered.standing, gathered.partner.planning, by.habits, at=by.real_now())
    if charger is not None:
        by.drivers.let_go(charger, gathered.known.session.key)


def asked_of(gathered: Gathered, now: datetime, groups: Collection[str] = ()) -> Conditions:
    """Return what signals of the grid ask of a session; `groups` are its limit group and all above it."""
    planning = gathered.partner.planning
    until = held_until(gathered.departure.at, now)
    return gathered.signals.conditions(planning.bidding_zone, groups, now, until)


def situation_for(gathered: Gathered, standing: Standing, asked: Conditions, now: datetime) -> Situation:
    """Return what is to be planned for a session whose standing is `standing` by now, as `asked_of` says under what
    conditions."""
    known, partner, site, departure = gathered.known, gathered.partner, gathered.site, gathered.departure
    planning, unit = partner.planning, rate_unit(partner.flags, partner.planning)
    unheard = unheard_kwh(known.state.power_w, known.session.last_updated, standing.plan, now)
    likely = outlook_of(known, gathered.past, planning, float(known.delivered_kwh) + unheard)
    likely = likely and outlook_said(likely, departure)
    departure_at = likely.until(now) if likely else departure.at
    curve = PriceCurve(planning.bidding_zone, (), "")
    if departure_at > now:
        own = site.curve(known, planning, now, departure_at)
        curve = own or effective_prices(gathered.prices, planning, now, departure_at)
    situation = situation_of(
        known,
        planning,
        unit,
        curve,
        standing.plan,
        standing.draw_w,
        now,
        flags=partner.flags,
        departure_at=departure.at,
    )
    situation = as_said(situation, known, planning, gathered.holding.driver, likely, unheard)
    return under_grid(situation, asked, planning)


def profile_for(gathered: Gathered, plan: Plan, now: datetime) -> ChargingProfile:
    """Return a session's plan as the charging profile that its partner takes."""
    planning = gathered.partner.planning
    unit = rate_unit(gathered.partner.flags, planning)
    return encode(plan, unit=unit.value, phases=planning.phases, voltage_v=planning.voltage_v, now=now)
