"""Partners and what belongs to them, as tests need them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time
from decimal import Decimal
from itertools import count

from offpeak.aws.usage_plans import UsageKey
from offpeak.partners.model import (
    Endpoint,
    Flags,
    Pairing,
    ParkingTimeMeaning,
    Partner,
    PartnerStatus,
    Party,
    PlanningDefaults,
    RateUnit,
    Tier,
)
from offpeak.prices.model import Tariff, TariffKind, TariffWindow


def a_partner(partner_id: str = "acme", zone: str = "DE-LU") -> Partner:
    """A partner that was just thought of: not saved, not invited."""
    return Partner(
        partner_id, name="Acme Charging", parties=(Party("NL", "ACM"),), planning=PlanningDefaults(bidding_zone=zone)
    )


def a_full_partner() -> Partner:
    """A partner with something unusual in every field."""
    return Partner(
        partner_id="full",
        name="Größe & Co",
        parties=(Party("NL", "ACM"), Party("be", "Ac2")),
        status=PartnerStatus.REGISTERED,
        version="2.2.1",
        peer_versions_url="https://cpo.example/versions",
        endpoints=(Endpoint("chargingprofiles", "RECEIVER", "https://cpo.example/cp"),),
        our_party=Party("SE", "OFF"),
        our_name="Offpeak Sverige",
        usage_key="k" * 40,
        uses_oauth=True,
        usage_key_id="a1b2c3d4e5",
        suspended_at=datetime(2027, 3, 1, 12, tzinfo=UTC),
        flags=Flags(
            strict=True,
            raw_token=True,
            endpoints_end_in_slash=True,
            rate_unit=RateUnit.AMPERE,
            parking_time=ParkingTimeMeaning.SUSPENDED_EV_OR_EVSE,
            profile_timeout_s=90,
            in_flight_cap=7,
            negative_limits=True,
            slot_s=900,
            only_paired=True,
        ),
        planning=PlanningDefaults(
            time_zone="Europe/Stockholm",
            bidding_zone="SE3",
            tariff=Tariff(
                TariffKind.TIME_OF_USE,
                factor=Decimal("1.25"),
                adder_eur_per_kwh=Decimal("0.1234"),
                fixed_eur_per_kwh=Decimal("0.30"),
                windows=(TariffWindow(time(22), time(6, 30), Decimal("-0.01"), frozenset({0, 6})),),
            ),
            departure=time(6, 45),
            shortest_stay_s=1800,
            need_kwh=Decimal("12.5"),
            minimum_now_kwh=Decimal(3),
            battery_kwh=Decimal("77.4"),
            target_soc=Decimal("0.9"),
            charging_efficiency=Decimal("0.88"),
            max_power_w=7360,
            phases=1,
            voltage_v=240,
            min_current_a=8,
            minimum_run_s=900,
            taper_from_soc=Decimal("0.85"),
            discharge_w=5000,
            min_soc=Decimal("0.25"),
            max_soc=Decimal("0.95"),
            discharging_efficiency=Decimal("0.91"),
            wear_eur_per_kwh=Decimal("0.04"),
            learn=False,
            care_eur=Decimal("7.5"),
            smart_charging=False,
            ocpi_tariffs=True,
            carbon_weight_eur_per_kg=Decimal("0.1"),
        ),
        pairing=Pairing("https://cpo.example/pairing", Tier.STATION, "[A-Z]{2}-[0-9]{6}", "AB-123456"),
    )


def tokens_in_order() -> Callable[[], str]:
    """Return a maker of tokens token-1, token-2, ..."""
    numbers = count(1)
    return lambda: f"token-{next(numbers)}"


class HandedOutKeys:
    """Makes up throttling keys, and remembers for whom; those of `gone` have to be made again to be restored."""

    def __init__(self) -> None:
        self.made_for: list[str] = []
        self.restored: list[UsageKey] = []
        self.gone: set[str] = set()

    def add_key(self, partner_id: str) -> UsageKey:
        self.made_for.append(partner_id)
        return UsageKey(f"id-of-{partner_id}", f"key-of-{partner_id}")

    def restore_key(self, partner_id: str, key: UsageKey) -> UsageKey:
        self.restored.append(key)
        return UsageKey(f"new-{key.key_id}", key.value) if partner_id in self.gone else key
