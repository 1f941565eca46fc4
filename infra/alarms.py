"""The metrics of Offpeak that wake somebody, as data: what is counted, when it rings, what to do then."""

from __future__ import annotations

from dataclasses import dataclass

NAMESPACE = "Offpeak"


@dataclass(frozen=True, slots=True)
class MetricAlarm:
    """Rings when, in each of `periods` periods in a row, the sum of `metric` is `at_least` so much, or its lowest value
    is `below` so much."""

    metric: str
    meaning: str
    period_minutes: int
    periods: int = 1
    at_least: float | None = None
    below: float | None = None

    @property
    def statistic(self) -> str:
        return "Sum" if self.below is None else "Minimum"


METRIC_ALARMS = (
    MetricAlarm(
        "PriceHoursAhead",
        below=8,
        period_minutes=60,
        periods=2,
        meaning="Less than 8 hours of published prices are left in a zone; later hours are planned on a forecast. See "
        "whether the feed publishes; fetch_prices takes it up again by itself.",
    ),
    MetricAlarm(
        "PriceFeedFailed",
        at_least=1,
        period_minutes=60,
        periods=3,
        meaning="The price feed failed for three hours. Plans go on with the prices known and their forecast. Read "
        "price_feed_failed in the log of fetch_prices.",
    ),
    MetricAlarm(
        "CarbonFeedFailed",
        at_least=1,
        period_minutes=60,
        periods=3,
        meaning="The feed of carbon intensity failed for three hours, in a zone where a partner gives it a weight. "
        "Plans go on with what was told, and then without. Read carbon_feed_failed in the log of fetch_carbon.",
    ),
    MetricAlarm(
        "WebhooksPaused",
        at_least=1,
        period_minutes=60,
        meaning="A tenant's receiver failed for a day, or said that it is gone; its events wait for 30 days. "
        "`python -m ops webhooks` shows whose and why: tell the tenant, who resumes it.",
    ),
    MetricAlarm(
        "UnpairingsWaiting",
        at_least=1,
        period_minutes=60,
        periods=2,
        meaning="A CPO has not acknowledged for a day that a charger was un-paired; it is told again every six hours. "
        "`python -m ops pairings PARTNER` shows which and what it answers: ask it, and --forget what it knows.",
    ),
    MetricAlarm(
        "DeletionsFailed",
        at_least=1,
        period_minutes=15,
        periods=2,
        meaning="The erasure of a user fails, minute after minute, for half an hour; the others go on, and it is tried "
        "until it succeeds. deletion_failed in the log of erase_users names the deletion and says why: mend that, or "
        "report it. `GET /v1/deletions/{deletion_id}` shows the app that nothing is finished yet.",
    ),
    MetricAlarm(
        "PairingTriesRefused",
        at_least=50,
        period_minutes=60,
        meaning="Somebody tries codes of chargers. `python -m ops pairings PARTNER` shows whose users and links they "
        "are, pairing_refused in the log of pair_chargers the partner: tell the tenant; suspend it if it lasts.",
    ),
    MetricAlarm(
        "CircuitsOpened",
        at_least=1,
        period_minutes=5,
        meaning="A partner's interface failed several times in a row; its profiles wait and are tried again. "
        "circuit_opened in the log of send_profiles names the partner: ask it if it lasts.",
    ),
    MetricAlarm(
        "ProfilesUnknown",
        at_least=20,
        period_minutes=15,
        meaning="Charging profiles stay without a result. profile_settled with the state unknown, in the log of "
        "sweep_sessions or send_profiles, names the partner: ask it.",
    ),
    MetricAlarm(
        "LimitGroupOverCap",
        at_least=1,
        period_minutes=5,
        periods=3,
        meaning="For a quarter of an hour the chargers behind a limit may draw more than it allows, and nothing on its "
        "way mends that: chargers that refuse or are silent, or a limit that is less than what is not managed. "
        "group_plan_made in the log of plan_sessions names the group and the watts; `python -m ops session` says of "
        "its sessions what they wait for. Have chargers that take no profile limited on site.",
    ),
    MetricAlarm(
        "HistoryRunsFailed",
        at_least=1,
        period_minutes=60,
        meaning="A partner's list of sessions could not be walked to its end, so what it failed to push stays unknown. "
        "run_ended in the log of pull_history says where it failed; `python -m ops history PARTNER` shows it. The next "
        "run begins where the last good one ended.",
    ),
    MetricAlarm(
        "RotationsFailed",
        at_least=1,
        period_minutes=360,
        periods=4,
        meaning="A partner's tokens could not be renewed for a day; those in force stay good. rotation_failed in the "
        "log of rotate_tokens names the partner and what it answered. After HTTP 401 it has lost our token: let it "
        "renew its credentials, or ask it for a token A and run `python -m ops register`.",
    ),
    MetricAlarm(
        "PeerTokensFailed",
        at_least=1,
        period_minutes=15,
        periods=2,
        meaning="A partner's token endpoint gives us no access token that works. Calls go on while the old one lasts. "
        "peer_token_not_renewed in the log of refresh_tokens or send_profiles names the partner and what is wrong: ask "
        "it; `python -m ops use-oauth` sets a new secret.",
    ),
    MetricAlarm(
        "ProfilesRejected",
        # A refusal is final for its session, so a CPO that refuses all, as it does after it changed our token, refuses
        # once a session: only a whole hour tells it from a few chargers that cannot do it.
        at_least=20,
        period_minutes=60,
        meaning="Many charging profiles were refused within an hour. profile_settled with the state rejected, in the "
        "log of send_profiles or ocpi_chargingprofiles, names the partner and its answer: after HTTP 401 or 403 invite "
        "it anew, otherwise ask it.",
    ),
)
