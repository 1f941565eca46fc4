"""What the driver of a paired EVSE wants, fitted into what planning knows. Pure.

The driver's word comes first, then what the car tells (its state of charge), then habits, then the partner's settings:
each decides what those before it left open (docs/planning.md, "Who is asked").
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from offpeak.pairing.model import Account, Charger, ChargingLocation, DriverSettings
from offpeak.partners.model import Partner, PlanningDefaults
from offpeak.planning.facts import EARLY
from offpeak.planning.outlook import Chances, Outlook
from offpeak.planning.situation import Milestone, Situation
from offpeak.profiles.habits import by_habits
from offpeak.profiles.sites import Site
from offpeak.profiles.situation import Departure, at_the_meter, departure_by, next_local
from offpeak.sessions.model import KnownSession, Session


@dataclass(frozen=True, slots=True)
class Driver:
    """Whose charger a session is at, and the place where that is; `location` None: it is gone, or not told. `sharing`
    counts the EVSEs, this one included, that hang on that place's connection."""

    charger: Charger
    location: ChargingLocation | None = None
    sharing: int = 1


@dataclass(frozen=True, slots=True)
class Holding:
    """What pairing says of the EVSE of a session: whose it is, or that it was un-paired and nobody's since."""

    driver: Driver | None = None
    is_released: bool = False


NOBODY = Holding()


def driver_in(account: Account, charger: Charger) -> Driver:
    """Return the driver of a charger of an account."""
    there = account.chargers_at(charger.location_id)
    sharing = sum(len(each.station.evses) for each in there)
    return Driver(charger, account.locations.get(charger.location_id), sharing)


def planning_at(partner: Partner, site: Site, driver: Driver | None) -> PlanningDefaults:
    """Return by what a charger's sessions are planned: its partner's settings, as far as nothing else is told of the
    charger, nor said by its driver."""
    known = site.fitted(partner.planning, partner.flags)
    return fitted(known, driver, unknown_phases=site.unknown_phases(partner.flags))


