"""The main job of a driver, from the invitation of his app to the end, through the deployed stack over HTTP alone."""

from __future__ import annotations

from datetime import UTC, datetime

from local.car import Car, Visit
from local.loopback_server import LoopbackServer
from local.webhook_receiver import WebhookReceiver
from tests.e2e.scene import Scene
from tests.e2e.tenant import REFERENCE, Tenant
from tests.e2e.test_unpairing import tell

CODE, EVSE = "ACME-1234-5678", "EVSE-HOME"


def test_a_driver_pairs_plugs_in_is_planned_for_and_leaves(scene: Scene) -> None:
    partner = scene.partner(flags={"only_paired": True})
    partner.change(pairing={"url": partner.cpo.pairing_url, "tier": "EVSE", "code_pattern": "ACME-\\d{4}-\\d{4}"})
    partner.cpo.issue_code(CODE, EVSE)
    tenant = Tenant(scene, partner)
    receiver = WebhookReceiver()
    with LoopbackServer(receiver.app) as server:
        receiver.secrets.append(tenant.post("/webhooks", {"url": f"{server.url}/events"})["secret"])
        driver = tenant.driver()

        charger = f"{driver.path}/chargers/{driver.pair(CODE)}"
        assert tenant.get(charger)["state"] == "waiting_for_session"
        # Nine in the morning is no time that the partner's settings or habits would come to.
        tenant.change(f"{charger}/settings", departures={"friday": "09:00"}, need_kwh=20)

        partner.cpo.plug_in(Visit("S-HOME", EVSE, Car(battery_kwh=60, soc=0.3), partner.cpo.now))
        partner.cpo.plug_in(Visit("S-OTHER", "EVSE-OTHER", Car(battery_kwh=60, soc=0.3), partner.cpo.now))
        partner.cpo.advance(partner.cpo.now)
        scene.settle()
        [session] = tenant.get(f"{charger}/sessions")["sessions"]
        shown = tenant.get(f"{charger}/sessions/{session['session_id']}")
        assert datetime.fromisoformat(shown["plan"]["departure_at"]) == datetime(2025, 10, 3, 7, tzinfo=UTC)
        assert shown["plan"]["text"]
        assert partner.cpo.state("S-HOME").power_w == 0, "the evening is dear"
        assert len(partner.profile_calls("S-HOME")) == 1
        assert partner.profile_calls("S-OTHER") == [], "nobody has paired that one"

        assert scene.eventually(lambda: "profile.confirmed" in types_of(receiver))
        unpaired = tenant.ask("DELETE", charger)
        assert unpaired.status_code in (200, 202, 204), unpaired.text
        scene.settle()
        assert scene.eventually(lambda: "charger.unpaired" in types_of(receiver))
        assert all(each.is_genuine for each in receiver.received)
        assert receiver.sequences == list(range(1, len(receiver.received) + 1))
        assert types_of(receiver)[:4] == ["charger.paired", "session.started", "session.planned", "profile.confirmed"]

    assert len(partner.profile_calls("S-HOME", "clear")) == 1, "its profile was taken away"
    assert tell(scene, partner) == 0
    assert EVSE.casefold() in partner.cpo.pairing.unpaired, "its CPO was told"
    later = partner.ask("PATCH", partner.path("S-HOME"), {"kwh": 7, "last_updated": "2025-10-03T05:00:00Z"})
    assert (later.codes, "evse_uid" in later.message) == ((200, 2001), True)
    assert partner.known("S-HOME").session.kwh != 7
    assert tenant.ask("GET", charger).status_code == 404

    logged = "\n".join(line for lines in scene.stage.logs().values() for line in lines)
    assert session["session_id"] in logged, "they were written"
    assert [each for each in (REFERENCE, CODE, f"CARD-{EVSE}", "Kade 1") if each in logged] == [], "opaque ids only"


def types_of(receiver: WebhookReceiver) -> list[str]:
    return [each.body["type"] for each in receiver.received]
