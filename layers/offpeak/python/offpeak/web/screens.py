"""Which page a driver gets: what it shows, and with which HTTP status. Pure; render.py makes HTML of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from offpeak.pairing.connect import MOST_CODES, OPEN_FOR, ConnectProblem, ConnectSession, ConnectState, way_back
from offpeak.tenants.model import Look

SLOW_AFTER = timedelta(seconds=20)
"""From then on the driver is told that he need not wait."""
MOST_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Screen:
    """One page. `heading` is the key of its heading, `values` are what its template needs beyond the texts."""

    template: str
    heading: str
    http_status: int = 200
    values: Mapping[str, object] = field(default_factory=dict)
    refresh_s: int | None = None
    """After how long the page renews itself."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What pages of a connect session have in common. `location` is what the driver calls the place, `charger` what is
    printed on the charger that was paired."""

    session: ConnectSession
    look: Look
    location: str
    form_token: str
    examples: tuple[str, ...] = ()
    charger: str | None = None

    @property
    def values(self) -> dict[str, object]:
        return {"location": self.location, "form_token": self.form_token, "back": way_back(self.session)}


def screen_of(scene: Scene, now: datetime, *, renews: bool = True) -> Screen:
    """Return the page of a connect session as it is now, for the browser that it is bound to."""
    session = scene.session
    if session.state is ConnectState.CREATED:
        return Screen("welcome", "welcome.heading", values={**scene.values, "step": 1})
    if session.state is ConnectState.OPENED:
        return code_screen(scene, session.problem.value if session.problem else None)
    if session.state is ConnectState.VALIDATING:
        return _progress(scene, now, renews=renews)
    if session.state is ConnectState.PAIRED:
        return Screen("paired", "paired.heading", values={**scene.values, "charger": scene.charger, "step": 3})
    if session.state is ConnectState.EXPIRED:
        minutes = int(OPEN_FOR.total_seconds() // 60)
        return _message("expired.heading", "expired.lead", scene, 410, {"minutes": minutes})
    if session.state is ConnectState.CANCELLED:
        return _message("cancelled.heading", "cancelled.lead", scene)
    problem = session.problem or ConnectProblem.TOO_MANY_TRIES
    return _message(f"failed.{problem.value}_heading", f"failed.{problem.value}", scene)


def code_screen(scene: Scene, problem: str | None, *, typed: str = "", http_status: int = 200) -> Screen:
    """Return the page that asks for a code, with what was wrong with the last one and what was typed."""
    is_had = problem == ConnectProblem.ALREADY_YOURS
    values = {
        **scene.values,
        "step": 2,
        "problem": problem,
        "is_had": is_had,
        "typed": typed,
        "examples": scene.examples[:MOST_EXAMPLES],
        "codes_left": scene.session.codes_left,
        "most_codes": MOST_CODES,
    }
    return Screen("code", "already.heading" if is_had else "code.heading", http_status, values)


def other_browser(scene: Scene) -> Screen:
    return _message("other_browser.heading", "other_browser.lead", scene, 403)


def form_refused(scene: Scene, http_status: int = 403) -> Screen:
    """A form came without its token, or without the cookie that the token belongs to, or was no form at all."""
    return _message("form.heading", "form.lead", scene, http_status, again=True)


def closed(look: Look) -> Screen:
    """The tenant is shut out."""
    return Screen("message", "closed.heading", 403, {"lead": "closed.lead", "lead_values": {"tenant": look.name}})


UNKNOWN_LINK = Screen("message", "unknown.heading", 404, {"lead": "unknown.lead"})
BROKEN = Screen("message", "broken.heading", 500, {"lead": "broken.lead", "again": True})


def _progress(scene: Scene, now: datetime, *, renews: bool) -> Screen:
    waited = now - (scene.session.asked_since or now)
    refresh_s = 2 if waited < SLOW_AFTER else 5
    values = {
        **scene.values,
        "step": 2,
        "is_slow": waited >= SLOW_AFTER,
        "is_still": not renews,
        "refresh_s": refresh_s if renews else None,
    }
    return Screen("progress", "progress.heading", values=values, refresh_s=refresh_s if renews else None)


def _message(
    heading: str,
    lead: str,
    scene: Scene,
    http_status: int = 200,
    lead_values: Mapping[str, object] | None = None,
    *,
    again: bool = False,
) -> Screen:
    values = {"lead": lead, "lead_values": lead_values or {}, "back": way_back(scene.session), "again": again}
    return Screen("message", heading, http_status, values)
