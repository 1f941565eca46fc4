"""In which bidding zones partners have sessions: by their own settings, or by what drivers' places say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import datetime

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


def in_order(markets: Sequence[Market], now: datetime) -> tuple[list[str], set[str]]:
    """Return the zones of markets, and which of them are partners' own.

    Those come first: operators have chosen them, and see to it that something is known of them. Every hour another one
    begins, so that none is always behind those that a feed hangs at.
    """
    partners = {each.zone for each in markets if not each.is_places}
    places = {each.zone for each in markets} - partners
    return [*_begun_elsewhere(sorted(partners), now), *_begun_elsewhere(sorted(places), now)], partners


def _begun_elsewhere(zones: Sequence[str], now: datetime) -> Sequence[str]:
    first = int(now.timestamp()) // 3600 % max(1, len(zones))
    return [*zones[first:], *zones[:first]]


def while_time_lasts(zones: Iterable[str], now_s: Callable[[], float]) -> Iterator[str]:
    """Yield zones for FETCHING_S; those left out are told again to the next fetches, until one begins with them."""
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
