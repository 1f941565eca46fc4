"""In which bidding zones partners have sessions: by their own settings, or by what drivers' places say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass

from offpeak.pairing.own_markets import OwnMarket
from offpeak.partners.model import Partner
from offpeak.prices.model import TariffKind
from offpeak.telemetry import logger

FETCHING_S = 40.0
"""Who fetches has a minute: the rest is for the zone that it is at, and for asking for plans."""


@dataclass(frozen=True, slots=True)
class Market:
    """A zone in which a partner has, or may have, sessions. `is_dynamic`: they pay its prices; `is_places`: that is
    what places of drivers say, and not the partner's settings."""

    partner: Partner
    zone: str
    is_dynamic: bool
    is_places: bool

    @property
    def weighs_carbon(self) -> bool:
        return self.partner.planning.carbon_weight_eur_per_kg != 0


def markets_of(partners: Iterable[Partner], own: Iterable[OwnMarket]) -> list[Market]:
    """Return the markets of all partners; what is noted of one that is gone is none."""
    known = {each.partner_id: each for each in partners}
    of_partners = [_market(each, OwnMarket(each.partner_id, None, None)) for each in known.values()]
    return of_partners + [_market(known[each.partner_id], each) for each in own if each.partner_id in known]


def in_order(markets: Sequence[Market]) -> tuple[list[str], set[str]]:
    """Return the zones of markets, and which of them are partners' own.

    Those come first: operators have chosen them, and see to it that something is known of them.
    """
    partners = {each.zone for each in markets if not each.is_places}
    return [*sorted(partners), *sorted({each.zone for each in markets} - partners)], partners


def while_time_lasts(zones: Iterable[str], now_s: Callable[[], float]) -> Iterator[str]:
    """Yield zones for FETCHING_S: of those left out, the next fetch is told again."""
    ends_s = now_s() + FETCHING_S
    for zone in zones:
        if now_s() >= ends_s:
            logger.warning("zones_left_out", first=zone)
            return
        yield zone


def connected_in(zones: Set[str], markets: Iterable[Market]) -> list[str]:
    """Return the partners with a connection who have a market in any of these zones, each once."""
    return sorted({each.partner.partner_id for each in markets if each.zone in zones and each.partner.is_registered})


def _market(partner: Partner, own: OwnMarket) -> Market:
    planning = partner.planning
    kind = own.tariff or planning.tariff.kind
    zone = own.bidding_zone or planning.bidding_zone
    return Market(partner, zone, kind is TariffKind.DYNAMIC, is_places=own.bidding_zone is not None)
