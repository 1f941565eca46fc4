"""Zones in use, by what partners and places say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from offpeak.pairing.own_markets import OwnMarket
from offpeak.partners.model import Partner, PartnerStatus, PlanningDefaults
from offpeak.prices.model import Tariff, TariffKind
from offpeak.profiles.zones import FETCHING_S, Market, connected_in, in_order, markets_of, while_time_lasts
from tests.partners.builders import a_partner

MIDNIGHT = datetime.fromtimestamp(0, UTC)
DYNAMIC, FIXED = TariffKind.DYNAMIC, TariffKind.FIXED


def partner(name: str, zone: str = "DE-LU", tariff: TariffKind = DYNAMIC) -> Partner:
    planning = PlanningDefaults(bidding_zone=zone, tariff=Tariff(tariff), carbon_weight_eur_per_kg=Decimal(0))
    return replace(a_partner(name), status=PartnerStatus.REGISTERED, planning=planning)


def priced(markets: list[Market]) -> set[tuple[str, str]]:
    return {(each.partner.partner_id, each.zone) for each in markets if each.is_dynamic}


def test_what_a_place_does_not_say_is_as_its_partner_has_it() -> None:
    partners = [partner("acme"), partner("volta", "AT", FIXED)]
    own = [
        OwnMarket("acme", "NL", None),
        OwnMarket("acme", "BE", FIXED),
        OwnMarket("volta", None, DYNAMIC),
        OwnMarket("volta", "CH", None),
        OwnMarket("gone", "PL", DYNAMIC),
    ]
    markets = markets_of(partners, own)
    assert priced(markets) == {("acme", "DE-LU"), ("acme", "NL"), ("volta", "AT")}
    assert [connected_in({zone}, markets) for zone in ("NL", "BE", "AT", "CH", "PL")] == [
        ["acme"],
        ["acme"],
        ["volta"],
        ["volta"],
        [],
    ]
    assert connected_in({"DE-LU", "NL", "AT"}, markets) == ["acme", "volta"], "each once"


def test_zones_of_partners_come_first_and_are_watched_whatever_places_say_of_them() -> None:
    partners = [partner("acme", "NL"), partner("volta", "DE-LU")]
    own = [OwnMarket("acme", "AT", None), OwnMarket("acme", "DE-LU", None), OwnMarket("volta", "XX", None)]
    assert in_order(markets_of(partners, own), MIDNIGHT) == (["DE-LU", "NL", "AT", "XX"], {"DE-LU", "NL"})


def test_no_zone_waits_for_ever_behind_those_that_a_feed_hangs_at() -> None:
    """There is time for two of five; each begins once, in as many hours as there are."""
    markets = markets_of([partner(each.lower(), each) for each in ("AT", "BE", "DE-LU", "FR", "NL")], [])
    runs = [in_order(markets, MIDNIGHT + timedelta(hours=hour)) for hour in range(5)]
    assert [zones[:2] for zones, _ in runs] == [
        ["AT", "BE"],
        ["BE", "DE-LU"],
        ["DE-LU", "FR"],
        ["FR", "NL"],
        ["NL", "AT"],
    ]
    assert in_order([], MIDNIGHT) == ([], set())


def test_a_partner_without_a_connection_is_asked_for_nothing() -> None:
    left = replace(partner("acme"), status=PartnerStatus.LEFT)
    assert connected_in({"NL"}, markets_of([left], [OwnMarket("acme", "NL", None)])) == []


def test_zones_are_left_out_once_there_is_no_time_for_another() -> None:
    clock = iter([0.0, 0.0, FETCHING_S / 2, FETCHING_S])
    assert list(while_time_lasts(["DE-LU", "NL", "AT", "BE"], lambda: next(clock))) == ["DE-LU", "NL"]
