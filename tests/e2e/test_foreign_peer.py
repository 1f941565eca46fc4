"""A peer that nobody here wrote: extrawest_ocpi plays the CPO. What it gets wrong is in docs/peers.md."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from local.cpo.wire import write_instant
from offpeak.partners.model import PartnerStatus
from offpeak.partners.store import PartnerStore
from offpeak.profiles.model import RequestState
from offpeak.sessions.model import SessionKey
from tests.e2e.scene import Scene
from tests.e2e.stage import EVENING

PROJECT = Path(__file__).parents[2]
PYTHON = PROJECT / ".venv/peers/bin/python"
PROGRAM = PROJECT / "tests/peers/extrawest_cpo.py"


@dataclass
class ForeignCpo:
    """The library's CPO, and what we have of it."""

    scene: Scene
    partner_id: str
    country_code: str
    party_id: str
    versions_url: str
    token_a: str

    def order(self, action: str, **details: Any) -> Any:
        """Give an operators' command about it."""
        order = {"action": action, "partner_id": self.partner_id, **details}
        answer = self.scene.cloud.invoke("ops_partners", order)
        assert "error" not in answer, answer
        return answer

    def let_us_register(self, **flags: Any) -> Any:
        parties = [f"{self.country_code}-{self.party_id}"]
        settings = {"name": "Foreign", "parties": parties, "flags": flags}
        return self.order("register", versions_url=self.versions_url, token_a=self.token_a, settings=settings)

    @property
    def status(self) -> PartnerStatus:
        known = PartnerStore(self.scene.stage.table("partners")).load(self.partner_id)
        assert known is not None
        return known.status

    @property
    def url(self) -> str:
        return self.versions_url.removesuffix("/ocpi/versions")

    def keep(self, session_id: str, **fields: Any) -> Any:
        """Let it have a session; return the tokens that both sides have."""
        party = {"country_code": self.country_code, "party_id": self.party_id}
        session = {
            **party,
            "id": session_id,
            "start_date_time": write_instant(EVENING),
            "kwh": 1.5,
            "cdr_token": {**party, "uid": "CARD-1", "type": "RFID", "contract_id": "DE-ABC-C1"},
            "auth_method": "WHITELIST",
            "location_id": "LOC-1",
            "evse_uid": "EVSE-1",
            "connector_id": "1",
            "currency": "EUR",
            "status": "ACTIVE",
            "last_updated": write_instant(self.scene.now),
            **fields,
        }
        kept = self.scene.stage.http.post(f"{self.url}/_test/sessions", json=session).json()
        self.scene.stage.tokens |= {kept["token"], kept["offpeak"]["token"]}
        return kept

    def push(self, session_id: str, **fields: Any) -> Any:
        """Let the library push a session as it does; return what it says it was answered."""
        kept = self.keep(session_id, **fields)
        details = f"{self.scene.cloud.base_url}/ocpi/2.2.1"
        receiver = {"endpoints_url": details, "auth_token": kept["offpeak"]["token"]}
        pushed = self.scene.stage.http.post(
            f"{self.url}/push/2.2.1",
            json={"module_id": "sessions", "object_id": session_id, "receivers": [receiver]},
            headers={"Authorization": f"Token {base64.b64encode(kept['token'].encode()).decode()}"},
        )
        return pushed.json()


@pytest.fixture
def cpo(scene: Scene) -> Iterator[ForeignCpo]:
    assert PYTHON.exists(), "the peer is not installed: `make test` does it"
    partner_id, party = scene.stage.next_partner()
    process = subprocess.Popen(
        [PYTHON, PROGRAM, party.country_code, party.party_id],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={},
    )
    try:
        assert process.stdout
        served = json.loads(process.stdout.readline())
        scene.stage.tokens.add(served["token_a"])
        yield ForeignCpo(scene, partner_id, party.country_code, party.party_id, **served)
    finally:
        process.terminate()
        process.communicate()


