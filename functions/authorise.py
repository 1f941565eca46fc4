"""The API's authoriser: who is calling, by an OCPI token, or by an access token and an ApiKey."""

from __future__ import annotations

from offpeak import wiring
from offpeak.edge import authoriser_handler

handler = authoriser_handler(lambda *request: wiring.authoriser().authorise(*request))
