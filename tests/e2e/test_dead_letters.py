"""A message that cannot be worked: tried a few times, laid aside, given back when its cause is mended."""

from __future__ import annotations

from typing import Any

from offpeak.aws.tables import Update
from offpeak.profiles.model import RequestState
from ops.__main__ import main
from ops.dead_letters import count
from tests.e2e.market import Market
from tests.e2e.partner import Partner
from tests.e2e.scene import Scene
from tests.e2e.stage import DEPARTURE, EVENING

NONSENSE: list[Any] = ["no JSON", {}, {"colour": "blue"}, [1, 2], None]


def set_status(partner: Partner, session_id: str, status: str) -> None:
    """Spoil or mend a session's row behind the stack's back."""
    key = {"pk": partner.key(session_id).text, "sk": "SESSION"}
    names = {"#fields": "fields", "#status": "status"}
    update = Update(key, "SET #fields.#status.v = :status", values={":status": status}, names=names)
    partner.stage.table("sessions").write(update)


def test_a_poisoned_session_is_laid_aside_holds_up_no_other_and_comes_back(scene: Scene, market: Market) -> None:
    partner = scene.partner()
    partner.plug_in("poisoned", "healthy")
    scene.settle()
    set_status(partner, "poisoned", "NONSENSE")
    market.change(EVENING, DEPARTURE, lambda price: 300 - price)
    with scene.cloud.retrying_quickly("plan"):
        scene.cloud.invoke("fetch_prices")
        assert scene.eventually(lambda: len(partner.profile_calls("healthy")) == 2), "it is planned anew meanwhile"
        assert scene.eventually(lambda: scene.cloud.dead_letters("plan") != [])
    [letter] = scene.cloud.dead_letters("plan")
    assert (letter["partner_id"], letter["session_id"]) == (partner.partner_id, "poisoned")
    assert len(partner.profile_calls("poisoned")) == 1

    set_status(partner, "poisoned", "ACTIVE")
    assert main(["replay-dead-letters", "--local", "--queue", "plan"], lambda _: scene.cloud.deployed) == 0
    scene.settle()
    assert scene.cloud.dead_letters("plan") == []
    assert len(partner.profile_calls("poisoned")) == 2
    assert partner.newest("poisoned").state is RequestState.CHARGER_ACCEPTED


def test_messages_that_make_no_sense_are_laid_aside_and_hold_up_nobody(scene: Scene) -> None:
    partner = scene.partner()
    with scene.cloud.retrying_quickly("plan"), scene.cloud.retrying_quickly("send"):
        for place, each in enumerate(NONSENSE):
            scene.put_into("plan", each, group=f"nonsense-{place}")
            scene.put_into("send", each, group="nonsense")
        partner.plug_in("S1")
        assert scene.eventually(lambda: partner.is_confirmed("S1"))
        for queue in ("plan", "send"):
            dead = scene.cloud.deployed.dead_letters(queue)
            assert scene.eventually(lambda: count(scene.cloud.client("sqs"), dead) == len(NONSENSE), 40)  # noqa: B023
    partner.plug_in("S2")
    assert scene.eventually(lambda: partner.is_confirmed("S2"))
