"""The Energy-Charts feed: what it says, and what it must not make us believe."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from local.price_feed import PriceFeed
from local.recorded import RecordedPrices
from offpeak.errors import PeerUnavailable, PeerUnusable
from offpeak.prices.energy_charts import EnergyCharts, days_of
from offpeak.prices.energy_charts_api import LARGEST_ANSWER_BYTES
from offpeak.prices.model import QUARTER, quarter_hours
from tests.prices.builders import AUTUMN, SPRING, THURSDAY, ZONE, market

DAY = timedelta(days=1)


def an_answer(**changes: Any) -> dict[str, Any]:
    """A whole Thursday at 100 EUR/MWh."""
    stamps = [int(at.timestamp()) for at in quarter_hours(THURSDAY)]
    said = {
        "license_info": "a licence",
        "unix_seconds": stamps,
        "price": [100.5] * len(stamps),
        "unit": "EUR/MWh",
        "deprecated": False,
    }
    return {**said, **changes}


def hourly(day: date) -> dict[str, Any]:
    stamps = [int(at.timestamp()) for at in quarter_hours(day)[::4]]
    return an_answer(unix_seconds=stamps, price=list(range(len(stamps))))


def feed(answer: Callable[[httpx.Request], httpx.Response]) -> EnergyCharts:
    return EnergyCharts("https://feed.example", httpx.MockTransport(answer))


def test_it_asks_for_the_zone_and_the_days() -> None:
    asked: list[httpx.URL] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return httpx.Response(200, json=an_answer())

    feed(answer).fetch(ZONE, THURSDAY, THURSDAY + DAY)
    assert [str(url) for url in asked] == ["https://feed.example/price?bzn=DE-LU&start=2026-01-15&end=2026-01-16"]


def test_prices_come_per_kwh_with_the_licence_of_the_feed() -> None:
    (day,) = feed(lambda _: httpx.Response(200, json=an_answer())).fetch(ZONE, THURSDAY, THURSDAY)
    assert day.date == THURSDAY
    assert day.source == "a licence"
    assert set(day.eur_per_kwh.values()) == {Decimal("0.1005")}
    assert tuple(day.eur_per_kwh) == quarter_hours(THURSDAY)


@pytest.mark.parametrize(("day", "hours"), [(THURSDAY, 24), (SPRING, 23), (AUTUMN, 25)])
def test_hours_become_quarter_hours_also_when_clocks_change(day: date, hours: int) -> None:
    (found,) = days_of(json.dumps(hourly(day)).encode())
    assert tuple(found.eur_per_kwh) == quarter_hours(day)
    assert list(found.eur_per_kwh.values()) == [Decimal(hour) / 1000 for hour in range(hours) for _ in range(4)]


@pytest.mark.parametrize("place", [1, 5, 21])
def test_an_hour_that_is_left_out_stays_open(place: int) -> None:
    answer = hourly(THURSDAY)
    del answer["unix_seconds"][place], answer["price"][place]
    (found,) = days_of(json.dumps(answer).encode())
    left_out = quarter_hours(THURSDAY)[4 * place : 4 * place + 4]
    assert set(quarter_hours(THURSDAY)) - set(found.eur_per_kwh) == set(left_out)


@pytest.mark.parametrize("place", [1, 20, 94])
def test_a_quarter_hour_that_is_left_out_stays_open(place: int) -> None:
    answer = an_answer()
    del answer["unix_seconds"][place], answer["price"][place]
    (found,) = days_of(json.dumps(answer).encode())
    assert set(quarter_hours(THURSDAY)) - set(found.eur_per_kwh) == {quarter_hours(THURSDAY)[place]}


def test_a_feed_may_go_over_from_hours_to_quarter_hours() -> None:
    starts = quarter_hours(THURSDAY)
    stamps = [int(at.timestamp()) for at in (*starts[:48:4], *starts[48:])]
    (found,) = days_of(json.dumps(an_answer(unix_seconds=stamps, price=list(range(len(stamps))))).encode())
    assert tuple(found.eur_per_kwh) == starts
    assert found.eur_per_kwh[market(THURSDAY, 11, 45)] == Decimal("0.011")
    assert found.eur_per_kwh[market(THURSDAY, 12, 15)] == Decimal("0.013")


def test_what_is_not_published_yet_is_left_out() -> None:
    prices = [*[1] * 40, *[None] * 56]
    (found,) = days_of(json.dumps(an_answer(price=prices)).encode())
    assert tuple(found.eur_per_kwh) == quarter_hours(THURSDAY)[:40]
    assert days_of(json.dumps(an_answer(price=[None] * 96)).encode()) == []
    assert days_of(json.dumps(an_answer(unix_seconds=[], price=[])).encode()) == []


@pytest.mark.parametrize("unit", ["EUR/MWh", "EUR / MWh"])
def test_the_unit_is_known_with_and_without_blanks(unit: str) -> None:
    assert len(days_of(json.dumps(an_answer(unit=unit)).encode())) == 1


def test_negative_prices_are_prices() -> None:
    (found,) = days_of(json.dumps(an_answer(price=[-500] * 96)).encode())
    assert set(found.eur_per_kwh.values()) == {Decimal("-0.5")}


def test_days_that_were_not_asked_for_are_left_out() -> None:
    assert feed(lambda _: httpx.Response(200, json=an_answer())).fetch(ZONE, THURSDAY + DAY, THURSDAY + DAY) == []


SENSELESS: list[tuple[str, bytes]] = [
    ("is not JSON", b"<html>"),
    ("is not JSON", b"\xff\xfe"),
    ("is not JSON", b"[" * 100_000),
    ("is not JSON", b'{"price": [1e99999999999999999999]}'),
    ("not a JSON object", b"[]"),
    ("unit", json.dumps(an_answer(unit="EUR/kWh")).encode()),
    ("unit", b"{}"),
    ("lists of one length", json.dumps(an_answer(price=[1.0])).encode()),
    ("lists of one length", json.dumps(an_answer(price=None)).encode()),
    ("quarter-hour", json.dumps(an_answer(unix_seconds=[str(n) for n in range(96)])).encode()),
    ("quarter-hour", json.dumps(an_answer(unix_seconds=list(range(96)))).encode()),
    ("quarter-hour", json.dumps(an_answer(unix_seconds=[900 * 10**12] * 96)).encode()),
    ("quarter-hour", json.dumps(an_answer(unix_seconds=[True] * 96)).encode()),
    ("ascend", json.dumps(an_answer(unix_seconds=[900] * 96)).encode()),
    ("ascend", json.dumps(an_answer(unix_seconds=[900 * (96 - n) for n in range(96)])).encode()),
    ("not a number", json.dumps(an_answer(price=["1"] * 96)).encode()),
    ("not a number", json.dumps(an_answer(price=[True] * 96)).encode()),
    ("not a number", json.dumps(an_answer(price=[float("nan")] * 96)).encode()),
    ("beyond all limits", json.dumps(an_answer(price=[10**6] * 96)).encode()),
    ("beyond all limits", json.dumps(an_answer(price=[0] * 96)).replace("[0,", "[1e400,").encode()),
]


@pytest.mark.parametrize(("problem", "body"), SENSELESS)
def test_an_answer_that_makes_no_sense_is_refused_with_the_reason(problem: str, body: bytes) -> None:
    with pytest.raises(PeerUnusable, match=problem):
        feed(lambda _: httpx.Response(200, content=body)).fetch(ZONE, THURSDAY, THURSDAY)


def test_an_endless_answer_is_not_read_to_its_end() -> None:
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        while True:
            read += 65_536
            yield b" " * 65_536

    with pytest.raises(PeerUnusable, match="too large"):
        feed(lambda _: httpx.Response(200, content=endless())).fetch(ZONE, THURSDAY, THURSDAY)
    assert read < 2 * LARGEST_ANSWER_BYTES


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_feed_that_is_down_may_be_asked_again(status: int) -> None:
    with pytest.raises(PeerUnavailable, match=str(status)):
        feed(lambda _: httpx.Response(status)).fetch(ZONE, THURSDAY, THURSDAY)


@pytest.mark.parametrize("status", [301, 400, 404])
def test_a_feed_that_refuses_or_has_moved_is_not_followed(status: int) -> None:
    headers = {"location": "https://elsewhere.example"}
    with pytest.raises(PeerUnusable, match=str(status)):
        feed(lambda _: httpx.Response(status, headers=headers)).fetch(ZONE, THURSDAY, THURSDAY)


def test_a_feed_that_does_not_answer_is_unavailable() -> None:
    def time_out(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("too late", request=request)

    with pytest.raises(PeerUnavailable, match="ReadTimeout"):
        feed(time_out).fetch(ZONE, THURSDAY, THURSDAY)


def test_a_proxy_in_the_environment_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the wiring reads the environment."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    recorded = RecordedPrices({at: Decimal(50) for at in quarter_hours(THURSDAY)}, QUARTER)
    with PriceFeed(recorded, lambda: market(THURSDAY, 12)) as running:
        (day,) = EnergyCharts(running.url).fetch(ZONE, THURSDAY, THURSDAY)
    assert set(day.eur_per_kwh.values()) == {Decimal("0.05")}


def test_a_feed_that_nobody_serves_is_unavailable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(PeerUnavailable, match="ConnectError"):
            EnergyCharts(address).fetch(ZONE, THURSDAY, THURSDAY)
