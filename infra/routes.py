"""What the house answers to, as data: routes, queues and clocks. The stacks and the local cloud read this, no one else
repeats it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Route:
    """`function` is both the Lambda's name and its file in functions/. A partner's calls pass the authoriser, and
    so do a tenant's, below /v1; what anyone may call checks for itself who that is, where it matters. What a driver
    opens are pages: they are no part of the API's description.

    One route serves all OCPI versions: the function learns the `{version}` from the path, and refuses those that it
    does not speak. Literal segments beside it (/ocpi/versions, /ocpi/emsp) win, as API Gateway has it.
    """

    methods: tuple[str, ...]
    path: str
    function: str
    caller: Literal["partner", "tenant", "driver", "anyone"] = "partner"


OAUTH_PATH = "/oauth/token"
PAIR_PATH = "/pair/{token}"
USER = "/v1/users/{user_id}"
CONNECT_SESSIONS = f"{USER}/chargers/connect-sessions"
PAIRING_CODES = f"{USER}/chargers/codes"
WEBHOOK = "/v1/webhooks/{webhook_id}"
CHARGER = f"{USER}/chargers/{{charger_id}}"
LOCATION = "/ocpi/emsp/{version}/locations/{country_code}/{party_id}/{location_id}"

ROUTES = (
    Route(("GET",), "/ocpi/versions", "ocpi_versions"),
    Route(("GET",), "/ocpi/{version}", "ocpi_versions"),
    Route(("GET", "POST", "PUT", "DELETE"), "/ocpi/{version}/credentials", "ocpi_credentials"),
    Route(
        ("GET", "PUT", "PATCH"),
        "/ocpi/emsp/{version}/sessions/{country_code}/{party_id}/{session_id}",
        "ocpi_sessions",
    ),
    Route(("GET", "PUT", "PATCH"), LOCATION, "ocpi_locations"),
    Route(("GET", "PUT", "PATCH"), f"{LOCATION}/{{evse_uid}}", "ocpi_locations"),
    Route(("GET", "PUT", "PATCH"), f"{LOCATION}/{{evse_uid}}/{{connector_id}}", "ocpi_locations"),
    Route(
        ("GET", "PUT", "PATCH", "DELETE"),
        "/ocpi/emsp/{version}/tariffs/{country_code}/{party_id}/{tariff_id}",
        "ocpi_tariffs",
    ),
    Route(("GET", "PUT"), "/ocpi/emsp/{version}/hubclientinfo/{country_code}/{party_id}", "ocpi_hubclientinfo"),
    Route(
        ("POST",),
        "/ocpi/emsp/{version}/chargingprofiles/results/{kind}/{request_id}",
        "ocpi_chargingprofiles",
    ),
    Route(("PUT",), "/ocpi/emsp/{version}/chargingprofiles/{session_id}", "ocpi_chargingprofiles"),
    Route(("POST",), "/ocpi2.2/pair", "ocpi_pairing"),
    Route(("POST",), "/ocpi2.2/evse/{uid}/unpair", "ocpi_pairing"),
    Route(("POST",), "/ocpp2.0.1/pair", "ocpi_pairing"),
    Route(("POST",), "/ocpp2.0.1/chargingstations/{uid}/unpair", "ocpi_pairing"),
    Route(("POST",), OAUTH_PATH, "oauth", caller="anyone"),
    Route(("GET",), "/.well-known/jwks.json", "oauth", caller="anyone"),
    Route(("GET", "POST"), "/v1/users", "app_users", caller="tenant"),
    Route(("GET", "PATCH", "DELETE"), USER, "app_users", caller="tenant"),
    Route(("GET",), "/v1/deletions/{deletion_id}", "app_users", caller="tenant"),
    Route(("GET", "POST"), f"{USER}/locations", "app_users", caller="tenant"),
    Route(("GET",), f"{USER}/chargers", "app_chargers", caller="tenant"),
    Route(("GET", "DELETE"), CHARGER, "app_chargers", caller="tenant"),
    Route(("GET", "PATCH"), f"{CHARGER}/settings", "app_chargers", caller="tenant"),
    Route(("POST", "DELETE"), f"{CHARGER}/boost", "app_chargers", caller="tenant"),
    Route(("GET",), f"{CHARGER}/sessions", "app_chargers", caller="tenant"),
    Route(("GET",), f"{CHARGER}/sessions/{{session_id}}", "app_chargers", caller="tenant"),
    Route(("GET", "PATCH", "DELETE"), f"{USER}/locations/{{location_id}}", "app_users", caller="tenant"),
    Route(("POST",), CONNECT_SESSIONS, "app_connect", caller="tenant"),
    Route(("POST",), PAIRING_CODES, "app_connect", caller="tenant"),
    Route(("GET", "DELETE"), f"{CONNECT_SESSIONS}/{{connect_session_id}}", "app_connect", caller="tenant"),
    Route(("GET", "POST"), PAIR_PATH, "pair", caller="driver"),
    Route(("GET", "POST"), "/v1/webhooks", "app_webhooks", caller="tenant"),
    Route(("GET", "PATCH", "DELETE"), WEBHOOK, "app_webhooks", caller="tenant"),
    Route(("POST",), f"{WEBHOOK}/secret", "app_webhooks", caller="tenant"),
    Route(("POST",), f"{WEBHOOK}/test", "app_webhooks", caller="tenant"),
    Route(("POST",), f"{WEBHOOK}/resume", "app_webhooks", caller="tenant"),
    Route(("POST",), f"{WEBHOOK}/replay", "app_webhooks", caller="tenant"),
    Route(("GET",), f"{WEBHOOK}/deliveries", "app_webhooks", caller="tenant"),
    Route(("POST",), f"{WEBHOOK}/deliveries/{{delivery_id}}/replay", "app_webhooks", caller="tenant"),
)

PARTNER = "/ops/v1/partners/{partner_id}"
GROUP = "/ops/v1/groups/{group_id}"
GROUP_MEMBER = f"{GROUP}/members/{{partner_id}}/{{evse_uid}}"

TENANT = "/ops/v1/tenants/{tenant_id}"
TENANT_CLIENT = f"{TENANT}/clients/{{client_id}}"

SIGNALS = "/ops/v1/signals"
SIGNAL = f"{SIGNALS}/{{signal_id}}"
SIGNALS_AUDIT = "/ops/v1/audit/signals"

OPERATOR_ROUTES = (
    Route(("GET", "POST"), "/ops/v1/partners", "ops_api"),
    Route(("GET", "PATCH", "DELETE"), PARTNER, "ops_api"),
    Route(("POST",), f"{PARTNER}/invitations", "ops_api"),
    Route(("PUT", "DELETE"), f"{PARTNER}/suspension", "ops_api"),
    Route(("POST",), f"{PARTNER}/rotation", "ops_api"),
    Route(("GET",), f"{PARTNER}/quality", "ops_api"),
    Route(("GET",), f"{PARTNER}/pairings", "ops_pairings"),
    Route(("DELETE",), f"{PARTNER}/pairings/{{unpairing_id}}", "ops_pairings"),
    Route(("GET",), f"{PARTNER}/audit", "ops_api"),
    Route(("GET",), f"{PARTNER}/audit/verification", "ops_api"),
    Route(("GET", "POST"), "/ops/v1/groups", "ops_groups"),
    Route(("GET", "PATCH", "DELETE"), GROUP, "ops_groups"),
    Route(("PATCH",), f"{GROUP}/members", "ops_groups"),
    Route(("PUT", "DELETE"), GROUP_MEMBER, "ops_groups"),
    Route(("PUT", "DELETE"), f"{GROUP_MEMBER}/{{connector_id}}", "ops_groups"),
    Route(("PUT",), f"{GROUP}/load", "ops_groups"),
    Route(("GET",), f"{GROUP}/audit", "ops_groups"),
    Route(("GET",), f"{GROUP}/audit/verification", "ops_groups"),
    Route(("GET", "POST"), SIGNALS, "ops_signals"),
    Route(("GET", "PUT", "DELETE"), SIGNAL, "ops_signals"),
    Route(("GET",), SIGNALS_AUDIT, "ops_signals"),
    Route(("GET",), f"{SIGNALS_AUDIT}/verification", "ops_signals"),
    Route(("GET", "POST"), "/ops/v1/tenants", "ops_tenants"),
    Route(("GET", "PATCH", "DELETE"), TENANT, "ops_tenants"),
    Route(("PUT", "DELETE"), f"{TENANT}/suspension", "ops_tenants"),
    Route(("GET",), f"{TENANT}/access", "ops_tenants"),
    Route(("POST",), f"{TENANT}/clients", "ops_tenants"),
    Route(("DELETE",), TENANT_CLIENT, "ops_tenants"),
    Route(("POST",), f"{TENANT_CLIENT}/rotation", "ops_tenants"),
    Route(("POST",), f"{TENANT}/api-keys", "ops_tenants"),
    Route(("DELETE",), f"{TENANT}/api-keys/{{begins_with}}", "ops_tenants"),
    Route(("POST",), f"{TENANT}/usage-key", "ops_tenants"),
    Route(("GET",), f"{TENANT}/audit", "ops_tenants"),
    Route(("GET",), f"{TENANT}/audit/verification", "ops_tenants"),
)
"""On an API of their own: an operator signs his requests as an IAM identity that may invoke it (AWS Signature
Version 4)."""


def operator_places() -> dict[str, str]:
    """Return those beginnings of operators' paths, such as /ops/v1/groups, below which one function answers all, and
    which function that is."""
    functions: dict[str, set[str]] = {}
    for route in OPERATOR_ROUTES:
        functions.setdefault(operator_place(route), set()).add(route.function)
    return {place: next(iter(answering)) for place, answering in functions.items() if len(answering) == 1}


def operator_place(route: Route) -> str:
    """Return the first three parts of an operators' path."""
    return "/".join(route.path.split("/")[:4])


