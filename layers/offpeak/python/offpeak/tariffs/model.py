"""Tariffs as partners tell of them, as far as planning asks: what a kWh costs when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal

from offpeak.partners.model import Party

LONGEST_ID = 255
"""Bytes of a tariff's id in a URL. OCPI gives it 36 characters."""


@dataclass(frozen=True, slots=True)
class TariffKey:
    """Where a tariff lives: below the connection that told of it, and the party whose it is."""

    partner_id: str
    party: Party
    tariff_id: str

    @property
    def is_storable(self) -> bool:
        return len(self.tariff_id.encode()) <= LONGEST_ID

    @property
    def text(self) -> str:
        """The key as one string; ids are CiStrings, so their case does not count."""
        party = f"{self.party.country_code.upper()}-{self.party.party_id.upper()}"
        return f"{self.partner_id}#{party}#{self.tariff_id.casefold()}"


@dataclass(frozen=True, slots=True)
class Restrictions:
    """When an element holds (OCPI 2.2.1, 11.4.6): local times and dates, and bounds of what the session does. `max_*`
    and ends are exclusive, as is a range of times over midnight possible; weekdays count from Monday, 0."""

    start_time: time | None = None
    end_time: time | None = None
    start_date: date | None = None
    end_date: date | None = None
    weekdays: frozenset[int] = frozenset(range(7))
    min_kwh: Decimal | None = None
    max_kwh: Decimal | None = None
    min_current: Decimal | None = None
    max_current: Decimal | None = None
    min_power: Decimal | None = None
    max_power: Decimal | None = None
    min_duration: Decimal | None = None
    max_duration: Decimal | None = None
    is_for_reservation: bool = False


@dataclass(frozen=True, slots=True)
class Element:
    """`eur_per_kwh` and `eur_per_h` are what the driver pays, taxes included; None: this element says nothing of it."""

    eur_per_kwh: Decimal | None = None
    eur_per_h: Decimal | None = None
    restrictions: Restrictions = Restrictions()


@dataclass(frozen=True, slots=True)
class OcpiTariff:
    """A tariff in euros. It holds from `start_at` until `end_at`; None: no such bound."""

    tariff_id: str
    elements: tuple[Element, ...]
    kind: str | None = None
    start_at: datetime | None = None
    end_at: datetime | None = None

    def holds(self, at: datetime) -> bool:
        return (self.start_at is None or self.start_at <= at) and (self.end_at is None or at < self.end_at)


@dataclass(frozen=True, slots=True)
class Drawing:
    """What a session does, as far as tariffs ask: by it elements are told apart that do not hold for every session."""

    start_at: datetime
    kwh: Decimal
    power_w: int
    current_a: Decimal
