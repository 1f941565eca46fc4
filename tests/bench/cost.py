"""What a charger costs a month on AWS: measured use of a session's events, times how many there are, times prices.

Durations are those of the local stack's functions, warm, with one session in flight.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from tests.bench.outside import Job
from tests.bench.report import Progress, Row
from tests.bench.sessions import STEP, update_of
from tests.bench.stand import Stand
from tests.bench.usage import FUNCTIONS, Meter, Usage, beyond, combined, size_of

NAME = "cost"

PRICES_OF = "2025"
"""List prices of eu-central-1 at the end of that year, in USD, without free tiers and volume discounts. Typed in, so
look them up before you rely on them: aws.amazon.com/pricing."""
USD_A_MILLION = {
    "API Gateway: REST requests": 3.70,
    "Lambda: requests": 0.20,
    "DynamoDB: write units": 0.7625,
    "DynamoDB: read units": 0.1525,
    "SQS: FIFO requests": 0.50,
    "SQS: fair queue requests": 0.40 + 0.10,
    "KMS: requests": 3.00,
    "X-Ray: traces, 5 % of all": 5.00 * 0.05,
}
USD_EACH = {
    "Lambda: GB-seconds, arm64": 0.0000133334,
    "CloudWatch Logs: GB taken in": 0.63,
    "DynamoDB: GB-months with recovery": 0.306 + 0.2448,
}
EUR_A_USD = 0.86
"""At the same time."""

SESSIONS, UPDATES = 4, 3
ACCESS_LOG_BYTES = 500
"""Of API Gateway, for each request."""
QUEUE_REQUESTS = 3
"""Of a message: sent, received, deleted; each in a batch of its own."""


@dataclass(frozen=True, slots=True)
class Month:
    """How a charger is used. A home charger with a car that plugs in two days of three and stays overnight."""

    sessions: int = 20
    stays_h: int = 12
    profiles_a_session: int = 3
    """At plug-in, when tomorrow's prices come out, and when the car turns out to draw less than it may."""
    replans_an_hour: int = 4
    kept_months: float = 13.0

    @property
    def updates_a_session(self) -> int:
        return round(self.stays_h * 3600 / STEP.total_seconds())

    @property
    def replans_a_session(self) -> int:
        return self.stays_h * self.replans_an_hour


@dataclass(frozen=True, slots=True)
class Events:
    """What one event of each kind uses."""

    plug_in: Usage
    """The first message of a session, with its profile, the CPO's answer and the charger's result."""
    update: Usage
    """A PATCH whose plan stays as it is."""
    replan: Usage
    """The quarter-hourly look at a session whose plan stays as it is."""
    kept_bytes: float
    """Rows that stay, for a session with all its updates and profiles."""


def measure(stand: Stand, progress: Progress) -> list[Row]:
    month = Month()
    progress(f"{SESSIONS} sessions with {UPDATES} updates and a look each, one at a time")
    events = observe(stand, month)
    return [*use_rows(events), *month_rows(month, events)]


def observe(stand: Stand, month: Month) -> Events:
    """Measure the events on the deployed stack, each a few times."""
    outside = stand.outside

    def once(job: Job[object]) -> None:
        outside.run_at_once([job], 1)

    [warm_up] = stand.new_sessions(1)
    once(partial(outside.session, warm_up))
    once(partial(outside.patch, warm_up, update_of(1)))
    meter = Meter(stand)
    look_at_all = partial(stand.cloud.invoke, "replan_sessions")
    meter.of(look_at_all)  # the first one starts what was not warm
    look_at_one = meter.of(look_at_all)
    sessions = stand.new_sessions(SESSIONS)
    plug_ins = [meter.of(partial(once, partial(outside.session, each))) for each in sessions]
    for each in sessions:
        meter.of(partial(once, partial(outside.patch, each, update_of(1))))  # it also sees that the profile is followed
    updates = [
        meter.of(partial(once, partial(outside.patch, each, update_of(number))))
        for number in range(2, UPDATES + 2)
        for each in sessions
    ]
    meter.of(look_at_all)
    look_at_others = beyond(look_at_one, meter.of(look_at_all))
    replan = combined([(1 / SESSIONS, look_at_others)])
    return Events(_mean(plug_ins), _mean(updates), replan, _kept_bytes(stand, sessions[0], month))


def _mean(usages: Sequence[Usage]) -> Usage:
    return combined((1 / len(usages), each) for each in usages)


