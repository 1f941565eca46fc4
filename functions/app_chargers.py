"""The app API on chargers, their settings and their sessions, under /v1/users/{user_id}/chargers."""

from __future__ import annotations

from functools import partial

from aws_lambda_powertools.event_handler import Response

from offpeak import wiring
from offpeak.app_edge import LARGEST_BODY, app_api, charger_key, gone, idempotent, user_key
from offpeak.edge import json_body, rest_handler
from offpeak.errors import no_such
from offpeak.ocpi.fields import read_object
from offpeak.operator_edge import answer, cursor_at, page_asked, seen_revision
from offpeak.pairing.model import Charger, ChargerKey, Why
from offpeak.pairing.settings import Boost, SettingsChange, boosted, settings_shown, settings_with
from offpeak.pairing.unpair import unpair
from offpeak.pairing.wish import change_settings
from offpeak.profiles.chargers import chargers_of, driver_of, show_charger, show_visit, visits_of
from offpeak.profiles.driver import Driver

api = app_api()
CHARGERS = "/v1/users/<user_id>/chargers"
CHARGER = f"{CHARGERS}/<charger_id>"


@api.get(CHARGERS)
def list_chargers(user_id: str) -> Response[str]:
    after, limit = page_asked(api)
    account = wiring.accounts().known(user_key(api, user_id))
    shown, next_after = chargers_of(account, after, limit, wiring.charger_reader(), wiring.clock().now())
    return answer({"chargers": shown, "next": cursor_at(next_after)})


@api.get(CHARGER)
def show_one(user_id: str, charger_id: str) -> Response[str]:
    return answer(show_charger(_driver(user_id, charger_id), wiring.charger_reader(), wiring.clock().now()))


@api.delete(CHARGER)
def unpair_one(user_id: str, charger_id: str) -> Response[str]:
    key = charger_key(api, user_id, charger_id)
    if not unpair(key, Why.APP, wiring.unpairer(), now=wiring.clock().now()):
        raise no_such("charger", charger_id)
    return gone()


@api.get(f"{CHARGER}/settings")
def show_settings(user_id: str, charger_id: str) -> Response[str]:
    return _settings(_driver(user_id, charger_id).charger)


@api.patch(f"{CHARGER}/settings")
def change(user_id: str, charger_id: str) -> Response[str]:
    seen, said = seen_revision(api), read_object(SettingsChange, json_body(api, largest=LARGEST_BODY))
    key = charger_key(api, user_id, charger_id)
    return _settings(change_settings(key, partial(settings_with, change=said), wiring.wishes(), seen=seen))


@api.post(f"{CHARGER}/boost")
def boost(user_id: str, charger_id: str) -> Response[str]:
    said = read_object(Boost, json_body(api, largest=LARGEST_BODY) if api.current_event.body else {})
    key = charger_key(api, user_id, charger_id)
    return idempotent(api, wiring.repeats(), lambda _: _boosted(key, said), about=user_id)


@api.delete(f"{CHARGER}/boost")
def end_boost(user_id: str, charger_id: str) -> Response[str]:
    return _boosted(charger_key(api, user_id, charger_id), None)


@api.get(f"{CHARGER}/sessions")
def list_sessions(user_id: str, charger_id: str) -> Response[str]:
    after, limit = page_asked(api)
    sessions, next_after = visits_of(_driver(user_id, charger_id), after, limit, wiring.charger_reader())
    return answer({"sessions": sessions, "next": cursor_at(next_after)})


@api.get(f"{CHARGER}/sessions/<session_id>")
def show_session(user_id: str, charger_id: str, session_id: str) -> Response[str]:
    driver = _driver(user_id, charger_id)
    return answer(show_visit(driver, session_id, wiring.charger_reader(), wiring.clock().now()))


def _driver(user_id: str, charger_id: str) -> Driver:
    key = charger_key(api, user_id, charger_id)
    return driver_of(wiring.accounts().known(key.user), key)


def _boosted(key: ChargerKey, said: Boost | None) -> Response[str]:
    now = wiring.clock().now()
    return _settings(change_settings(key, lambda settings: boosted(settings, said, now), wiring.wishes()))


def _settings(charger: Charger) -> Response[str]:
    return answer(settings_shown(charger.settings), revision=charger.settings_revision)


handler = rest_handler(api)
