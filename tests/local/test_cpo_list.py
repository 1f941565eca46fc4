"""The simulated CPO's lists, and what may be ordered to be wrong with it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from local.cpo import CpoSimulator, ListTrouble
from tests.local.cpo_scene import registered_cpo
from tests.local.fake_offpeak import FakeOffpeak

ALL = {"date_from": "2026-01-01T00:00:00Z"}
SESSIONS = [{"id": f"S{number}", "last_updated": "2026-01-02T00:00:00Z"} for number in range(5)]


def walk(offpeak: FakeOffpeak, most: int = 10) -> list[Any]:
    """Follow the Links; return each page's objects."""
    pages: list[Any] = []
    query: Any = ALL
    while query is not None and len(pages) < most:
        page = offpeak.ask("GET", "sessions", params=query)
        pages.append(page.json()["data"])
        following = page.links.get("next")
        query = dict(httpx.URL(following["url"]).params) if following else None
    return pages


@pytest.fixture
def served() -> Any:
    with registered_cpo() as (cpo, offpeak):
        cpo.remember(*SESSIONS)
        yield cpo, offpeak


Served = tuple[CpoSimulator, FakeOffpeak]


def test_sessions_of_the_time_before_are_listed_in_pages(served: Served) -> None:
    cpo, offpeak = served
    cpo.trouble_list(ListTrouble(page_size=2))
    assert [len(page) for page in walk(offpeak)] == [2, 2, 1]
    assert [each.offset for each in cpo.list_calls] == [0, 2, 4]


def test_links_lead_where_they_are_told_to(served: Served) -> None:
    cpo, offpeak = served
    cpo.trouble_list(ListTrouble(page_size=2, leads_to="https://evil.example"))
    page = offpeak.ask("GET", "sessions", params=ALL)
    assert page.links["next"]["url"].startswith("https://evil.example/ocpi/")


def test_links_lead_in_a_circle(served: Served) -> None:
    cpo, offpeak = served
    cpo.trouble_list(ListTrouble(page_size=3, leads_in_a_circle=True))
    assert [len(page) for page in walk(offpeak, most=5)] == [3, 2, 3, 2, 3]


def test_bad_objects_stand_among_the_good_ones(served: Served) -> None:
    cpo, offpeak = served
    cpo.trouble_list(ListTrouble(has_bad_objects=True))
    [page] = walk(offpeak)
    assert len(page) == 3 + len(SESSIONS)


def test_a_page_is_as_large_as_it_is_told_to_be(served: Served) -> None:
    cpo, offpeak = served
    cpo.trouble_list(ListTrouble(filler_bytes=100_000, counts=False))
    page = offpeak.ask("GET", "sessions", params=ALL)
    assert len(page.content) > 100_000
    assert "X-Total-Count" not in page.headers


def test_a_page_breaks_off_in_the_middle_and_comes_whole_the_next_time(served: Served) -> None:
    cpo, offpeak = served
    cpo.trouble_list(ListTrouble(page_size=2, dies=True, from_page=2, pages=1))
    with pytest.raises(httpx.RemoteProtocolError):
        walk(offpeak)
    assert [len(page) for page in walk(offpeak)] == [2, 2, 1]


def test_other_lists_need_no_date_and_have_troubles_of_their_own(served: Served) -> None:
    cpo, offpeak = served
    cpo.remember(*SESSIONS, module="tariffs")
    cpo.trouble_list(ListTrouble(page_size=2), "tariffs")
    assert [each["id"] for each in offpeak.ask("GET", "tariffs").json()["data"]] == ["S0", "S1"]
    assert offpeak.ask("GET", "locations").json()["data"] == []
    assert offpeak.ask("GET", "sessions").json()["status_code"] == 2001
    assert offpeak.ask("GET", "hubclientinfo").status_code == 404, "it is no hub"
    assert len(cpo.calls_on_list("tariffs")) == 1
    assert cpo.list_calls == ()
