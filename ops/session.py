"""A session as text for a person at a terminal, from what the function ops_sessions answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any


def session_text(shown: Mapping[str, Any]) -> str:
    """Return a few lines: the session, its state, plan, override and back-off, then its requests, newest first."""
    return "\n".join(_lines(shown))


def _lines(shown: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"{shown['session_id']} of {shown['partner_id']}: {shown['status']} at EVSE {shown['evse_uid'] or 'unknown'}, "
        f"{shown['delivered_kwh']} kWh, {_count(shown['periods'], 'charging period')}"
    )
    yield f"since {_day(shown['start_at'])}, last update {_day(shown['last_updated'])} ({shown['time_zone']})"
    state = shown["charging_state"]
    power = "" if state["power_w"] is None else f", {state['power_w']} W"
    yield f"state       {state['state']}{power} (confidence {state['confidence']}): {state['text']}"
    if shown["charger"]:
        yield f"charger     {_charger(shown['charger'])}"
    if shown["tariff"]:
        yield f"tariff      {shown['tariff']}, as the CPO told it"
    if shown["unmanaged"]:
        yield f"not managed {shown['unmanaged']['text']}"
    if shown["limit_group"]:
        yield f"shares      the limit of {_limit_group(shown['limit_group'])}"
    yield from _plan(shown["plan"], is_current=shown["is_planned"])
    yield f"overridden  {_override(shown['overridden'])}"
    yield f"back-off    {_backoff(shown['backoff'])}"
    yield "requests, newest first, with the real time of each step" if shown["requests"] else "no requests yet"
    for request in shown["requests"]:
        yield from _request(request)


def _limit_group(group: Mapping[str, Any]) -> str:
    others = f" ({', '.join(group['waits_for'])})" if group["waits_for"] else ""
    return f"{group['root_id']}: {group['text']}{others}"


def _charger(charger: Mapping[str, Any]) -> str:
    phases = "direct current" if charger["is_dc"] else _count(charger["phases"] or 0, "phase")
    known = phases if charger["phases"] or charger["is_dc"] else "phases unknown"
    return f"{known}, up to {charger['max_power_w']} W: {charger['text']}"


def _plan(plan: Mapping[str, Any] | None, *, is_current: bool) -> Iterator[str]:
    waiting = "" if is_current else " (a new one is being made)"
    if plan is None:
        yield f"plan        none{waiting}"
        return
    yield f"plan        {plan['text']}{waiting}"
    if "doing" in plan["facts"]:
        yield f"            {_doing(plan['facts'])}"
    for block in plan["blocks"]:
        yield f"            {_day(block['start_at'])} to {_day(block['end_at'])}  up to {block['power_w']} W"
    shortfall = plan["shortfall_kwh"]
    yield (
        f"            costs {plan['cost_eur']:.2f} EUR, saves {plan['saving_eur']:.2f} EUR, "
        f"{f'{shortfall} kWh short' if shortfall else 'nothing short'}; departure {_day(plan['departure_at'])}"
    )


def _doing(facts: Mapping[str, Any]) -> str:
    """What it did when it was planned, for how long, and what limits it: the words of the facts."""
    until = f" until {_day(facts['next_change_at'])}" if "next_change_at" in facts else ""
    ready = f"; ready {_day(facts['ready_at'])}" if "ready_at" in facts else ""
    return (
        f"at {_day(facts['told_at'])} {facts['doing']}{until}: {facts['why_now']}{ready}; "
        f"limited by {facts['limited_by']}; need {facts['need_from']}"
    )


def _override(override: Mapping[str, Any] | None) -> str:
    if override is None:
        return "no"
    source = "asked for" if override["is_verified"] else "told by the CPO"
    return f"since {_day(override['since'])}: {override['text']} ({source})"


def _backoff(backoff: Mapping[str, Any] | None) -> str:
    if backoff is None:
        return "no"
    return f"until {_day(backoff['until'])}, after {_count(backoff['failures'], 'failure')} in a row"


def _request(request: Mapping[str, Any]) -> Iterator[str]:
    detail = f": {request['detail']}" if request["detail"] else ""
    yield f"  {request['kind']:<5} {request['state']}{detail}  [{request['request_id']}]"
    for step, at in request["steps"].items():
        yield f"        {step:<10} {_exactly(at)}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _day(instant: str) -> str:
    return f"{datetime.fromisoformat(instant):%a %Y-%m-%d %H:%M}"


def _exactly(instant: str) -> str:
    at = datetime.fromisoformat(instant)
    return f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03d}"
