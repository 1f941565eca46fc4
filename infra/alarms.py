"""The metrics of Offpeak that wake somebody, as data: what is counted, when it rings, what to do then."""

from __future__ import annotations

from dataclasses import dataclass

NAMESPACE = "Offpeak"


@dataclass(frozen=True, slots=True)
class MetricAlarm:
    """Rings when the sum of `metric` is at least `at_least` in each of `periods` periods of `period_minutes`."""

    metric: str
    at_least: int
    period_minutes: int
    meaning: str
    periods: int = 1


METRIC_ALARMS = (
    MetricAlarm(
        "PriceFeedFailed",
        at_least=1,
        period_minutes=60,
        periods=3,
        meaning="No prices for three hours. Plans go on with the last curve and its forecast. See whether the feed "
        "answers; fetch_prices takes it up again by itself.",
    ),
    MetricAlarm(
        "ProfilesUnknown",
        at_least=20,
        period_minutes=15,
        meaning="Charging profiles stay without a result. See on the dashboard which partner, then ask it.",
    ),
    MetricAlarm(
        "CircuitOpened",
        at_least=1,
        period_minutes=5,
        meaning="A partner's interface failed several times in a row; its profiles wait and are tried again. Ask the "
        "partner if it lasts.",
    ),
)
