"""The operator API on signals of the grid, under /ops/v1/signals: caps, price adders, carbon intensity, congestion.
Running sessions that one concerns are planned anew within seconds. The command `signal` calls it, too."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, ConfigDict, Field

from offpeak import wiring
from offpeak.edge import json_body, rest_handler
from offpeak.grid.announce import TRAIL
from offpeak.grid.find import find_signals
from offpeak.grid.model import Signal
from offpeak.grid.wire import read_new_signal, read_scope, read_signal, signal_shown
from offpeak.ocpi.fields import Instant, read_object
from offpeak.operator_edge import (
    answer,
    audit_answer,
    audit_asked,
    cursor_at,
    here,
    operator,
    operator_api,
    page_asked,
    seen_revision,
)
from offpeak.partners.show import verdict_shown

api = operator_api()
SIGNALS = "/ops/v1/signals"
SIGNAL = f"{SIGNALS}/<signal_id>"
AUDIT = "/ops/v1/audit/signals"


class Asked(BaseModel):
    """Which signals a list is to have: those of a zone or a group, and those that say something about a time."""

    model_config = ConfigDict(extra="ignore")

    zone: str | None = None
    group: str | None = None
    from_at: Annotated[Instant | None, Field(alias="from")] = None
    until: Instant | None = None


@api.get(SIGNALS)
def list_signals() -> Response[str]:
    place, limit = page_asked(api)
    query: Mapping[str, Any] = api.current_event.query_string_parameters or {}
    signals, next_after = found(read_object(Asked, dict(query)), place, limit)
    return answer({"signals": [signal_shown(each) for each in signals], "next": cursor_at(next_after)})


@api.post(SIGNALS)
def announce_signal() -> Response[str]:
    signal = read_new_signal(json_body(api), new_id(), wiring.clock().now())
    announced = wiring.announcements().announce(signal, operator(api))
    location = here(api, f"{SIGNALS}/{announced.signal_id}")
    return answer(signal_shown(announced), revision=announced.revision, location=location)


@api.get(SIGNAL)
def show_signal(signal_id: str) -> Response[str]:
    signal = wiring.announcements().known(signal_id)
    return answer(signal_shown(signal), revision=signal.revision)


@api.put(SIGNAL)
def change_signal(signal_id: str) -> Response[str]:
    seen = seen_revision(api)
    wiring.announcements().known(signal_id)
    signal = read_signal(json_body(api), signal_id, wiring.clock().now())
    changed = wiring.announcements().change(signal, operator(api), seen=seen)
    return answer(signal_shown(changed), revision=changed.revision)


@api.delete(SIGNAL)
def withdraw_signal(signal_id: str) -> Response[str]:
    withdrawn = wiring.announcements().withdraw(signal_id, operator(api), seen=seen_revision(api))
    return answer(signal_shown(withdrawn), revision=withdrawn.revision)


@api.get(AUDIT)
def show_audit() -> Response[str]:
    before, limit = audit_asked(api)
    return audit_answer(wiring.signal_trail().entries(TRAIL, before=before, limit=limit))


@api.get(f"{AUDIT}/verification")
def verify_audit() -> Response[str]:
    return answer(verdict_shown(wiring.signal_trail().verify(TRAIL)))


def found(asked: Asked, after: str | None, limit: int) -> tuple[list[Signal], str | None]:
    is_of_all = asked.zone is None and asked.group is None
    scope = None if is_of_all else read_scope(asked.zone, asked.group)
    return find_signals(wiring.signals(), scope, asked.from_at, asked.until, after=after, limit=limit)


def new_id() -> str:
    return secrets.token_hex(8)


handler = rest_handler(api)