def test_we_register_renew_and_leave(cpo: ForeignCpo) -> None:
    """C2, C4, C6: it speaks 2.1.1 and 2.2.1, and calls us back"""
    told = cpo.let_us_register()
    assert (told["status"], told["version"], told["problem"]) == ("REGISTERED", "2.2.1", None)
    assert [each["call"].split("/ocpi/")[-1] for each in told["steps"]] == [
        "versions",
        "2.2.1/details",
        "cpo/2.2.1/credentials/",
        "versions",
    ]
    told = cpo.order("rotate")
    assert told["problem"] is None
    assert told["steps"][-1]["outcome"] == "HTTP 200, OCPI 1000", "its new token works"
    assert cpo.order("unregister")["problem"] is None
    assert cpo.status is PartnerStatus.REMOVED


def test_a_token_that_it_does_not_know_is_told_though_it_answers_without_an_envelope(cpo: ForeignCpo) -> None:
    """T5"""
    cpo.token_a = "unheard-of"
    assert cpo.let_us_register()["problem"] == "your versions answered HTTP 401, OCPI -"


def test_its_sessions_come_in_where_our_endpoints_end_in_a_slash(scene: Scene, cpo: ForeignCpo) -> None:
    """S1, S5, T8: it writes its party in small letters, and names optional fields null"""
    cpo.let_us_register(endpoints_end_in_slash=True)
    [pushed] = cpo.push("S-1")["receiver_responses"]
    assert (pushed["status_code"], pushed["response"]["status_code"]) == (201, 1000)
    [again] = cpo.push("S-1", kwh=2)["receiver_responses"]
    assert again["status_code"] == 200
    known = scene.stage.sessions.known(SessionKey(cpo.partner_id, "S-1"))
    assert known is not None
    assert (known.session.kwh, known.session.country_code) == (2, cpo.country_code)


def test_its_sessions_do_not_come_in_otherwise(scene: Scene, cpo: ForeignCpo) -> None:
    """It appends DE/... to the address without a slash between"""
    cpo.let_us_register()
    said = cpo.push("S-1")
    assert said.get("status_code") == 3000 or said["receiver_responses"][0]["status_code"] >= 400
    assert scene.stage.sessions.known(SessionKey(cpo.partner_id, "S-1")) is None


def pulled(scene: Scene, cpo: ForeignCpo) -> Any:
    """Have its sessions pulled; return how that went."""
    order = {"action": "pull", "partner_id": cpo.partner_id, "from": write_instant(EVENING - timedelta(days=1))}
    assert "error" not in scene.cloud.invoke("ops_history", order)
    scene.settle()
    [run] = scene.cloud.invoke("ops_history", {"action": "show", "partner_id": cpo.partner_id})["runs"]
    return run


def test_its_sessions_are_pulled_from_its_list(scene: Scene, cpo: ForeignCpo) -> None:
    """T9: its last page has an empty Link header"""
    cpo.let_us_register()
    cpo.keep("S-1")
    cpo.keep("S-2")
    run = pulled(scene, cpo)
    assert (run["state"], run["created"], run["problem"]) == ("done", 2, None)
    for each in ("S-1", "S-2"):
        assert scene.stage.sessions.known(SessionKey(cpo.partner_id, each)) is not None


def test_the_second_page_of_its_list_is_not_to_be_had(scene: Scene, cpo: ForeignCpo) -> None:
    """T9, C7: its Link leads to https whatever it is served by, and to "ModuleID.sessions"; that is told"""
    cpo.let_us_register()
    for number in range(110):
        cpo.keep(f"S-{number:03}")
    run = pulled(scene, cpo)
    assert run["state"] == "failed"
    assert "its Link leaves" in run["problem"]


def test_it_takes_no_charging_profile_and_that_is_told(scene: Scene, cpo: ForeignCpo) -> None:
    """P3, P7: it wants one period in place of a list of them, and a min_charge_rate that OCPI does not have"""
    cpo.let_us_register(endpoints_end_in_slash=True)
    cpo.push("S-1")
    scene.cloud.invoke("fetch_prices")
    scene.settle()
    standing = scene.stage.profiles.standing(SessionKey(cpo.partner_id, "S-1"))
    assert standing.newest_request_id
    request = scene.stage.profiles.request(standing.newest_request_id)
    assert request is not None
    assert request.state is RequestState.REJECTED
    assert "HTTP 422" in (request.detail or "")
