"""The app API on webhooks, under /v1/webhooks: where a tenant's events go, how that goes, and what went before."""

from __future__ import annotations

from aws_lambda_powertools.event_handler import Response

from offpeak import wiring
from offpeak.app_edge import LARGEST_BODY, app_api, checked_id, gone, idempotent, tenant_id
from offpeak.edge import json_body, rest_handler
from offpeak.ocpi.fields import read_object
from offpeak.operator_edge import answer, cursor_at, page_asked, seen_revision
from offpeak.webhooks.model import Subscription, WebhookKey
from offpeak.webhooks.show import delivery_shown, subscription_shown
from offpeak.webhooks.wire import NewWebhook, Replay, Rotation, WebhookChange

api = app_api()
WEBHOOKS = "/v1/webhooks"
WEBHOOK = f"{WEBHOOKS}/<webhook_id>"
DELIVERIES = f"{WEBHOOK}/deliveries"


@api.get(WEBHOOKS)
def list_webhooks() -> Response[str]:
    webhooks = wiring.subscriptions().of(tenant_id(api))
    shown = [subscription_shown(each, wiring.webhooks().lane(each.key)) for each in webhooks]
    return answer({"webhooks": shown, "next": None})


@api.post(WEBHOOKS)
def create_webhook() -> Response[str]:
    said = read_object(NewWebhook, json_body(api, largest=LARGEST_BODY))

    def key(chance: str) -> WebhookKey:
        return WebhookKey(tenant_id(api), f"whk_{chance}")

    def make(chance: str) -> Response[str]:
        return _with_secret(wiring.webhooks().create(key(chance), said), is_new=True)

    def again(chance: str) -> Response[str]:
        return _with_secret(wiring.webhooks().created(key(chance)), is_new=True)

    return idempotent(api, wiring.repeats(), make, again=again)


@api.get(WEBHOOK)
def show_webhook(webhook_id: str) -> Response[str]:
    return _webhook(wiring.subscriptions().known(_key(webhook_id)))


@api.patch(WEBHOOK)
def change_webhook(webhook_id: str) -> Response[str]:
    seen, said = seen_revision(api), read_object(WebhookChange, json_body(api, largest=LARGEST_BODY))
    return _webhook(wiring.webhooks().change(_key(webhook_id), said, seen=seen))


@api.delete(WEBHOOK)
def remove_webhook(webhook_id: str) -> Response[str]:
    wiring.webhooks().remove(_key(webhook_id), seen=seen_revision(api))
    return gone()


@api.post(f"{WEBHOOK}/secret")
def rotate_secret(webhook_id: str) -> Response[str]:
    key = _key(webhook_id)
    said = read_object(Rotation, json_body(api, largest=LARGEST_BODY) if api.current_event.body else {})

    def make(chance: str) -> Response[str]:
        return _with_secret(wiring.webhooks().rotate(key, said, chance))

    def again(chance: str) -> Response[str]:
        return _with_secret(wiring.webhooks().rotated(key, chance))

    return idempotent(api, wiring.repeats(), make, again=again)


@api.post(f"{WEBHOOK}/test")
def test_webhook(webhook_id: str) -> Response[str]:
    key = _key(webhook_id)

    def make(chance: str) -> Response[str]:
        return answer(delivery_shown(wiring.webhooks().test(key, f"evt_{chance}")))

    return idempotent(api, wiring.repeats(), make)


@api.post(f"{WEBHOOK}/resume")
def resume_webhook(webhook_id: str) -> Response[str]:
    wiring.webhooks().resume(_key(webhook_id))
    return show_webhook(webhook_id)


@api.post(f"{WEBHOOK}/replay")
def replay_deliveries(webhook_id: str) -> Response[str]:
    key, said = _key(webhook_id), read_object(Replay, json_body(api, largest=LARGEST_BODY))

    def make(_: str) -> Response[str]:
        replayed, next_from = wiring.webhooks().replay(key, said)
        return answer({"replayed": replayed, "next_from": next_from})

    return idempotent(api, wiring.repeats(), make)


@api.get(DELIVERIES)
def list_deliveries(webhook_id: str) -> Response[str]:
    place, limit = page_asked(api)
    deliveries, next_place = wiring.webhooks().deliveries(_key(webhook_id), place, limit)
    return answer({"deliveries": [delivery_shown(each) for each in deliveries], "next": cursor_at(next_place)})


@api.post(f"{DELIVERIES}/<delivery_id>/replay")
def replay_delivery(webhook_id: str, delivery_id: str) -> Response[str]:
    key = _key(webhook_id)

    def make(_: str) -> Response[str]:
        wiring.webhooks().replay_one(key, delivery_id)
        return answer({"replayed": 1, "next_from": None})

    return idempotent(api, wiring.repeats(), make)


def _key(webhook_id: str) -> WebhookKey:
    """Return where a webhook of the calling tenant is kept. Raises UnknownObject for what can be no id of ours."""
    return WebhookKey(tenant_id(api), checked_id("webhook", webhook_id))


def _webhook(webhook: Subscription) -> Response[str]:
    return answer(_shown(webhook), revision=webhook.revision)


def _with_secret(made: tuple[Subscription, str], *, is_new: bool = False) -> Response[str]:
    webhook, secret = made
    location = f"{wiring.base_url()}{WEBHOOKS}/{webhook.key.webhook_id}" if is_new else None
    return answer({**_shown(webhook), "secret": secret}, revision=webhook.revision, location=location)


def _shown(webhook: Subscription) -> dict[str, object]:
    return subscription_shown(webhook, wiring.webhooks().lane(webhook.key))


handler = rest_handler(api)
