"""The CPO's OCPI interfaces over HTTP: versions, credentials, lists (sender), chargingprofiles (receiver)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from functools import partial

from pydantic import ValidationError
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from local.cpo.charge_point_operator import LISTED_MODULES, ChargePointOperator
from local.cpo.charging_profile import LONGEST_URL, read_set_profile
from local.cpo.handshake import CredentialsObject, RegistrationFailed
from local.cpo.misbehaviour import CredentialsTrouble
from local.cpo.pairing import EVSES, PAIRING_PATH, STATIONS
from local.cpo.profile_receiver import CallKind, ProfileCall
from local.cpo.wire import BAD_PARAMETERS, CLIENT_ERROR, OK, SERVER_ERROR, Json, envelope, read_json

SESSIONS_PATH = "/ocpi/cpo/{version}/sessions"
LIST_PATH = "/ocpi/cpo/{version}/"
PROFILES_PATH = "/ocpi/cpo/{version}/chargingprofiles"

Handler = Callable[[Request], Awaitable[Response]]


class BadCall(Exception):
    """The call cannot be taken as it is; HTTP and OCPI status say which way."""

    def __init__(self, problem: str, *, http_status: int = 200, ocpi_status: int = BAD_PARAMETERS) -> None:
        super().__init__(problem)
        self.http_status = http_status
        self.ocpi_status = ocpi_status


class BrokenOff(Response):
    """Breaks the connection off in the middle of the answer."""

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})


class Interfaces:
    """Routes in front of a ChargePointOperator."""

    def __init__(self, cpo: ChargePointOperator) -> None:
        self._cpo = cpo

    def routes(self) -> list[BaseRoute]:
        details = "/ocpi/{version}"
        credentials = ("GET", "POST", "PUT", "DELETE")
        return [
            self._route("/ocpi/versions", ("GET",), self.versions, is_functional=False),
            self._route(details, ("GET",), self.version_details, is_functional=False),
            self._route(details + "/credentials", credentials, self.credentials, is_functional=False),
            *(
                self._route(LIST_PATH + module, ("GET",), partial(self.list_objects, module), is_functional=is_routed)
                for module, is_routed in self._lists()
            ),
            *(
                self._route(f"{PAIRING_PATH}/{path}", ("POST",), handle, is_functional=False)
                for path, handle in (
                    (f"{EVSES}/pair", self.pair),
                    (f"{STATIONS}/pair", self.pair),
                    (f"{EVSES}/evse/{{uid:path}}/unpair", self.unpair),
                    (f"{STATIONS}/chargingstations/{{uid:path}}/unpair", self.unpair),
                )
            ),
            self._route(SESSIONS_PATH + "/{session_id:path}/charging_preferences", ("PUT",), self.charging_preferences),
            self._route(PROFILES_PATH + "/{session_id:path}", ("GET", "PUT", "DELETE"), self.charging_profile),
        ]

    def _route(self, path: str, methods: tuple[str, ...], handle: Handler, *, is_functional: bool = True) -> BaseRoute:
        async def endpoint(request: Request) -> Response:
            self._examine(request, is_functional=is_functional)
            shown = request.headers.get("authorization")
            is_invited_only = is_functional and self._cpo.offpeak.is_invitation(shown)
            wants_oauth = self._cpo.oauth.settings is not None
            is_known = self._cpo.oauth.lets_in(request.headers) if wants_oauth else self._cpo.offpeak.lets_in(shown)
            if is_invited_only or not is_known:
                response = self._answer(status_code=BAD_PARAMETERS, message="no token of ours", http_status=401)
            elif request.path_params.get("version", self._cpo.offpeak.versions[0]) not in self._cpo.offpeak.versions:
                response = self._answer(status_code=CLIENT_ERROR, message="no version of ours", http_status=404)
            else:
                try:
                    response = await handle(request)
                except BadCall as error:
                    self._cpo.offpeak.complaints.append(f"{request.method} {request.url.path}: {error}")
                    response = self._answer(
                        status_code=error.ocpi_status, message=str(error), http_status=error.http_status
                    )
            response.headers.update(_returned(request))
            return response

        return Route(path, endpoint, methods=list(methods))

    def _examine(self, request: Request, *, is_functional: bool) -> None:
        """Note what the headers of Offpeak's call lack, or carry where they must not."""
        said = request.headers
        party = self._cpo.settings.style.party
        routing = ("ocpi-from-country-code", "ocpi-from-party-id", "ocpi-to-country-code", "ocpi-to-party-id")
        faults = [f"lacks {name}" for name in ("x-request-id", "x-correlation-id") if not said.get(name)]
        if is_functional:
            faults += [f"lacks {name}" for name in routing if not said.get(name)]
            if said.get("ocpi-to-party-id", party.party_id).upper() != party.party_id.upper():
                faults.append("is addressed to another party")
        else:
            faults += [f"carries {name}, which routes functional modules only" for name in routing if name in said]
        self._cpo.offpeak.complaints += [f"{request.method} {request.url.path} {fault}" for fault in faults]

    def _answer(
        self,
        data: Json = None,
        *,
        status_code: int = OK,
        message: str | None = None,
        http_status: int = 200,
        background: BackgroundTask | None = None,
    ) -> Response:
        said = envelope(self._cpo.now, status_code, message, data)
        return JSONResponse(said, status_code=http_status, background=background)

    async def versions(self, _: Request) -> Response:
        known: list[Json] = [
            {"version": each, "url": f"{self._cpo.offpeak.base_url}/ocpi/{each}"} for each in self._cpo.offpeak.versions
        ]
        return self._answer(known)

    async def version_details(self, request: Request) -> Response:
        base, version = self._cpo.offpeak.base_url, request.path_params["version"]
        interfaces = (
            ("credentials", "RECEIVER", "/ocpi/{version}/credentials"),
            *((module, "SENDER", LIST_PATH + module) for module, _ in self._lists()),
            ("chargingprofiles", "RECEIVER", PROFILES_PATH),
        )
        endpoints: list[Json] = [
            {"identifier": name, "role": role, "url": base + path.format(version=version)}
            for name, role, path in interfaces
        ]
        return self._answer({"version": version, "endpoints": endpoints})

    async def credentials(self, request: Request) -> Response:
        offpeak = self._cpo.offpeak
        if request.method == "GET":
            return self._answer(offpeak.credentials(offpeak.token or ""))
        is_invitation = offpeak.is_invitation(request.headers.get("authorization"))
        if is_invitation != (request.method == "POST"):
            problem = "not registered yet" if is_invitation else "already registered"
            raise BadCall(problem, http_status=405, ocpi_status=CLIENT_ERROR)
        trouble = self._cpo.orders.for_credentials()
        if trouble is CredentialsTrouble.DIES_BEFORE:
            return BrokenOff()
        if trouble is CredentialsTrouble.REFUSES:
            return self._answer(status_code=SERVER_ERROR + 1, message="as ordered")
        answer = await self._take_credentials(request, trouble)
        return answer if trouble is None else BrokenOff()

    async def _take_credentials(self, request: Request, trouble: CredentialsTrouble | None) -> Response:
        offpeak, version = self._cpo.offpeak, request.path_params["version"]
        if request.method == "DELETE":
            offpeak.forget_registration()
            return self._answer()
        try:
            theirs = CredentialsObject.model_validate(await _body(request))
            if trouble is CredentialsTrouble.DIES_AFTER_CALL_BACK:
                await offpeak.call_back(theirs, version)
                return self._answer()
            ours = await offpeak.accept(theirs, version)
        except ValidationError as error:
            raise BadCall(f"credentials: {error.errors(include_url=False)[0]}") from error
        except RegistrationFailed as error:
            raise BadCall(str(error), ocpi_status=SERVER_ERROR + 1) from error
        if trouble is CredentialsTrouble.LOSES_ANSWER_AND_VOIDS:
            offpeak.void_old_tokens()
        return self._answer(ours)

    def _lists(self) -> Iterator[tuple[str, bool]]:
        """Yield the modules that have a list, and whether their messages are routed."""
        for module in LISTED_MODULES:
            if module != "hubclientinfo" or self._cpo.settings.is_hub:
                yield module, module != "hubclientinfo"

    async def list_objects(self, module: str, request: Request) -> Response:
        here = self._cpo.offpeak.base_url + request.url.path
        begun = self._cpo.listed() if module == "sessions" else ()
        try:
            return await self._cpo.lists[module].answer(request, here, begun, self._cpo.now)
        except ValueError as error:
            raise BadCall(f"date_from, date_to, offset, limit: {error}") from error

    async def charging_preferences(self, request: Request) -> Response:
        session_id, said = request.path_params["session_id"], await _body(request)
        if self._cpo.session(session_id) is None:
            return self._answer(status_code=CLIENT_ERROR, message="unknown session", http_status=404)
        if self._cpo.settings.preferences_answer is None:
            return self._answer(status_code=BAD_PARAMETERS, message="this EVSE takes none", http_status=404)
        if not isinstance(said, dict) or said.get("profile_type") not in ("CHEAP", "FAST", "GREEN", "REGULAR"):
            raise BadCall(f"profile_type: {said}")
        self._cpo.preferences.append((session_id, said))
        return self._answer(self._cpo.settings.preferences_answer)

    async def pair(self, request: Request) -> Response:
        return await self._cpo.pairing.pair(request) or BrokenOff()

    async def unpair(self, request: Request) -> Response:
        return await self._cpo.pairing.unpair(request) or BrokenOff()

    async def charging_profile(self, request: Request) -> Response:
        reply = await self._cpo.profiles.receive(await self._read_profile_call(request))
        if reply.http_status is None:
            return await _silence(request)
        background = BackgroundTask(_set, reply.sent)
        if reply.answer is None:
            status_code = SERVER_ERROR if reply.http_status >= 500 else CLIENT_ERROR
            return self._answer(
                status_code=status_code, message="as ordered", http_status=reply.http_status, background=background
            )
        data: dict[str, Json] = {"result": reply.answer, "timeout": reply.timeout_s}
        return self._answer(data, background=background)

    async def _read_profile_call(self, request: Request) -> ProfileCall:
        call = ProfileCall(
            kind={"PUT": CallKind.SET, "GET": CallKind.GET, "DELETE": CallKind.CLEAR}[request.method],
            session_id=request.path_params["session_id"].rstrip("/"),
            response_url=request.query_params.get("response_url", ""),
            at=self._cpo.now,
            received_at=datetime.now(UTC),
        )
        if call.kind is CallKind.SET:
            try:
                call.profile, call.response_url = read_set_profile(await _body(request))
            except ValueError as error:
                raise BadCall(str(error)) from error
        elif not 0 < len(call.response_url) <= LONGEST_URL:
            raise BadCall(f"response_url: must have 1 to {LONGEST_URL} characters")
        if call.kind is CallKind.GET:
            try:
                call.duration_s = int(request.query_params["duration"])
            except (KeyError, ValueError) as error:
                raise BadCall("duration: must be a whole number of seconds") from error
        return call


def _returned(request: Request) -> dict[str, str]:
    """Return the headers of a response: ids echoed, sender and receiver swapped."""
    back = {"X-Request-ID": "X-Request-ID", "X-Correlation-ID": "X-Correlation-ID"}
    for name in ("country-code", "party-id"):
        back |= {f"OCPI-from-{name}": f"OCPI-to-{name}", f"OCPI-to-{name}": f"OCPI-from-{name}"}
    return {name: request.headers[source] for name, source in back.items() if source in request.headers}


async def _body(request: Request) -> object:
    try:
        return read_json(await request.body())
    except ValueError as error:
        raise BadCall("the body is not JSON", http_status=400) from error


async def _silence(request: Request) -> Response:
    """Say nothing until the caller hangs up."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    return Response(status_code=499)


async def _set(event: asyncio.Event) -> None:
    event.set()
