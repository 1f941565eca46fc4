"""The simulator's pairing interface, called as Offpeak calls it, and steered by its handles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from local.cpo import CpoSimulator, PairingTrouble
from local.cpo.wire import authorization
from tests.local.cpo_scene import after, registered_cpo, visit
from tests.local.fake_offpeak import FULL_POWER


@pytest.fixture
def cpo() -> Iterator[CpoSimulator]:
    with registered_cpo() as (cpo, _):
        yield cpo


def post(cpo: CpoSimulator, path: str, body: object = None, **headers: str) -> httpx.Response:
    said = {"Authorization": authorization(str(cpo.token), raw=False), "X-Request-ID": "r", "X-Correlation-ID": "c"}
    return httpx.post(f"{cpo.pairing_url}/{path}", json=body or {}, headers={**said, **headers}, trust_env=False)


def order(cpo: CpoSimulator, handle: str, body: object) -> Any:
    answer = httpx.post(f"{cpo.url}/_control/{handle}", json=body, trust_env=False)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_code_stands_for_an_evse_or_a_station_each_at_its_own_address(cpo: CpoSimulator) -> None:
    order(cpo, "issue-code", {"code": "ONE", "evse_uids": ["E1"]})
    order(cpo, "issue-code", {"code": "MANY", "evse_uids": ["E2", "E3"], "station_uid": "S1"})
    assert post(cpo, "ocpi2.2/pair", {"code": "ONE"}).json()["evse"]["uid"] == "E1"
    station = post(cpo, "ocpp2.0.1/pair", {"code": "MANY"}).json()["charging_station"]
    assert (station["uid"], [each["uid"] for each in station["evses"]]) == ("S1", ["E2", "E3"])
    for path, code in (("ocpi2.2", "MANY"), ("ocpp2.0.1", "ONE"), ("ocpi2.2", "one"), ("ocpi2.2", "TWO")):
        assert post(cpo, f"{path}/pair", {"code": code}).status_code == 404
    assert cpo.pairing.paired == {"e1", "e2", "e3"}


def test_who_has_no_token_learns_nothing(cpo: CpoSimulator) -> None:
    cpo.issue_code("ONE", "E1")
    assert post(cpo, "ocpi2.2/pair", {"code": "ONE"}, Authorization="Token x").status_code == 401
    assert cpo.pairing.calls == []


def test_what_was_unpaired_declines_profiles_until_it_is_paired_anew() -> None:
    with registered_cpo() as (cpo, offpeak):

        def answered() -> str:
            return str(offpeak.set_profile("S1", FULL_POWER).json()["data"]["result"])

        cpo.issue_code("ONE", "EVSE-S1")
        cpo.plug_in(visit())
        cpo.advance(after(1))
        post(cpo, "ocpi2.2/pair", {"code": "ONE"})
        assert answered() == "ACCEPTED"
        assert post(cpo, "ocpi2.2/evse/evse-s1/unpair").status_code == 200
        assert post(cpo, "ocpi2.2/evse/evse-s1/unpair").status_code == 404
        assert cpo.pairing.declines("EVSE-S1")
        assert answered() == "REJECTED"
        post(cpo, "ocpi2.2/pair", {"code": "ONE"})
        assert not cpo.pairing.declines("EVSE-S1")
        assert answered() == "ACCEPTED"


def test_it_misbehaves_on_order(cpo: CpoSimulator) -> None:
    cpo.issue_code("ONE", "E1")
    order(cpo, "trouble-pairing", {"names": ["E7", "E8"]})
    answers = [post(cpo, "ocpi2.2/pair", {"code": "ONE"}).json()["evse"]["uid"] for _ in range(2)]
    assert answers == ["E7", "E8"]
    order(cpo, "trouble-pairing", {"http_status": 503, "calls": 1})
    assert [post(cpo, "ocpi2.2/pair", {"code": "ONE"}).status_code for _ in range(2)] == [503, 200]
    cpo.trouble_pairing(PairingTrouble(loses_answer=True))
    with pytest.raises(httpx.RemoteProtocolError):
        post(cpo, "ocpi2.2/pair", {"code": "ONE"})
    order(cpo, "trouble-pairing", {"on": "unpair", "silent": True})
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            f"{cpo.pairing_url}/ocpi2.2/evse/E1/unpair",
            headers={"Authorization": authorization(str(cpo.token), raw=False)},
            timeout=0.3,
            trust_env=False,
        )
    state = httpx.get(f"{cpo.url}/_control/state", trust_env=False).json()["pairing"]
    assert state["codes"] == ["ONE"]
    assert [call["http_status"] for call in state["calls"]][-3:] == [200, None, None]


def test_a_code_that_counts_once_is_unknown_after_it(cpo: CpoSimulator) -> None:
    cpo.issue_code("ONCE", "E1", is_used_once=True)
    assert [post(cpo, "ocpi2.2/pair", {"code": "ONCE"}).status_code for _ in range(2)] == [200, 404]
