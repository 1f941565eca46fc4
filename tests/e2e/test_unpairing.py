"""A charger from the code that its driver tells his CPO to the end of its pairing, on the deployed stack."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from local.cpo import PairingTrouble
from local.cpo.wire import write_instant
from offpeak.pairing.ownership import OwnershipStore
from offpeak.profiles.model import RequestKind
from offpeak.tenants.store import TenantStore
from ops.operator_api import call
from tests.e2e.app import App
from tests.e2e.partner import Partner
from tests.e2e.scene import Scene

EVSE = "EVSE-S1"
REFUSED = (200, 2001)


def app_of(scene: Scene, partner: Partner) -> App:
    """Let there be an app whose drivers may pair chargers of that CPO."""
    partner.change(pairing={"url": partner.cpo.pairing_url})
    app = App(scene.stage)
    store = TenantStore(scene.stage.table("tenants"))
    store.save(replace(store.known(app.tenant_id), partner_ids=(partner.partner_id,)))
    return app


def pair(app: App, partner: Partner) -> str:
    """Pair by a code of ours, and return the charger's path."""
    user = f"/v1/users/{app.user_id}"
    made = app.done("POST", f"{user}/chargers/codes", {"location_id": app.location_id})
    assert partner.cpo.begin_pairing(str(made["code"]), EVSE).is_fine
    assert partner.cpo.begin_pairing(str(made["code"]).lower(), EVSE).is_fine, "again is the same"
    return f"{user}/chargers/{made['charger_id']}"


def tell(scene: Scene, partner: Partner) -> int:
    """Let the minute come in which CPOs are told, and return what is left to tell."""
    store = OwnershipStore(scene.stage.table("evse_ownership"))
    for each in store.waiting(10, partner.partner_id):
        store.save_unpairing(replace(each, due_at=datetime.now(UTC)))
    scene.cloud.invoke("sweep_pairings")
    return len(store.waiting(10, partner.partner_id))


def test_after_unpairing_nothing_is_taken_and_nothing_sent_and_the_cpo_is_told_until_it_knows(scene: Scene) -> None:
    partner = scene.partner()
    app = app_of(scene, partner)
    assert partner.cpo.begin_pairing("AAAA-AAAA-AAAA", EVSE).http_status == 404
    charger = pair(app, partner)
    assert app.done("GET", charger)["state"] == "waiting_for_session"
    partner.plug_in("S1")
    scene.settle()
    assert partner.is_confirmed("S1")

    partner.cpo.trouble_pairing(PairingTrouble(http_status=503, calls=1), on="unpair")
    assert app.ask("DELETE", charger).http_status == 204
    assert scene.eventually(lambda: bool(partner.profile_calls("S1", "clear")))
    scene.settle()
    assert partner.newest("S1").kind is RequestKind.CLEAR
    rows = partner.rows("S1")
    assert partner.put(partner.session("S1", kwh=3)).codes == REFUSED
    patched = partner.patch("S1", kwh=4, last_updated=write_instant(scene.now))
    assert patched.codes == REFUSED
    assert "evse_uid" in str(patched.envelope["status_message"])
    assert partner.put(partner.session("S2", evse_uid=EVSE)).codes == REFUSED
    assert partner.patch("S2", kwh=5, last_updated=write_instant(scene.now)).codes == REFUSED, "it names no EVSE"
    scene.later(minutes=1)  # a list ends before the time up to which it is asked for
    run = scene.cloud.invoke(
        "ops_history", {"action": "pull", "partner_id": partner.partner_id, "from": "2025-01-01T00:00:00Z"}
    )
    assert "run_id" in run
    scene.settle()
    shown = scene.cloud.invoke("ops_history", {"action": "show", "partner_id": partner.partner_id})
    assert "evse_uid" in str(shown), "what is pulled is refused, too"
    assert (partner.rows("S1"), partner.rows("S2")) == (rows, [])

    path = f"/partners/{partner.partner_id}/pairings"
    assert tell(scene, partner) == 1
    [waits] = call(scene.cloud.deployed, "GET", path)["unpairings"]
    assert (waits["uid"], waits["attempts"], waits["problem"]) == (EVSE, 1, "the peer answered HTTP 503")
    assert tell(scene, partner) == 0
    assert partner.cpo.pairing.declines(EVSE)
    assert call(scene.cloud.deployed, "GET", path)["unpairings"] == []


def test_a_cpo_ends_a_pairing_and_the_charger_can_be_paired_anew(scene: Scene) -> None:
    partner = scene.partner()
    app = app_of(scene, partner)
    charger = pair(app, partner)
    partner.plug_in("S1")
    scene.settle()
    assert partner.cpo.end_pairing(EVSE.lower()).is_fine
    assert partner.cpo.end_pairing(EVSE).is_fine, "again is no harm"
    assert partner.cpo.end_pairing("EVSE-0").http_status == 404
    assert app.ask("GET", charger).http_status == 404
    assert scene.eventually(lambda: bool(partner.profile_calls("S1", "clear")))
    scene.settle()
    assert partner.put(partner.session("S1", kwh=3)).codes == REFUSED
    assert tell(scene, partner) == 0
    assert [each.kind for each in partner.cpo.pairing.calls] == [], "who ended it knows"

    again = pair(app, partner)
    assert again != charger
    assert app.done("GET", again)["state"] is not None
