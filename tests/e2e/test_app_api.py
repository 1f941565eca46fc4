"""The app API on the deployed stack: a user's life with us, and that no tenant reaches into another's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from infra.routes import ROUTES
from tests.e2e.app import HOME, REDIRECT_URL, SPAN, App
from tests.e2e.oauth import bearer, client_of, token_of
from tests.e2e.scene import Scene

APP_ROUTES = [(method, each.path) for each in ROUTES if each.caller == "tenant" for method in each.methods]
PARTNER_ROUTES = [(method, each.path) for each in ROUTES if each.caller == "partner" for method in each.methods]


def filled(path: str, ids: Mapping[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: ids.get(match[1], "x"), path)


def test_a_user_comes_moves_and_is_erased(scene: Scene) -> None:
    app = App(scene.stage)
    user = f"/v1/users/{app.user_id}"
    made = [app.ask("POST", f"{user}/locations", HOME, Idempotency_Key="moving-in") for _ in range(2)]
    assert [each.http_status for each in made] == [201, 201]
    assert made[0].envelope == made[1].envelope, "sent twice, done once"
    location = f"{user}/locations/{made[0].envelope['location_id']}"
    assert app.ask("PATCH", location, {"name": "Work"}).http_status == 428
    changed = app.ask("PATCH", location, {"name": "Work"}, If_Match=made[0].headers["ETag"])
    assert (changed.http_status, changed.envelope["name"]) == (200, "Work")
    assert app.ask("PATCH", location, {"time_zone": "Moon"}, If_Match="*").envelope["field"] == "time_zone"
    partner = scene.partner()
    charger = app.has_paired(partner, "EVSE-1")
    assert app.ask("GET", charger).http_status == 200

    begun = app.ask("DELETE", user)
    assert begun.http_status == 202, begun
    for path in (user, location, charger):
        assert app.ask("GET", path).http_status == 404
    proof: Any = {}

    def is_erased() -> bool:
        """Look once more: events have to be told before they are erased."""
        nonlocal proof
        scene.cloud.invoke("erase_users")
        proof = app.done("GET", f"/v1/deletions/{begun.envelope['deletion_id']}")
        return bool(proof["state"] == "FINISHED")

    assert scene.eventually(is_erased)
    assert (proof["state"], proof["backups_expire_at"] is not None) == ("FINISHED", True)
    done = {each["place"]: (each["done"], each["found_at_last_look"]) for each in proof["listing"]}
    assert (done["chargers"], done["charging_locations"]) == ((1, 0), (2, 0))
    assert app.ask("DELETE", user).envelope == proof, "again is no harm"
    assert App(scene.stage).ask("GET", f"/v1/deletions/{begun.envelope['deletion_id']}").http_status == 404


def test_no_tenant_reaches_into_anothers_by_any_endpoint(scene: Scene) -> None:
    """Every request is one that its own tenant may send: it is refused for whose it is, and for nothing else."""
    mine, other = App(scene.stage), App(scene.stage)
    partner = scene.partner()
    charger = mine.has_paired(partner, "EVSE-of-mine")
    partner.plug_in("of-mine")
    scene.settle()
    ids = mine.belongings(charger, "of-mine")
    bodies: Mapping[str, object] = {
        "/v1/users/{user_id}/locations": HOME,
        "/v1/users/{user_id}/chargers/connect-sessions": {
            "location_id": mine.location_id,
            "redirect_url": REDIRECT_URL,
        },
        "/v1/users/{user_id}/chargers/codes": {"location_id": mine.location_id},
        "/v1/webhooks/{webhook_id}/replay": SPAN,
    }
    looks = [filled(path, ids) for method, path in APP_ROUTES if method == "GET"]
    shown = [mine.done("GET", path) for path in looks]
    for method, path in APP_ROUTES:
        body = None if method in ("GET", "DELETE") else bodies.get(path, {})
        answer = other.ask(method, filled(path, ids), body, If_Match="*")
        if "{" in path:
            assert answer.http_status == 404, (method, path, answer)
        told = str(answer.envelope).replace(answer.envelope.get("detail") or "\0", "")
        assert not any(each in told for each in ids.values()), (method, path, answer)
    assert shown == [mine.done("GET", path) for path in looks]


def test_what_opens_one_kind_of_door_opens_no_other(scene: Scene) -> None:
    app, partner = App(scene.stage), scene.partner()
    client = client_of(partner)
    by_oauth = bearer(token_of(scene.stage, client), client.api_key)
    for method, path in APP_ROUTES:
        url = filled(path, {"user_id": app.user_id, "location_id": app.location_id})
        assert scene.stage.ask(method, url, partner.token_c).http_status == 403, (method, path)
        assert scene.stage.ask(method, url, None, headers=by_oauth).http_status == 403, (method, path)
        refused = scene.stage.ask(method, url, None)
        assert refused.http_status == 401, (method, path)
        assert refused.envelope["title"] == "Unauthorized", "a problem, too"
    for method, path in PARTNER_ROUTES:
        url = filled(path, {"version": "2.2.1", "country_code": "NL", "party_id": "ACM"})
        assert app.ask(method, url).http_status == 403, (method, path)