@dataclass(frozen=True, slots=True)
class Worker:
    """A queue with the function that works it. `fifo` queues keep order within a group; the others are standard
    queues, served fairly between message groups."""

    queue: str
    function: str
    fifo: bool
    batch_size: int
    timeout_s: int
    """A message that fails comes again after six times as long, and in a FIFO queue its whole group waits with it."""
    max_concurrency: int


WORKERS = (
    Worker("plan", "plan_sessions", fifo=True, batch_size=10, timeout_s=10, max_concurrency=100),
    Worker("send", "send_profiles", fifo=False, batch_size=1, timeout_s=10, max_concurrency=100),
    Worker("replan", "want_plans", fifo=False, batch_size=1, timeout_s=60, max_concurrency=10),
    Worker("history", "pull_history", fifo=False, batch_size=1, timeout_s=60, max_concurrency=10),
    Worker("pairing", "pair_chargers", fifo=False, batch_size=1, timeout_s=30, max_concurrency=50),
    Worker("events", "publish_events", fifo=True, batch_size=10, timeout_s=10, max_concurrency=50),
    Worker("webhooks", "deliver_webhooks", fifo=False, batch_size=1, timeout_s=30, max_concurrency=50),
)


@dataclass(frozen=True, slots=True)
class Clock:
    """An EventBridge schedule (a rate or cron expression in UTC) that invokes a function with {}."""

    name: str
    schedule: str
    function: str


