"""What each method of each route of the app API on webhooks is for."""

from __future__ import annotations

from collections.abc import Mapping

from infra.routes import WEBHOOK
from offpeak.errors import AlreadyExists, InvalidMessage, OutOfDate, UnknownObject
from offpeak.webhooks.administer import MOST_REPLAYED
from offpeak.webhooks.model import MOST_SUBSCRIPTIONS
from offpeak.webhooks.rows import KEPT_FOR
from offpeak.webhooks.wire import NewWebhook, Replay, Rotation, WebhookChange
from openapi import webhook_answers as answers
from openapi.operation import READS, Operation

WEBHOOK_OPERATIONS: Mapping[str, Mapping[str, Operation]] = {
    "/v1/webhooks": {
        "GET": Operation("List the webhooks, all of them", data=answers.WebhookList),
        "POST": Operation(
            "Subscribe to events",
            may_repeat=True,
            data=answers.WebhookWithSecret,
            body=NewWebhook,
            raises=(*READS, AlreadyExists),
            may_create=True,
            text=f"`url` is a public https address. A tenant has at most {MOST_SUBSCRIPTIONS} webhooks. Keep the "
            "secret: deliveries are signed with it, and it is not told again.",
        ),
    },
    WEBHOOK: {
        "GET": Operation(
            "Show a webhook, and how its deliveries go", data=answers.WebhookShown, raises=(UnknownObject,)
        ),
        "PATCH": Operation(
            "Change where events go, or which",
            data=answers.WebhookShown,
            body=WebhookChange,
            raises=(*READS, UnknownObject, OutOfDate),
            needs_revision=True,
        ),
        "DELETE": Operation("Unsubscribe", raises=(UnknownObject, OutOfDate), needs_revision=True, gives=204),
    },
    f"{WEBHOOK}/secret": {
        "POST": Operation(
            "Replace the secret",
            may_repeat=True,
            data=answers.WebhookWithSecret,
            body=Rotation,
            body_is_optional=True,
            raises=(*READS, UnknownObject, OutOfDate),
            text="For `overlap_s` seconds each delivery has two signatures, by the new secret and by the old one. A "
            "secret that was replaced before signs no longer.",
        )
    },
    f"{WEBHOOK}/test": {
        "POST": Operation(
            "Send a test event now, and tell how that went",
            may_repeat=True,
            data=answers.DeliveryShown,
            raises=(UnknownObject,),
            text="Whatever waits, fails or is paused: a test call changes nothing of that.",
        )
    },
    f"{WEBHOOK}/resume": {
        "POST": Operation(
            "Let deliveries go on at once that are paused, or wait for their next try",
            data=answers.WebhookShown,
            raises=(UnknownObject,),
        )
    },
    f"{WEBHOOK}/replay": {
        "POST": Operation(
            "Deliver again what was delivered, of events published in a range of time",
            may_repeat=True,
            data=answers.Replayed,
            body=Replay,
            raises=(*READS, UnknownObject),
            text=f"In order, {MOST_REPLAYED} at most: `next_from` says where the rest begins. Deliveries are kept for "
            f"{KEPT_FOR.days} days.",
        )
    },
    f"{WEBHOOK}/deliveries": {
        "GET": Operation(
            "List deliveries, those that wait first, then the newest",
            data=answers.DeliveryPage,
            raises=(UnknownObject, InvalidMessage),
            pages=True,
        )
    },
    f"{WEBHOOK}/deliveries/{{delivery_id}}/replay": {
        "POST": Operation("Deliver one again", data=answers.Replayed, raises=(UnknownObject,), may_repeat=True)
    },
}
