"""One session in rolling operation: what Offpeak hears of it, plans for it and sends, by production's own rules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from local.replay.diary import Past
from local.replay.market import Market
from local.replay.stay import HOUR, ParkedCar, Stay
from offpeak.habits.model import Arrival, Visit, outlook
from offpeak.partners.model import Party, PlanningDefaults
from offpeak.planning.outlook import Outlook
from offpeak.planning.plan import Plan
from offpeak.planning.profile import ChargingProfile, encode
from offpeak.planning.situation import Calm, Situation
from offpeak.prices.model import QUARTER
from offpeak.profiles.intent import Action, intent_of
from offpeak.profiles.model import ProfileRequest, RequestKind, RequestState, Standing
from offpeak.profiles.situation import departure_of, unheard_kwh
from offpeak.sessions.model import Session, SessionKey, SessionStatus

MESSAGE_EVERY = timedelta(minutes=5)
SEEN_AFTER = 2
"""Messages until the newest profile shows in the session's power: the second tells a charging period that began after
the charger took it."""
DEFAULTS = PlanningDefaults()


class Needs(StrEnum):
    """What Offpeak knows of what a car needs."""

    GIVEN = "given"
    """Need and departure are told, and right."""
    ASSUMED = "assumed"
    """Nobody tells anything: a partner's defaults."""
    LEARNT = "learnt"
    """Nobody tells anything: by past visits; a partner's defaults where those are too few."""
    QUANTILE = "quantile"
    """By past visits, as one early departure and one large need: what weighing all of them is measured against."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How sessions are planned in a replay."""

    needs: Needs = Needs.GIVEN
    calm: Calm = Calm()
    care_eur: float = 4.0
    """What it counts as when a car leaves without what it needs: the dial of what is learnt."""
    few: float = 0.1
    """Where one figure has to stand for past visits, it is cautious: such a share left earlier, or needed more."""

    @property
    def learns(self) -> bool:
        return self.needs in (Needs.LEARNT, Needs.QUANTILE)


NOBODY = Past((), ())


