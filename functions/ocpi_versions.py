"""OCPI versions: which versions we speak, and which interfaces each has (OCPI 2.2.1, 6)."""

from __future__ import annotations

from aws_lambda_powertools.event_handler import Response

from offpeak import wiring
from offpeak.edge import caller, ocpi_api, ocpi_ok, rest_handler
from offpeak.ocpi.paths import VERSIONS_PATH
from offpeak.ocpi.versions import version_details, versions

api = ocpi_api(functional=False)


@api.get(VERSIONS_PATH)
def get_versions() -> Response[str]:
    return ocpi_ok(versions(wiring.base_url()))


@api.get("/ocpi/<version>")
def get_version_details() -> Response[str]:
    flags = wiring.partners().load_cached(caller(api).partner_id).flags
    return ocpi_ok(version_details(wiring.base_url(), api.version, end_in_slash=flags.endpoints_end_in_slash))


handler = rest_handler(api)
