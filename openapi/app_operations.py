"""What each method of each route of the app API is for."""

from __future__ import annotations

from collections.abc import Mapping

from infra.routes import CHARGER, CONNECT_SESSIONS, PAIRING_CODES, USER
from offpeak.errors import InUse, InvalidMessage, OutOfDate, UnknownObject
from offpeak.pairing.begin import NewConnectSession
from offpeak.pairing.by_cpo import NewCode
from offpeak.pairing.settings import LONGEST_BOOST_MIN, Boost, SettingsChange
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
        "DELETE": Operation(
            "Erase a user: his chargers are un-paired, what is personal goes, his sessions name nobody any more",
            data=answers.DeletionShown,
            raises=(UnknownObject,),
            gives=202,
            text="`Location` tells where to look how far it is. Repeated, it is answered the same.",
        ),
        "PATCH": Operation(
            "Change what is told of a user",
            data=answers.UserShown,
            body=UserChange,
            raises=(*READS, UnknownObject, OutOfDate),
            needs_revision=True,
        ),
    },
    "/v1/deletions/{deletion_id}": {
        "GET": Operation(
            "Show how far the deletion of a user is, with a listing of all places",
            data=answers.DeletionShown,
            raises=(UnknownObject,),
            text="It is finished when a look at all places has found nothing. Deliveries, codes and counts of tries, "
            "which hold opaque ids, go by themselves within 30 days; the last backup with them goes 35 days later.",
        )
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
            "`connection_limit_a` is as the CPO's connection has it. The limit is in A on each phase, and shared "
            "evenly by the EVSEs of the user's chargers there; several chargers that should share it better belong in "
            "a limit group. The prices of a `bidding_zone` that nobody else is in are there within an hour of the "
            "first charger.",
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
    CONNECT_SESSIONS: {
        "POST": Operation(
            "Let a driver connect a charger by its code",
            data=answers.ConnectSessionMade,
            body=NewConnectSession,
            raises=(*READS, UnknownObject),
            may_create=True,
            may_repeat=True,
            text="Open `start_url` in a WebView or a browser within half an hour: the pages there ask for the code and "
            "lead back to `redirect_url`, with `tenant`, `connect_session` and `connect_state` in its query. Those are "
            "for show, since anybody may open such a URL: ask here how the session ended, or have a webhook tell you.",
        ),
    },
    PAIRING_CODES: {
        "POST": Operation(
            "Make a code that a driver tells his CPO",
            data=answers.PairingCode,
            body=NewCode,
            raises=(*READS, UnknownObject),
            may_create=True,
            may_repeat=True,
            text="For CPOs that begin pairing themselves: by the code the CPO tells us the charger, which is then "
            "called `charger_id`. It is good for a day and for one charger, and shown this once.",
        ),
    },
    f"{CONNECT_SESSIONS}/{{connect_session_id}}": {
        "GET": Operation(
            "Show how a driver gets on with connecting a charger",
            data=answers.ConnectSessionShown,
            raises=(UnknownObject,),
            text="It ends as `PAIRED`, `FAILED`, `EXPIRED` or `CANCELLED`. While it is `OPENED`, `problem` is that of "
            "the last code. It is kept for a week.",
        ),
        "DELETE": Operation(
            "Cancel a connect session",
            data=answers.ConnectSessionShown,
            raises=(UnknownObject,),
            text="One that has ended stays as it is, and so does one whose code is being validated: its charger may be "
            "linked already. `state` says which it is.",
        ),
    },
    f"{USER}/chargers": {
        "GET": Operation(
            "List a user's chargers, the oldest pairing first",
            data=answers.ChargerPage,
            raises=(InvalidMessage, UnknownObject),
            pages=True,
        ),
    },
    CHARGER: {
        "GET": Operation("Show a charger and what happens there", data=answers.ChargerShown, raises=(UnknownObject,)),
        "DELETE": Operation(
            "Un-pair a charger",
            raises=(UnknownObject,),
            gives=204,
            text="The profile of what runs there is taken away, the CPO is told until it acknowledges, and nothing is "
            "kept any more that is told of its sessions. It can be paired anew.",
        ),
    },
    f"{CHARGER}/settings": {
        "GET": Operation(
            "Show what the driver wants of a charger", data=answers.SettingsShown, raises=(UnknownObject,)
        ),
        "PATCH": Operation(
            "Change what the driver wants of a charger",
            data=answers.SettingsShown,
            body=SettingsChange,
            raises=(*READS, UnknownObject, OutOfDate),
            needs_revision=True,
            text="A JSON merge patch (RFC 7396): null un-says a setting, or the departure of one weekday. What runs at "
            "the charger is planned anew at once. What is not said is told by the car's state of charge, then by "
            "habits, then by the CPO's defaults.",
        ),
    },
    f"{CHARGER}/boost": {
        "POST": Operation(
            "Charge at once, whatever the price",
            data=answers.SettingsShown,
            body=Boost,
            body_is_optional=True,
            raises=(*READS, UnknownObject),
            may_repeat=True,
            text=f"For so many minutes, or {LONGEST_BOOST_MIN}, or until the need is met.",
        ),
        "DELETE": Operation("End a boost", data=answers.SettingsShown, raises=(UnknownObject,)),
    },
    f"{CHARGER}/sessions": {
        "GET": Operation(
            "List a charger's sessions, newest first",
            data=answers.SessionPage,
            raises=(UnknownObject, InvalidMessage),
            pages=True,
        ),
    },
    f"{CHARGER}/sessions/{{session_id}}": {
        "GET": Operation(
            "Show a session with its plan, the reason for it, what it saves, and the life of its profiles",
            data=answers.DriversSession,
            raises=(UnknownObject,),
        ),
    },
}
