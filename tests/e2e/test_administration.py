"""Partner administration on the deployed stack: the signed operator API, the command, and what IAM forbids."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.cloud_server import REGION
from offpeak.partners.model import PartnerStatus
from offpeak.partners.store import PartnerStore
from offpeak.profiles.model import RequestState
from ops.__main__ import main
from tests.e2e.partner import Partner
from tests.e2e.scene import Scene
from tests.e2e.test_least_privilege import DENIED, attempt

PARTNERS = "/ops/v1/partners"
ROOT = Credentials("test", "test")


class Operator:
    """Somebody who calls the operator API with credentials of the account."""

    def __init__(self, scene: Scene, credentials: Credentials = ROOT) -> None:
        self.scene, self.credentials = scene, credentials

    def ask(self, method: str, path: str, body: object = None, *, seen: str | None = None) -> Any:
        """Sign a request and send it; return the HTTP answer."""
        headers = {"Content-Type": "application/json", **({"If-Match": seen} if seen else {})}
        content = None if body is None else json.dumps(body)
        request = AWSRequest(method, self.scene.cloud.deployed.operator_url + path, data=content, headers=headers)
        SigV4Auth(self.credentials, "execute-api", REGION).add_auth(request)
        return self.scene.stage.http.request(method, request.url, content=content, headers=dict(request.headers))


def command(scene: Scene, *arguments: str) -> int:
    return main([*arguments, "--local"], lambda _: scene.cloud.deployed)


def audited(scene: Scene, partner: Partner) -> list[tuple[str, str]]:
    """What was done to a partner and how, oldest first; the trail has to be whole."""
    operator = Operator(scene)
    entries = operator.ask("GET", f"{PARTNERS}/{partner.partner_id}/audit").json()["entries"]
    assert operator.ask("GET", f"{PARTNERS}/{partner.partner_id}/audit/verification").json()["is_whole"]
    return [(each["action"], each["via"]) for each in reversed(entries)]


def test_a_partner_is_administered_through_the_signed_api(scene: Scene) -> None:
    operator, (partner_id, party) = Operator(scene), scene.stage.next_partner()
    settings = {"name": "Acme", "parties": [f"{party.country_code}-{party.party_id}"]}
    made = operator.ask("POST", PARTNERS, {"partner_id": partner_id, "settings": settings})
    assert made.status_code == 201
    token = made.json()["token_a"]
    scene.stage.tokens.add(token)
    assert scene.stage.ask("GET", "/ocpi/versions", token).codes == (200, 1000)

    here = f"{PARTNERS}/{partner_id}"
    wrong = operator.ask("PATCH", here, {"settings": {"planning": {"need_kwh": -1}}}, seen=made.headers["ETag"])
    assert (wrong.status_code, wrong.json()["field"]) == (422, "settings.planning.need_kwh")
    assert wrong.headers["Content-Type"] == "application/problem+json"
    changed = operator.ask("PATCH", here, {"settings": {"flags": {"strict": True}}}, seen=made.headers["ETag"])
    assert changed.json()["flags"]["strict"]
    assert operator.ask("DELETE", here, seen=made.headers["ETag"]).status_code == 412
    assert operator.ask("DELETE", here, seen=changed.headers["ETag"]).json()["status"] == "REMOVED"
    assert scene.stage.ask("GET", "/ocpi/versions", token).http_status == 401

    entries = operator.ask("GET", f"{here}/audit").json()["entries"]
    assert [each["action"] for each in entries] == ["removed", "changed", "invited"]
    assert {each["who"] for each in entries} == {scene.cloud.deployed.identity}


def test_only_a_signature_of_somebody_who_may_opens_the_operator_api(scene: Scene) -> None:
    partner = scene.invited()
    iam = scene.cloud.client("iam")
    name = f"guest-{partner.partner_id}"
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    guest = Operator(scene, Credentials(key["AccessKeyId"], key["SecretAccessKey"]))
    forger = Operator(scene, Credentials(key["AccessKeyId"], "another-secret"))
    try:
        refused = [each.ask("GET", PARTNERS).status_code for each in (guest, forger)]
    finally:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
        iam.delete_user(UserName=name)
    assert refused == [403, 403]
    for token in (None, partner.token_a):
        assert scene.stage.ask("GET", PARTNERS, token).http_status in (403, 404), "no token of OCPI's opens it either"


def test_a_suspended_partner_is_shut_out_and_comes_back_with_everything(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    partner = scene.partner()
    partner.plug_in("S1")
    scene.settle()
    before = partner.newest("S1")
    # A token that no authoriser remembers: those who do let it in for half a minute more.
    partner.cpo.renew_credentials()
    scene.stage.tokens |= {partner.token_b, partner.token_c}
    assert command(scene, "suspend", partner.partner_id, "--note", "tests us") == 0
    assert partner.get("S1").codes == (403, 2000)
    assert partner.put(partner.session("S2")).codes == (403, 2000)
    assert partner.rows("S2") == []
    scene.cloud.invoke("replan_sessions")
    scene.settle()
    assert partner.newest("S1").request_id == before.request_id, "what the charger has stays"

    assert command(scene, "resume", partner.partner_id) == 0
    scene.settle()
    assert partner.get("S1").codes == (200, 1000)
    partner.plug_in("S2")
    scene.settle()
    assert partner.newest("S2").state is RequestState.CHARGER_ACCEPTED
    assert audited(scene, partner) == [
        ("invited", "command"),
        ("registered", "ocpi"),
        ("rotated", "ocpi"),
        ("suspended", "command"),
        ("resumed", "command"),
    ]
    capsys.readouterr()
    assert command(scene, "audit", partner.partner_id, "--verify") == 0
    assert "whole" in capsys.readouterr().out


def test_our_token_is_renewed_by_a_call_of_the_api(scene: Scene) -> None:
    partner = scene.partner()
    before = partner.token_c
    done = Operator(scene).ask("POST", f"{PARTNERS}/{partner.partner_id}/rotation").json()
    scene.stage.tokens |= {partner.token_b, partner.token_c}
    assert (done["status"], done["problem"]) == ("REGISTERED", None)
    assert partner.token_c != before
    assert partner.put(partner.session("S1")).codes == (201, 1000)
    assert audited(scene, partner)[-1] == ("rotated", "api")


def test_a_removed_partner_loses_its_tokens_and_keeps_its_sessions(scene: Scene) -> None:
    partner = scene.partner()
    partner.plug_in("S1")
    scene.settle()
    row = partner.row("S1")
    partner.cpo.renew_credentials()
    scene.stage.tokens |= {partner.token_b, partner.token_c}
    assert command(scene, "remove", partner.partner_id, "--yes") == 0
    assert partner.get("S1").codes == (401, 2001)
    store = PartnerStore(scene.stage.table("partners"))
    removed = store.load(partner.partner_id)
    assert removed is not None
    assert removed.status is PartnerStatus.REMOVED
    assert store.tokens(partner.partner_id).ours is None
    assert partner.row("S1") == row
    assert ("removed", "command") in audited(scene, partner)


@pytest.mark.parametrize("function", ["ops_api", "ops_partners"])
def test_who_writes_the_trail_can_neither_change_nor_delete_it_nor_write_it_alone(scene: Scene, function: str) -> None:
    partner = scene.invited()
    table = scene.stage.table("audit").name
    key = {"pk": {"S": partner.partner_id}, "sk": {"S": "00000001"}}
    row = {**key, "entry": {"S": "{}"}, "hash": {"S": "forged"}}
    values = {":forged": {"S": "forged"}}
    update = {
        "TableName": table,
        "Key": key,
        "UpdateExpression": "SET entry = :forged",
        "ExpressionAttributeValues": values,
    }
    deletion = {"TransactItems": [{"Delete": {"TableName": table, "Key": key}}]}
    query = {
        "TableName": table,
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": key["pk"]},
    }
    outcomes = attempt(
        scene,
        function,
        ("dynamodb", "update_item", update),
        ("dynamodb", "delete_item", {"TableName": table, "Key": key}),
        ("dynamodb", "transact_write_items", deletion),
        ("dynamodb", "put_item", {"TableName": table, "Item": row}),
        ("dynamodb", "query", query),
    )
    assert set(outcomes[:4]) <= DENIED
    assert outcomes[4] == "done"
    assert audited(scene, partner) == [("invited", "command")]


def test_a_forged_row_shows_though_iam_could_not_forbid_it(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    partner = scene.invited()
    audit = scene.stage.table("audit")
    row = audit.get({"pk": partner.partner_id, "sk": "00000001"})
    assert row is not None
    scene.cloud.client("dynamodb").update_item(
        TableName=audit.name,
        Key={"pk": {"S": partner.partner_id}, "sk": {"S": "00000001"}},
        UpdateExpression="SET entry = :forged",
        ExpressionAttributeValues={":forged": {"S": row["entry"].replace('"invited"', '"removed"')}},
    )
    assert command(scene, "audit", partner.partner_id, "--verify") == 1
    assert "entry 1 was altered" in capsys.readouterr().err


def test_keys_go_into_a_usage_plan_that_is_empty_again(scene: Scene) -> None:
    """As after the Service stack was made anew: until then every call of a partner is refused."""
    partner = scene.partner()
    gateway = scene.cloud.client("apigateway")
    [plan] = gateway.get_usage_plans()["items"]
    for key in gateway.get_usage_plan_keys(usagePlanId=plan["id"], limit=500)["items"]:
        gateway.delete_usage_plan_key(usagePlanId=plan["id"], keyId=key["id"])
    assert partner.get("S1").http_status == 403
    assert command(scene, "restore-keys") == 0
    assert partner.get("S1").codes == (404, 2000)
