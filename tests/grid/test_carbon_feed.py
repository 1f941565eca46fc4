"""The carbon feed: what it asks for, what it makes of answers, and which it refuses."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from local.carbon_feed import CarbonFeed, made_up_g_per_kwh
from local.loopback_server import LoopbackServer
from local.price_feed import FeedFault
from offpeak.errors import PeerUnavailable, PeerUnusable
from offpeak.grid.carbon_feed import EnergyChartsCarbon, country_of, signal_of
from offpeak.grid.fetch import fetch_carbon, is_material
from offpeak.grid.model import Scope, Signal, SignalKind
from offpeak.grid.store import SignalStore, Wanted
from offpeak.prices.energy_charts_api import LARGEST_ANSWER_BYTES
from tests.conftest import MakeTable
from tests.grid.builders import NOON, ZONE, a_signal, at

STAMPS = [int(at(12 + n / 4).timestamp()) for n in range(4)]
REAL = datetime(2027, 6, 1, tzinfo=UTC)


def an_answer(**changes: Any) -> bytes:
    usual = {"co2eq": [300.04, None, None, None], "co2eq_forecast": [999, 310, None, 330.5], "deprecated": False}
    return json.dumps({"unix_seconds": STAMPS, **usual, **changes}).encode()


def test_what_was_measured_stands_before_the_forecast_and_gaps_hold_what_was_before() -> None:
    signal = signal_of(an_answer(), "DE-LU")
    assert (signal.signal_id, signal.scope, signal.kind) == ("feed.carbon.DE-LU", ZONE, SignalKind.CARBON)
    assert [(each.start_at, each.value) for each in signal.steps] == [
        (at(12), Decimal("300.0")),
        (at(12.25), Decimal(310)),
        (at(12.75), Decimal("330.5")),
    ]
    assert signal.end_at == at(13)
    assert "Energy-Charts" in signal.source
    assert signal.is_of_a_feed


def test_hours_are_taken_as_hours() -> None:
    stamps = [int(at(hour).timestamp()) for hour in (12, 13, 14)]
    signal = signal_of(an_answer(unix_seconds=stamps, co2eq=[1, 2, 3], co2eq_forecast=[None] * 3), "FR")
    assert signal.end_at == at(15)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[]",
        b"{}",
        b"1" * 10,
        an_answer(co2eq=[1]),
        an_answer(co2eq_forecast=None),
        an_answer(co2eq=[None] * 4, co2eq_forecast=[None] * 4),
        an_answer(co2eq=["300", None, None, None]),
        an_answer(co2eq=[True, None, None, None]),
        an_answer(co2eq=[-1, None, None, None]),
        an_answer(co2eq=[5001, None, None, None]),
        an_answer(unix_seconds=STAMPS[::-1]),
        an_answer(unix_seconds=[each + 1 for each in STAMPS]),
        an_answer(unix_seconds=[2**40] * 4),
        an_answer().replace(b"300.04", b"NaN"),
        an_answer().replace(b"300.04", b"1e999"),
    ],
    ids=lambda body: body[:50].decode(),
)
def test_an_answer_that_makes_no_sense_is_refused(body: bytes) -> None:
    with pytest.raises(PeerUnusable, match="carbon feed"):
        signal_of(body, "DE-LU")


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (httpx.Response(500), PeerUnavailable),
        (httpx.Response(429), PeerUnavailable),
        (httpx.Response(400, json={"detail": "'xx' is not the code for an available country"}), PeerUnusable),
        (httpx.Response(200, content=b" " * (LARGEST_ANSWER_BYTES + 1)), PeerUnusable),
    ],
)
def test_a_failing_feed_says_whether_asking_again_may_help(response: httpx.Response, error: type[Exception]) -> None:
    feed = EnergyChartsCarbon("http://feed", httpx.MockTransport(lambda _: response))
    with pytest.raises(error):
        feed.fetch("DE-LU", NOON.date(), NOON.date())


def test_the_countrys_mix_of_the_days_is_asked_for() -> None:
    asked = list[httpx.URL]()

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return httpx.Response(200, content=an_answer())

    EnergyChartsCarbon("http://feed/", httpx.MockTransport(answer)).fetch("DE-LU", NOON.date(), NOON.date())
    assert [str(each) for each in asked] == ["http://feed/co2eq?country=de&start=2026-01-15&end=2026-01-15"]
    assert [country_of(zone) for zone in ("NO2", "IT-NORD", "FR")] == ["no", "it", "fr"]


def test_the_stand_in_speaks_as_the_feed_does_also_when_it_fails() -> None:
    carbon = CarbonFeed(now=lambda: NOON)
    with LoopbackServer(lambda _: Starlette(routes=[carbon.route])) as server:
        feed = EnergyChartsCarbon(server.url)
        told = feed.fetch("DE-LU", NOON.date(), NOON.date() + timedelta(days=1))
        assert told.value_at(NOON + timedelta(hours=6)) == Decimal(str(made_up_g_per_kwh(NOON + timedelta(hours=6))))
        assert told.end_at is not None
        assert told.end_at - NOON > timedelta(days=1)
        with pytest.raises(PeerUnusable):
            feed.fetch("XX", NOON.date(), NOON.date())
        carbon.fault = FeedFault.NULLS
        assert len(feed.fetch("DE-LU", NOON.date(), NOON.date()).steps) == 48
        for fault, error in ((FeedFault.HTTP_500, PeerUnavailable), (FeedFault.GARBAGE, PeerUnusable)):
            carbon.fault = fault
            with pytest.raises(error):
                feed.fetch("DE-LU", NOON.date(), NOON.date())


class Feed:
    """Tells `values` from noon on, an hour each; zones of `failing` fail."""

    def __init__(self, *values: float, failing: tuple[str, ...] = ()) -> None:
        self.values, self.failing = values, failing

    def fetch(self, zone: str, first: object, last: object) -> Signal:
        if zone in self.failing:
            raise PeerUnavailable("down")
        hours = tuple(float(12 + n) for n in range(len(self.values)))
        end = 12 + len(self.values)
        return a_signal(f"feed.carbon.{zone}", SignalKind.CARBON, *self.values, hours=hours, end=end, scope=Scope(zone))


@pytest.fixture
def store(make_table: MakeTable) -> SignalStore:
    return SignalStore(make_table("grid_signals"))


def test_what_is_told_is_stored_and_only_a_change_that_matters_wants_plans(store: SignalStore) -> None:
    wanted = []
    for values in ((300, 300), (304, 309), (304, 330), (304, 330, 100)):
        fetch_carbon(Feed(*values), store, ["DE-LU"], ["DE-LU"], NOON, REAL)
        found = store.wanted_of(ZONE)
        wanted.append(found is not None)
        if found is not None:
            store.done(found)
        [signal] = store.of(ZONE)
        assert [float(each.value) for each in signal.steps] == list(values)
    assert wanted == [True, False, True, False]


def test_a_zone_whose_feed_fails_keeps_what_it_has_and_holds_up_no_other(store: SignalStore) -> None:
    fetch_carbon(Feed(300, 300), store, ["DE-LU", "NL"], ["DE-LU"], NOON, REAL)
    fetch_carbon(Feed(100, 100, failing=("DE-LU",)), store, ["DE-LU", "NL"], ["DE-LU"], NOON, REAL)
    assert [float(store.of(Scope(zone=zone))[0].steps[0].value) for zone in ("DE-LU", "NL")] == [300, 100]
    assert store.wanted_of(Scope(zone="NL")) == Wanted(Scope(zone="NL"), 2, by_weight=True)


def test_an_answer_about_the_past_alone_is_a_failure(store: SignalStore) -> None:
    fetch_carbon(Feed(300), store, ["DE-LU"], ["DE-LU"], at(13), REAL)
    assert store.of(ZONE) == ()


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ((300, 300), (309, 309), False),
        ((300, 300), (300, 316), True),
        ((20, 20), (29, 29), False),
        ((20, 20), (31, 20), True),
        ((900, 300), (300, 300), False),
    ],
)
def test_a_change_matters_from_ten_grams_and_a_twentieth_on_and_only_ahead(
    before: tuple[float, ...], after: tuple[float, ...], expected: bool
) -> None:
    told = [Feed(*values).fetch("DE-LU", None, None) for values in (before, after)]
    now = at(13) if before[0] == 900 else NOON
    assert is_material(told[0], told[1], now) is expected
    assert is_material(None, told[1], now)
