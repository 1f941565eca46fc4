"""The app API on users and their charging locations, under /v1/users."""

from __future__ import annotations

from datetime import UTC, datetime

from aws_lambda_powertools.event_handler import Response

from offpeak import wiring
from offpeak.app_edge import LARGEST_BODY, app_api, checked_id, gone, idempotent, taken_on, tenant_id, user_key
from offpeak.edge import json_body, rest_handler
from offpeak.ocpi.fields import read_object
from offpeak.operator_edge import answer, cursor_at, page_asked, seen_revision
from offpeak.pairing import keep
from offpeak.pairing.erase import begin, deletion_shown
from offpeak.pairing.model import ChargingLocation, User, UserKey
from offpeak.pairing.users import (
    LocationChange,
    NewLocation,
    UserChange,
    location_shown,
    locations_of,
    user_shown,
)
from offpeak.pairing.wish import change_location as change_location_of

api = app_api()
USERS = "/v1/users"
USER = f"{USERS}/<user_id>"
LOCATIONS = f"{USER}/locations"
LOCATION = f"{LOCATIONS}/<location_id>"


@api.post(USERS)
def make_user() -> Response[str]:
    said = read_object(UserChange, json_body(api, largest=LARGEST_BODY) if api.current_event.body else {})

    def make(chance: str) -> Response[str]:
        key = UserKey(tenant_id(api), f"usr_{chance}")
        return _user(
            keep.make_user(key, said, wiring.accounts(), wiring.deletions(), now=datetime.now(UTC)), is_new=True
        )

    return idempotent(api, wiring.repeats(), make, about=lambda chance: f"usr_{chance}")


@api.get(USERS)
def list_users() -> Response[str]:
    after, limit = page_asked(api)
    users, next_after = wiring.accounts().page(tenant_id(api), after, limit)
    return answer({"users": [user_shown(each) for each in users], "next": cursor_at(next_after)})


@api.get(USER)
def show_user(user_id: str) -> Response[str]:
    return _user(wiring.accounts().known(user_key(api, user_id)).user)


@api.patch(USER)
def change_user(user_id: str) -> Response[str]:
    seen, said = seen_revision(api), read_object(UserChange, json_body(api, largest=LARGEST_BODY))
    return _user(keep.change_user(user_key(api, user_id), said, wiring.accounts(), seen=seen))


@api.delete(USER)
def erase_user(user_id: str) -> Response[str]:
    begun = begin(user_key(api, user_id), wiring.accounts(), wiring.deletions(), now=datetime.now(UTC))
    return taken_on(deletion_shown(begun), f"{wiring.base_url()}/v1/deletions/{begun.deletion_id}")


@api.get("/v1/deletions/<deletion_id>")
def show_deletion(deletion_id: str) -> Response[str]:
    deletion = wiring.deletions().known(tenant_id(api), checked_id("deletion", deletion_id))
    return answer(deletion_shown(deletion))


@api.post(LOCATIONS)
def make_location(user_id: str) -> Response[str]:
    said = read_object(NewLocation, json_body(api, largest=LARGEST_BODY))
    key = user_key(api, user_id)

    def make(chance: str) -> Response[str]:
        made = keep.make_location(key, f"loc_{chance}", said, wiring.accounts(), now=datetime.now(UTC))
        return _location(user_id, made, is_new=True)

    return idempotent(api, wiring.repeats(), make, about=user_id)


@api.get(LOCATIONS)
def list_locations(user_id: str) -> Response[str]:
    locations = locations_of(wiring.accounts().known(user_key(api, user_id)))
    return answer({"locations": [location_shown(each) for each in locations], "next": None})


@api.get(LOCATION)
def show_location(user_id: str, location_id: str) -> Response[str]:
    return _location(user_id, keep.known_location(wiring.accounts().known(user_key(api, user_id)), location_id))


@api.patch(LOCATION)
def change_location(user_id: str, location_id: str) -> Response[str]:
    seen, said = seen_revision(api), read_object(LocationChange, json_body(api, largest=LARGEST_BODY))
    key = user_key(api, user_id)
    changed = change_location_of(key, location_id, said, wiring.wishes(), wiring.own_markets(), seen=seen)
    return _location(user_id, changed)


@api.delete(LOCATION)
def remove_location(user_id: str, location_id: str) -> Response[str]:
    keep.remove_location(user_key(api, user_id), location_id, wiring.accounts(), seen=seen_revision(api))
    return gone()


def _user(user: User, *, is_new: bool = False) -> Response[str]:
    location = f"{wiring.base_url()}{USERS}/{user.key.user_id}" if is_new else None
    return answer(user_shown(user), revision=user.revision, location=location)


def _location(user_id: str, place: ChargingLocation, *, is_new: bool = False) -> Response[str]:
    location = f"{wiring.base_url()}{USERS}/{user_id}/locations/{place.location_id}" if is_new else None
    return answer(location_shown(place), revision=place.revision, location=location)


handler = rest_handler(api)