def fitted(planning: PlanningDefaults, driver: Driver | None, *, unknown_phases: int = 1) -> PlanningDefaults:
    """Return the settings of a session's charger as its driver and his charging location have them.

    The limit of a connection is in amperes on each phase, and shared evenly: nobody knows here what is drawn at the
    others. `unknown_phases` is how many of its phases a charger may use whose own nobody told.
    """
    if driver is None:
        return planning
    settings, location = driver.charger.settings, driver.location
    planning = replace(
        planning,
        smart_charging=planning.smart_charging and settings.smart_charging,
        battery_kwh=_first(settings.battery_kwh, planning.battery_kwh),
        target_soc=_first(settings.desired_level, planning.target_soc),
        min_current_a=max(settings.min_current_a or 0, planning.min_current_a),
        need_kwh=_first(settings.need_kwh, planning.need_kwh),
        minimum_now_kwh=_first(settings.minimum_now_kwh, planning.minimum_now_kwh),
        min_soc=max(planning.min_soc, settings.minimum_level or Decimal(0)),
        max_soc=max(planning.max_soc, settings.minimum_level or Decimal(0)),
    )
    if location is None:
        return planning
    power_w = planning.max_power_w
    if location.connection_limit_a is not None:
        phases = planning.phases or unknown_phases
        power_w = min(power_w, location.connection_limit_a * planning.voltage_v * phases // driver.sharing)
    return replace(
        planning,
        time_zone=location.time_zone,
        bidding_zone=location.bidding_zone or planning.bidding_zone,
        tariff=location.tariff or planning.tariff,
        max_power_w=power_w,
    )


def has_own_tariff(driver: Driver | None) -> bool:
    """Say whether the driver pays by a tariff of his own, whatever the CPO says of its."""
    return driver is not None and driver.location is not None and driver.location.tariff is not None


def as_allowed(known: KnownSession, driver: Driver | None) -> KnownSession:
    """Return a session with its driver's yes or no to giving energy back; without one it has what was told of it."""
    return known if driver is None else replace(known, discharge_allowed=driver.charger.settings.discharge_allowed)


def departure_for(session: Session, planning: PlanningDefaults, driver: Driver | None) -> Departure:
    """Return when a car leaves as far as it is said, or assumed. `planning` is fitted to the driver."""
    return departure_by(session, planning, driver.charger.settings.departures if driver else {})


def asks_habits(known: KnownSession, departure: Departure, driver: Driver | None) -> bool:
    """Say whether habits may tell something of an open session that nobody said."""
    is_said = driver is not None and driver.charger.settings.need_kwh is not None
    return known.session.is_open and known.state_of_charge is None and not (is_said and departure.is_said)


def outlook_said(likely: Outlook, departure: Departure) -> Outlook:
    """Return what habits tell where the driver said when he leaves at the latest: nobody stays longer than that."""
    gone_by = departure.gone_by
    if gone_by is None:
        return likely
    if departure.is_said:
        return replace(likely, chances=Chances(replace(each, departure_at=gone_by) for each in likely.chances))
    chances = (replace(each, departure_at=min(each.departure_at, gone_by)) for each in likely.chances)
    return replace(likely, chances=Chances(chances))


def as_said(
    situation: Situation,
    known: KnownSession,
    planning: PlanningDefaults,
    driver: Driver | None,
    likely: Outlook | None,
    unheard_kwh: float,
) -> Situation:
    """Return the situation of a session with what its driver said, and with habits where he and the car left it open.

    `planning` is fitted to the driver, `likely` bounded by his departure (outlook_said), `unheard_kwh` what was drawn
    since the newest message. A level is of the battery where its state of charge is told; an energy counts from
    plug-in. A need that was said ends in a pause, as one that the car tells. What the car is to have in case it leaves
    early is a milestone.
    """
    if driver is None:
        return situation if likely is None else by_habits(situation, likely)
    said = _as_said(situation, known, planning, driver, likely, unheard_kwh)
    early = _early(said, known, planning, driver.charger.settings, unheard_kwh)
    return replace(said, milestones=(early,)) if early else said


def _early(
    situation: Situation, known: KnownSession, planning: PlanningDefaults, settings: DriverSettings, unheard_kwh: float
) -> Milestone | None:
    """Return what a car is to have by the time at which its driver may leave early, before he leaves for sure."""
    charged = known.state_of_charge
    if settings.early_departure is None:
        return None
    at = next_local(settings.early_departure, ZoneInfo(planning.time_zone), situation.now)
    if charged is not None and settings.early_level is not None:
        kwh = at_the_meter(settings.early_level - charged, planning)
    elif charged is None and settings.early_kwh is not None:
        kwh = settings.early_kwh - known.delivered_kwh
    else:
        return None
    left_kwh = _still(kwh, unheard_kwh)
    is_due = at < situation.departure_at and left_kwh > situation.calm.energy_kwh
    return Milestone(at, left_kwh) if is_due else None


def _as_said(
    situation: Situation,
    known: KnownSession,
    planning: PlanningDefaults,
    driver: Driver,
    likely: Outlook | None,
    unheard_kwh: float,
) -> Situation:
    settings, charged = driver.charger.settings, known.state_of_charge
    need_kwh, minimum_kwh = situation.need_kwh, situation.minimum_now_kwh
    is_need_said = settings.need_kwh is not None and (charged is None or settings.desired_level is None)
    if charged is not None:
        if is_need_said:
            need_kwh = _still(planning.need_kwh - known.delivered_kwh, unheard_kwh)
        if settings.minimum_level is not None:
            minimum_kwh = _still(at_the_meter(settings.minimum_level - charged, planning), unheard_kwh)
    situation = replace(
        situation,
        need_kwh=need_kwh if situation.room_kwh is None else min(need_kwh, situation.room_kwh),
        minimum_now_kwh=minimum_kwh,
        need_is_known=situation.need_is_known or is_need_said,
        boost_until=boosted_until(driver, situation.now),
    )
    if likely is None:
        return situation
    if is_need_said:
        return replace(situation, departure_at=likely.departure_at(EARLY, situation.now))
    return by_habits(situation, likely)


def _still(kwh: Decimal, unheard_kwh: float) -> float:
    return max(0.0, float(kwh) - unheard_kwh)


def _first(said: Decimal | None, assumed: Decimal) -> Decimal:
    return assumed if said is None else said


def boosted_until(driver: Driver | None, now: datetime) -> datetime | None:
    """Return until when a driver has his car charged whatever the price; None where he does not now."""
    until = driver.charger.settings.boost_until if driver else None
    return until if until is not None and until > now else None
