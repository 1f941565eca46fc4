"""In which bidding zones partners have sessions: by their own settings, or by what drivers' places say. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from offpeak.pairing.own_markets import OwnMarket
from offpeak.partners.model import Partner
from offpeak.prices.model import TariffKind


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

    Those come first: operators have chosen them, and see to it that something is known of them. The others are names
    that apps gave, and may be no zones at all.
    """
    partners = {each.zone for each in markets if not each.is_places}
    return [*sorted(partners), *sorted({each.zone for each in markets} - partners)], partners


def connected_in(zone: str, markets: Iterable[Market]) -> list[str]:
    """Return the partners with a connection who have a market in a zone."""
    return sorted({each.partner.partner_id for each in markets if each.zone == zone and each.partner.is_registered})


def _market(partner: Partner, own: OwnMarket) -> Market:
    planning = partner.planning
    kind = own.tariff or planning.tariff.kind
    zone = own.bidding_zone or planning.bidding_zone
    return Market(partner, zone, kind is TariffKind.DYNAMIC, is_places=own.bidding_zone is not None)
