"""What places say of their market is kept once for all that are alike, and forgotten when it is noted no more."""

from __future__ import annotations

from datetime import timedelta

from offpeak.pairing.own_markets import KEPT_FOR, OwnMarket, OwnMarkets
from offpeak.prices.model import Tariff, TariffKind
from tests.conftest import MakeTable
from tests.pairing.builders import NOW, location


def test_places_that_are_alike_are_one_row_and_those_that_say_nothing_are_none(make_table: MakeTable) -> None:
    markets = OwnMarkets(make_table("own_markets"))
    markets.note("acme", None, NOW)
    markets.note("acme", location(), NOW)
    for name in ("loc_1", "loc_2"):
        markets.note("acme", location(location_id=name, bidding_zone="NL"), NOW)
    markets.note("acme", location(tariff=Tariff(TariffKind.DYNAMIC)), NOW)
    markets.note("volta", location(bidding_zone="NL", tariff=Tariff(TariffKind.FIXED)), NOW)
    assert markets.all() == [
        OwnMarket("acme", None, TariffKind.DYNAMIC),
        OwnMarket("acme", "NL", None),
        OwnMarket("volta", "NL", TariffKind.FIXED),
    ]


def test_a_place_is_noted_once_a_day_and_forgotten_when_it_is_not(make_table: MakeTable) -> None:
    table, now = make_table("own_markets"), NOW
    markets = OwnMarkets(table, now_s=lambda: now.timestamp())
    ends = []
    for hours in (0, 23, 2):
        now += timedelta(hours=hours)
        markets.note("acme", location(bidding_zone="NL"), now)
        [row] = table.query("pk = :all", {":all": "OWN_MARKETS"})
        ends.append(int(row["expires_at"]) - int((NOW + KEPT_FOR).timestamp()))
    assert ends == [0, 0, 25 * 3600]