def _kept_bytes(stand: Stand, session_id: str, month: Month) -> float:
    """Return what a session leaves in the tables, by the size of its rows: a period for each update, requests twice,
    because one of their indexes holds all of them."""
    dynamodb, key = stand.cloud.client("dynamodb"), stand.key(session_id).text
    rows = dynamodb.query(
        TableName=stand.cloud.table("sessions").name,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": key}},
    )["Items"]
    requests = dynamodb.query(
        TableName=stand.cloud.table("profile_requests").name,
        IndexName="by_session",
        KeyConditionExpression="session_key = :key",
        ExpressionAttributeValues={":key": {"S": key}},
    )["Items"]
    [session] = [size_of(each) for each in rows if each["sk"]["S"] == "SESSION"]
    period = max(size_of(each) for each in rows if each["sk"]["S"] != "SESSION")
    request = max(size_of(each) for each in requests)
    return session + month.updates_a_session * period + month.profiles_a_session * 2 * request


def of_month(month: Month, events: Events) -> Usage:
    """Return what a charger uses in a month. A further profile is what a plug-in has more than an update."""
    further = month.profiles_a_session - 1
    return combined(
        (month.sessions * times, used)
        for times, used in (
            (1 + further, events.plug_in),
            (-further, events.update),
            (month.updates_a_session, events.update),
            (month.replans_a_session, events.replan),
        )
    )


def amounts(month: Month, events: Events) -> Mapping[str, float]:
    """Return how much of each thing that has a price a charger uses in a month."""
    used = of_month(month, events)
    return {
        "API Gateway: REST requests": used.api_requests,
        "Lambda: requests": used.invocations.total(),
        "Lambda: GB-seconds, arm64": used.gb_s,
        "DynamoDB: write units": used.write_units,
        "DynamoDB: read units": used.read_units,
        "DynamoDB: GB-months with recovery": month.sessions * month.kept_months * events.kept_bytes / 2**30,
        "SQS: FIFO requests": QUEUE_REQUESTS * used.fifo_messages,
        "SQS: fair queue requests": QUEUE_REQUESTS * used.fair_messages,
        "KMS: requests": month.sessions * month.profiles_a_session,
        "CloudWatch Logs: GB taken in": (used.log_bytes + ACCESS_LOG_BYTES * used.api_requests) / 2**30,
        "X-Ray: traces, 5 % of all": used.invocations.total() - used.api_requests,
    }


def usd(what: str, amount: float) -> float:
    return amount * (USD_A_MILLION[what] / 1e6 if what in USD_A_MILLION else USD_EACH[what])


def month_rows(month: Month, events: Events) -> list[Row]:
    """Return the arithmetic: how much of each thing, times its price, makes how many euros."""
    rows = []
    used = amounts(month, events)
    for what, amount in used.items():
        price = f"${USD_A_MILLION[what]:g} a million" if what in USD_A_MILLION else f"${USD_EACH[what]:g} each"
        rows.append(Row(NAME, what, _count(amount), price, f"€{usd(what, amount) * EUR_A_USD:.4f}"))
    whole = sum(usd(what, amount) for what, amount in used.items()) * EUR_A_USD
    lasting = of_month(month, events).gb_s * USD_EACH["Lambda: GB-seconds, arm64"] * EUR_A_USD
    spent = f"{month.sessions} sessions of {month.stays_h} h, {month.updates_a_session} updates each"
    return [
        *rows,
        Row(NAME, f"a charger and month, prices of {PRICES_OF}", "", spent, f"€{whole:.3f}"),
        Row(NAME, "  if functions took three times as long", "", "", f"€{whole + 2 * lasting:.3f}"),
    ]


def use_rows(events: Events) -> list[Row]:
    """Return what one event of each kind uses."""
    rows = []
    for what, used in (("plug-in", events.plug_in), ("update", events.update), ("quarter-hourly look", events.replan)):
        durations = [f"{name} {used.duration_ms[name]:.0f}" for name in FUNCTIONS if used.duration_ms[name] >= 0.5]
        rows += [
            Row(NAME, f"one {what}", f"{used.duration_ms.total():.0f} ms", ", ".join(durations)),
            Row(
                NAME,
                "  its AWS calls",
                f"{used.calls.total():.0f}",
                f"{used.write_units:.0f} write, {used.read_units:.0f} read units",
            ),
        ]
    return rows


def _count(amount: float) -> str:
    return f"{amount:,.0f}" if amount >= 10 else f"{amount:.4f}"
