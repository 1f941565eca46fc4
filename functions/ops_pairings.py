"""The operator API on pairing, under /ops/v1/partners/{partner_id}/pairings: un-pairings that a CPO has not
acknowledged, and who tries codes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from aws_lambda_powertools.event_handler import Response

from offpeak import wiring
from offpeak.edge import rest_handler
from offpeak.errors import UnknownObject
from offpeak.operator_edge import answer, operator, operator_api
from offpeak.pairing.show import tried_shown, unpairing_shown
from offpeak.telemetry import logger

api = operator_api()
PAIRINGS = "/ops/v1/partners/<partner_id>/pairings"
MOST = 200
LOOKS_BACK = timedelta(days=1)


@api.get(PAIRINGS)
def show(partner_id: str) -> Response[str]:
    if wiring.partners().load(partner_id) is None:
        raise UnknownObject(f"there is no partner {partner_id}")
    waiting = wiring.ownership().waiting(MOST, partner_id)
    tried = wiring.tries().of_partner(partner_id, datetime.now(UTC) - LOOKS_BACK)
    shown = [tried_shown(each) for each in tried if each.tries > 0]
    return answer({"unpairings": [unpairing_shown(each) for each in waiting], "tries": shown})


@api.delete(f"{PAIRINGS}/<unpairing_id>")
def give_up(partner_id: str, unpairing_id: str) -> Response[str]:
    """The CPO has been told in another way, or is gone."""
    waits = wiring.ownership().unpairing(unpairing_id)
    if waits is None or waits.partner_id != partner_id:
        raise UnknownObject(f"there is no un-pairing {unpairing_id}")
    wiring.ownership().drop(waits)
    logger.warning("unpairing_given_up", unpairing_id=unpairing_id, partner_id=partner_id, who=operator(api).who)
    return answer(unpairing_shown(waits))


handler = rest_handler(api)