CLOCKS = (
    Clock("sweep", "rate(1 minute)", "sweep_sessions"),
    Clock("pairings", "rate(1 minute)", "sweep_pairings"),
    Clock("replan", "rate(15 minutes)", "replan_sessions"),
    Clock("prices", "rate(1 hour)", "fetch_prices"),
    Clock("carbon", "rate(1 hour)", "fetch_carbon"),
    Clock("deletions", "rate(1 minute)", "erase_users"),
    Clock("tokens", "rate(10 minutes)", "refresh_tokens"),
    Clock("history", "rate(10 minutes)", "sync_history"),
    Clock("rotation", "rate(1 hour)", "rotate_tokens"),
    Clock("webhooks", "rate(1 minute)", "sweep_webhooks"),
)


@dataclass(frozen=True, slots=True)
class Throttle:
    """A token bucket in front of the REST API; what overflows is answered 429."""

    requests_per_s: int
    burst: int


API_THROTTLE = Throttle(requests_per_s=5000, burst=5000)
"""All partners and tenants together: half of what an account and region have by default, so that two stages fit."""

OPERATOR_THROTTLE = Throttle(requests_per_s=20, burst=40)

PARTNER_THROTTLE = Throttle(requests_per_s=1000, burst=2000)
"""One partner: 300 000 sessions that are pushed every 5 minutes. A tenant has the same."""

TOKEN_THROTTLE = Throttle(requests_per_s=20, burst=40)
"""Of the token endpoint, which anyone may call: a client needs a token once in fourteen days."""

PAIR_THROTTLE = Throttle(requests_per_s=200, burst=400)
"""Of drivers' pages, each method by itself: a driver who connects a charger asks for some ten, so twenty drivers a
second. What somebody floods them with takes nothing from partners and tenants."""
