"""Where a session charges, as far as its partner told: the charger's limits and the tariff that holds there.

All of it is optional (CONFORMANCE S6): a session whose EVSE is in no Location is planned by the partner's settings.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from offpeak.locations.charger import fitted, takes_profiles
from offpeak.locations.chargers import Chargers
from offpeak.locations.model import Charger
from offpeak.partners.model import Flags, Partner, Party, PlanningDefaults, RateUnit
from offpeak.prices.model import PriceCurve
from offpeak.profiles.model import Circuit
from offpeak.sessions.model import KnownSession, Session
from offpeak.tariffs.curve import chosen, curve_of
from offpeak.tariffs.model import Drawing, OcpiTariff, TariffKey
from offpeak.tariffs.store import TariffStore

LEAST_A = 6
"""The least that a car may be told to charge at on a phase (IEC 61851-1)."""


@dataclass(frozen=True, slots=True)
class Site:
    """`charger` is None where the EVSE is in no Location, `tariff` where the partner's settings do not ask for one, or
    none is known that can be planned by."""

    charger: Charger | None = None
    tariff: OcpiTariff | None = None

    @property
    def is_dc(self) -> bool:
        return self.charger is not None and self.charger.is_dc

    def fitted(self, planning: PlanningDefaults, flags: Flags) -> PlanningDefaults:
        """Return the partner's settings as this charger has them.

        Amperes hold on each phase, and unknown phases count as three. But a charger that would give less than 6 A on
        each of three charges nobody so: it has one.
        """
        planning = planning if self.charger is None else fitted(planning, self.charger)
        is_unknown = flags.rate_unit is RateUnit.AMPERE and planning.phases is None and not self.is_dc
        has_one = is_unknown and planning.max_power_w < 3 * LEAST_A * planning.voltage_v
        return replace(planning, phases=1) if has_one else planning

    def unknown_phases(self, flags: Flags) -> int:
        """Return on how many phases a connection's limit is to be had by a charger whose own nobody told: of amperes
        each holds whatever they are, of watts all may be on one."""
        return 3 if self.is_dc or flags.rate_unit is RateUnit.AMPERE else 1

    def circuit(self, planning: PlanningDefaults) -> Circuit | None:
        """Return what a profile made by these fitted settings is made for; None where nothing was told."""
        if self.charger is None:
            return None
        return Circuit(planning.phases, planning.voltage_v, planning.max_power_w)

    def takes_profiles(self, *, strict: bool) -> bool:
        return takes_profiles(self.charger, strict=strict)

    def curve(
        self, known: KnownSession, planning: PlanningDefaults, start: datetime, end: datetime
    ) -> PriceCurve | None:
        """Return what a kWh costs by the session's own tariff; None where there is none, or it leaves a time open."""
        if self.tariff is None:
            return None
        current_a = Decimal(planning.max_power_w) / (planning.voltage_v * (planning.phases or 3))
        drawing = Drawing(known.session.start_at, known.delivered_kwh, planning.max_power_w, current_a)
        return curve_of(self.tariff, drawing, planning.bidding_zone, start, end, planning.time_zone)


NOWHERE = Site()


class Sites:
    """Looks sites up; both sources remember what they told for half a minute."""

    def __init__(self, chargers: Chargers, tariffs: TariffStore) -> None:
        self._chargers = chargers
        self._tariffs = tariffs

    def of(self, session: Session, partner: Partner, now: datetime) -> Site:
        party = Party(session.country_code, session.party_id)
        charger = self._chargers.at(partner.partner_id, party, session.evse_uid, session.connector_id)
        if not partner.planning.ocpi_tariffs:
            return Site(charger)
        keys = [TariffKey(partner.partner_id, party, each) for each in tariff_ids(session, charger)]
        known = [self._tariffs.for_planning(key) for key in keys]
        return Site(charger, chosen([each for each in known if each is not None], now))


def tariff_ids(session: Session, charger: Charger | None) -> tuple[str, ...]:
    """Return the tariffs that may hold: what the newest charging period says, else what the connector has."""
    told = next((each.tariff_id for each in reversed(session.periods) if each.tariff_id), None)
    if told is not None:
        return (told,)
    return charger.tariff_ids if charger else ()
