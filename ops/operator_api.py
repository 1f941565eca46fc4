"""Calls the stage's operator API, signed as whoever gives the command, and takes its refusals for what they are."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlencode

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session

from ops.asking import Refused
from ops.deployed import Deployed

WHATEVER_IT_IS = {"If-Match": "*"}


def call(offpeak: Deployed, method: str, path: str, body: object = None) -> Any:
    """Return what the operator API answers below /ops/v1. Raises Refused naming the field, if there is one."""
    url = f"{offpeak.operator_url}/ops/v1{path}"
    content = None if body is None else json.dumps(body)
    headers = {"Content-Type": "application/json", **({} if method in ("GET", "POST") else WHATEVER_IT_IS)}
    request = AWSRequest(method, url, data=content, headers=headers)
    signer = offpeak.client("sts")
    # botocore has no public way from a client to the credentials that it signs with.
    SigV4Auth(signer._get_credentials(), "execute-api", signer.meta.region_name).add_auth(request)
    answer = URLLib3Session().send(request.prepare())
    said = json.loads(answer.text or "{}")
    if answer.status_code >= 300:
        told = said.get("detail") or said.get("message") or said.get("status_message") or f"HTTP {answer.status_code}"
        raise Refused(": ".join(part for part in (said.get("field"), told) if part))
    return said


def path_of(*ids: str) -> str:
    """Return ids as the end of a path."""
    return "".join(f"/{quote(each, safe='')}" for each in ids)


def all_pages(offpeak: Deployed, path: str, name: str, **query: str) -> list[Any]:
    """Return the items called `name` of all pages of a list; `query` says which, beside the page."""
    items, cursor = list[Any](), ""
    asked = urlencode({"limit": 100, **query})
    while cursor is not None:
        page = call(offpeak, "GET", f"{path}?{asked}" + (f"&cursor={cursor}" if cursor else ""))
        items += page[name]
        cursor = page["next"]
    return items
