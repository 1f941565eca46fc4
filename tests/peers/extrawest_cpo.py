"""A CPO made of extrawest_ocpi, run in an environment of its own: all that is OCPI is the library's, unchanged.

What is here is what every user of the library writes: where credentials and sessions are kept. Prints one line of JSON
when it serves: its versions URL, and the token A that it gives out. POST /_test/sessions keeps a session; to push one,
the library has an interface of its own, /push/2.2.1.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import socket
import sys

listening = socket.socket()
listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listening.bind(("127.0.0.1", 0))
HOST = f"127.0.0.1:{listening.getsockname()[1]}"
COUNTRY_CODE, PARTY_ID = sys.argv[1:3]
# The library reads its settings when it is imported.
os.environ.update(OCPI_HOST=HOST, PROTOCOL="http", COUNTRY_CODE=COUNTRY_CODE, PARTY_ID=PARTY_ID)

import uvicorn  # noqa: E402
from fastapi import Request  # noqa: E402
from py_ocpi import get_application  # noqa: E402
from py_ocpi.core.authentication.authenticator import Authenticator  # noqa: E402
from py_ocpi.core.enums import Action, ModuleID, RoleEnum  # noqa: E402
from py_ocpi.modules.credentials.v_2_2_1.schemas import Credentials  # noqa: E402
from py_ocpi.modules.sessions.v_2_2_1.schemas import Session  # noqa: E402
from py_ocpi.modules.versions.enums import VersionNumber  # noqa: E402

TOKEN_A = secrets.token_urlsafe(32)
invited = [TOKEN_A]
registered: list[str] = []
offpeak: dict[str, object] = {}
sessions: dict[str, dict] = {}


def ours(token: str) -> dict:
    role = {
        "role": "CPO",
        "country_code": COUNTRY_CODE,
        "party_id": PARTY_ID,
        "business_details": {"name": "A CPO of extrawest_ocpi"},
    }
    return {"token": token, "url": f"http://{HOST}/ocpi/versions", "roles": [role]}


def give_token(data: dict) -> dict:
    offpeak.update(data["credentials"], endpoints=data["endpoints"])
    registered[:] = [secrets.token_urlsafe(32)]
    return ours(registered[0])


class Tokens(Authenticator):
    @classmethod
    async def get_valid_token_c(cls) -> list[str]:
        return registered

    @classmethod
    async def get_valid_token_a(cls) -> list[str]:
        return invited


class Store:
    @classmethod
    async def get(cls, module: ModuleID, _role: RoleEnum, key: str, *_: object, **__: object) -> dict | None:
        if module is ModuleID.credentials_and_registration:
            return ours(key) if key in registered else None
        return sessions.get(str(key).lower())

    @classmethod
    async def list(cls, _module: ModuleID, _role: RoleEnum, filters: dict, *_: object, **__: object) -> tuple:
        page = list(sessions.values())[filters["offset"] : filters["offset"] + filters["limit"]]
        return page, len(sessions), filters["offset"] + filters["limit"] >= len(sessions)

    @classmethod
    async def create(cls, _module: ModuleID, _role: RoleEnum, data: dict, *_: object, **__: object) -> dict:
        invited.clear()
        return give_token(data)

    @classmethod
    async def update(cls, _module: ModuleID, _role: RoleEnum, data: dict, *_: object, **__: object) -> dict:
        return give_token(data)

    @classmethod
    async def delete(cls, *_: object, **__: object) -> None:
        registered.clear()
        offpeak.clear()

    @classmethod
    async def do(cls, _module: ModuleID, _role: RoleEnum, action: Action, *_: object, **__: object) -> object:
        return offpeak["token"] if action is Action.get_client_token else {"result": "ACCEPTED", "timeout": 30}


class Adapter:
    @classmethod
    def credentials_adapter(cls, data: dict, _version: object = None) -> Credentials:
        return Credentials(**data)

    @classmethod
    def session_adapter(cls, data: dict, _version: object = None) -> Session:
        return Session(**data)


app = get_application(
    version_numbers=[VersionNumber.v_2_1_1, VersionNumber.v_2_2_1],
    roles=[RoleEnum.cpo],
    crud=Store,
    modules=[ModuleID.credentials_and_registration, ModuleID.sessions, ModuleID.charging_profile],
    authenticator=Tokens,
    adapter=Adapter,
    http_push=True,
)


@app.post("/_test/sessions")
async def keep_session(request: Request) -> dict:
    session = await request.json()
    sessions[session["id"].lower()] = session
    return {"token": registered[0], "offpeak": offpeak}


async def serve() -> None:
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
    task = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:
        await asyncio.sleep(0.01)
    print(json.dumps({"versions_url": f"http://{HOST}/ocpi/versions", "token_a": TOKEN_A}), flush=True)
    await task


asyncio.run(serve())