class ManagedSession:
    """A parked car, and Offpeak's view of it. Call `wait_until`, then `hear` where a message is due, then plan.

    `root_id` names the limit group whose members count on what this session is sent.
    """

    def __init__(
        self, stay: Stay, market: Market, rules: Rules, past: Past = NOBODY, root_id: str | None = None
    ) -> None:
        self.stay, self.car = stay, ParkedCar(stay)
        self._usual = _outlook(stay, rules, past) if rules.learns else None
        self._is_sated = False
        self.plans = self.sent = 0
        self._market, self._rules = market, rules
        self._key, self._root_id = SessionKey("replay", stay.session_id), root_id
        self._told_kwh, self._told_w, self._told_at = -1.0, 0.0, stay.arrives_at
        self._is_idle = False
        self._unseen = 0
        self._running: Plan | None = None
        self._newest: ProfileRequest | None = None

    def hear(self) -> bool:
        """Take the message that the charger sends now; say whether it is a cause of a plan.

        It is when it tells other energy or power than the one before, and until the newest profile was seen to be
        followed. Power is the mean since the message before.
        """
        told_kwh = round(self.car.kwh, 3)
        lasted_h = (self.car.at - self._told_at) / HOUR
        told_w = (told_kwh - self._told_kwh) * 1000 / lasted_h if lasted_h else 0.0
        is_cause = (told_kwh, told_w) != (self._told_kwh, self._told_w) or self._unseen > 0
        self._is_idle = (
            told_kwh == self._told_kwh and self.car.may_draw(self._told_at) and self.car.may_draw(self.car.at)
        )
        self._is_sated = self._is_idle or (self._is_sated and told_kwh == self._told_kwh)
        self._told_kwh, self._told_w, self._told_at = told_kwh, told_w, self.car.at
        self._unseen = max(0, self._unseen - 1)
        return is_cause

    def situation(self, now: datetime) -> Situation:
        """Return what there is to decide on at `now`. Energy is what the newest message told, and was drawn since."""
        drawn_kwh = self._told_kwh + unheard_kwh(self._told_w, self._told_at, self._running, now)
        rules, likely = self._rules, self._usual and self._usual.having_drawn(drawn_kwh)
        if likely:
            departure_at, need_kwh = likely.departure_at(rules.few, now), likely.need_kwh(1 - rules.few)
        elif rules.needs is Needs.GIVEN:
            departure_at, need_kwh = self.stay.leaves_at, self.stay.kwh - drawn_kwh
        else:
            departure_at, need_kwh = self._departure_assumed, float(DEFAULTS.need_kwh) - drawn_kwh
        until = likely.until(now) if likely else departure_at
        return Situation(
            now=now,
            slots=self._market.slots(now, until) if until > now else (),
            need_kwh=max(0.0, need_kwh),
            departure_at=departure_at,
            max_power_w=self.stay.power_w,
            min_power_w=self.stay.min_power_w,
            running=self._running,
            calm=rules.calm,
            need_is_known=rules.needs is Needs.GIVEN,
            is_idle=self._is_idle,
            outlook=likely if rules.needs is Needs.LEARNT else None,
        )

    @property
    def visit(self) -> Visit:
        """Return what is learnt from the session when it is over. A car that leaves while a plan holds it back, and has
        not shown that it is done, may have wanted more."""
        stay = self.stay
        was_held = self._running is not None and self._running.unlimited_from > stay.leaves_at
        return Visit(stay.arrives_at, stay.leaves_at, self.car.kwh, is_cut=was_held and not self._is_sated)

    def adopt(self, plan: Plan, now: datetime) -> None:
        """Send the plan as a profile, where that changes anything. The charger takes it at once."""
        self.plans += 1
        profile = encode(plan, unit="W", phases=self.stay.phases, voltage_v=230, now=now)
        intent = intent_of(
            profile,
            status=SessionStatus.ACTIVE,
            unmanaged=None,
            has_receiver=True,
            newest=self._newest,
            standing=Standing(self._key, plan=self._running, root_id=self._root_id),
            now=now,
        )
        if intent.in_effect:
            self._running = plan
        if intent.action is Action.SET:
            self.sent += 1
            self._unseen = SEEN_AFTER
            self._newest = _taken(self._key, profile, now)
            self.car.take(profile)

    @property
    def is_settled(self) -> bool:
        """Say whether nothing can change any more: the car has all that it is known to need."""
        return self._rules.needs is Needs.GIVEN and self._told_kwh >= self.stay.kwh - 0.0005 and self._unseen == 0

    @property
    def _departure_assumed(self) -> datetime:
        at = self.stay.arrives_at
        session = Session(self._key, "DE", "REP", SessionStatus.ACTIVE, at, at, Decimal(0))
        return departure_of(session, DEFAULTS)


def instants(stay: Stay) -> Iterator[tuple[datetime, bool, bool]]:
    """Yield when something may cause a plan, ascending: (instant, whether a message comes, whether the clock ticks).

    Messages come every five minutes from plug-in on, the clock ticks at every quarter-hour; new prices come with it.
    """
    message_at, tick_at = stay.arrives_at, _next_tick(stay.arrives_at)
    while (at := min(message_at, tick_at)) < stay.leaves_at:
        yield at, at == message_at, at == tick_at
        if at == message_at:
            message_at += MESSAGE_EVERY
        if at == tick_at:
            tick_at += QUARTER


def _next_tick(at: datetime) -> datetime:
    passed = (at - datetime.min.replace(tzinfo=at.tzinfo)) % QUARTER
    return at - passed + QUARTER


def _outlook(stay: Stay, rules: Rules, past: Past) -> Outlook | None:
    return outlook(Arrival(stay.arrives_at, DEFAULTS.time_zone), past.own, past.others, miss_eur=rules.care_eur)


def _taken(key: SessionKey, profile: ChargingProfile, now: datetime) -> ProfileRequest:
    return ProfileRequest(
        request_id="",
        key=key,
        party=Party("DE", "REP"),
        kind=RequestKind.SET,
        state=RequestState.OBSERVED,
        created_at=now,
        due_at=None,
        profile=profile,
        attempts=1,
        in_force_at=now,
    )
