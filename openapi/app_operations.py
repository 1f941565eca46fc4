"""What each method of each route of the app API is for."""

from __future__ import annotations

from collections.abc import Mapping

from infra.routes import USER
from offpeak.errors import InUse, InvalidMessage, OutOfDate, UnknownObject
from offpeak.pairing.users import MOST_LOCATIONS, LocationChange, NewLocation, UserChange
from openapi import app_answers as answers
from openapi.operation import READS, Operation

APP_OPERATIONS: Mapping[str, Mapping[str, Operation]] = {
    "/v1/users": {
        "GET": Operation("List the users", data=answers.UserPage, raises=(InvalidMessage,), pages=True),
        "POST": Operation(
            "Make a user",
            data=answers.UserShown,
            body=UserChange,
            body_is_optional=True,
            raises=READS,
            may_create=True,
            may_repeat=True,
            text="`reference` is what you call him: nobody else sees it, drivers included. Better none than a name.",
        ),
    },
    USER: {
        "GET": Operation("Show a user", data=answers.UserShown, raises=(UnknownObject,)),
        "PATCH": Operation(
            "Change what is told of a user",
            data=answers.UserShown,
            body=UserChange,
            raises=(*READS, UnknownObject, OutOfDate),
            needs_revision=True,
        ),
    },
    f"{USER}/locations": {
        "GET": Operation(
            "List a user's charging locations, all of them", data=answers.LocationList, raises=(UnknownObject,)
        ),
        "POST": Operation(
            "Make a charging location",
            data=answers.LocationShown,
            body=NewLocation,
            raises=(*READS, UnknownObject, OutOfDate),
            may_create=True,
            may_repeat=True,
            text=f"A user has at most {MOST_LOCATIONS}. What is left out of `bidding_zone`, `tariff` and "
            "`connection_limit_a` is as the CPO's connection has it.",
        ),
    },
    f"{USER}/locations/{{location_id}}": {
        "GET": Operation("Show a charging location", data=answers.LocationShown, raises=(UnknownObject,)),
        "PATCH": Operation(
            "Change what is told of a charging location",
            data=answers.LocationShown,
            body=LocationChange,
            raises=(*READS, UnknownObject, OutOfDate),
            needs_revision=True,
            text="null takes away what may be left out; a tariff is told whole.",
        ),
        "DELETE": Operation(
            "Take away a charging location at which there is no charger",
            raises=(UnknownObject, OutOfDate, InUse),
            needs_revision=True,
            gives=204,
        ),
    },
}
