"""Calls to CPOs' pairing interfaces.

They share a partner's places with charging profiles and history, of which half may be taken for them: a slow pairing
interface delays no profile. They move no circuit breaker either, since they tell nothing of how profiles are answered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from offpeak.errors import InvalidMessage, PeerUnavailable, PeerUnusable, UnparseableBody
from offpeak.ocpi.client import OcpiClient
from offpeak.ocpi.envelope import RequestIds, Status
from offpeak.ocpi.guarded_http import HttpAnswer
from offpeak.ocpi.pairing import pair_address, read_evse, read_station, unpair_address
from offpeak.ocpi.wire_json import read_json
from offpeak.pairing.model import PairedStation, Tier
from offpeak.pairing.stations import of_evse, of_station
from offpeak.partners.gates import Deferred, Gates
from offpeak.partners.model import Partner
from offpeak.partners.peer_tokens import CallsPartners

PAIR_S, UNPAIR_S = 8.0, 5.0
"""What a CPO has to answer within: both well below the lease of a place (partners/gate.py)."""
LARGEST_ANSWER = 256 * 1024
UNKNOWN = (404, 410)
NO_SUCH_CODE = (*UNKNOWN, 400, 422)
"""404 is what the interface says; some systems refuse the request instead."""
LINKED_THERE = 409


class LinkedThere(Exception):
    """The CPO says that the charger is linked by somebody else already, with us or with another provider."""


@dataclass(frozen=True, slots=True)
class PairingInterfaces:
    """What it takes to call. `real_now` tells the real time."""

    gates: Gates
    tokens: CallsPartners
    client: OcpiClient
    real_now: Callable[[], datetime]

    def station_of(self, code: str, partner: Partner, ids: RequestIds) -> PairedStation | None:
        """Ask a CPO what a code stands for, None where it knows no such code.

        The CPO takes the charger as paired with us from then on. Raises LinkedThere; PeerUnavailable when it takes no
        call now or did not answer in time, and PeerUnusable when its answer cannot be used.
        """
        stations = partner.pairing.tier is Tier.STATION
        answer = self._post(
            pair_address(_base(partner), stations=stations), {"code": code}, partner, ids, timeout_s=PAIR_S
        )
        if answer.http_status in NO_SUCH_CODE:
            return None
        if answer.http_status == LINKED_THERE:
            raise LinkedThere(partner.partner_id)
        if answer.http_status >= 300:
            raise PeerUnusable(Status.PEER_UNUSABLE, f"the CPO answered HTTP {answer.http_status} to a code")
        try:
            body = read_json(answer.body.decode())
            if stations:
                return of_station(partner.partner_id, read_station(body))
            return of_evse(partner.partner_id, read_evse(body))
        except (UnicodeDecodeError, UnparseableBody, InvalidMessage) as error:
            raise PeerUnusable(Status.PEER_UNUSABLE, f"the CPO's answer to a code: {error}") from error

    def tell_unpaired(self, partner: Partner, tier: Tier, uid: str, ids: RequestIds) -> None:
        """Tell a CPO that an EVSE, or a station, is paired no more. One that knows nothing of it has been told as well.

        Raises PeerUnavailable when it takes no call now or did not answer in time, and PeerUnusable when it refused.
        """
        url = unpair_address(_base(partner), uid, stations=tier is Tier.STATION)
        answer = self._post(url, {}, partner, ids, timeout_s=UNPAIR_S)
        if answer.http_status >= 300 and answer.http_status not in UNKNOWN:
            raise PeerUnusable(Status.PEER_UNUSABLE, f"the CPO answered HTTP {answer.http_status}")

    def _post(self, url: str, body: object, partner: Partner, ids: RequestIds, *, timeout_s: float) -> HttpAnswer:
        with self._place(partner, ids.request_id):
            answer = self.client.fetch(
                "POST",
                url,
                self.tokens.of(partner),
                ids=ids,
                raw_token=partner.flags.raw_token,
                body=body,
                timeout_s=timeout_s,
                largest=LARGEST_ANSWER,
            )
        if answer.http_status == 401 and self.tokens.was_refused(partner):
            raise PeerUnavailable("our access token was refused; another one is fetched")
        if answer.http_status in (408, 425, 429):
            raise PeerUnavailable(f"the CPO answered HTTP {answer.http_status}")
        return answer

    @contextmanager
    def _place(self, partner: Partner, call_id: str) -> Iterator[None]:
        cap = max(1, partner.flags.in_flight_cap // 2)
        place = self.gates.enter(partner.partner_id, cap, call_id, self.real_now().timestamp())
        if isinstance(place, Deferred):
            raise PeerUnavailable("the partner takes no call now")
        try:
            yield
        finally:
            self.gates.leave(partner.partner_id, call_id, ok=None, now_s=self.real_now().timestamp())


def _base(partner: Partner) -> str:
    if partner.pairing.url is None:
        raise PeerUnusable(Status.NO_MATCHING_ENDPOINTS, f"partner {partner.partner_id} has no pairing interface")
    return partner.pairing.url
