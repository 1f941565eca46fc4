"""Pull one page of a partner's list, merge it, and move the run on: the step of which runs are made.

A page is a message of its own. It may come twice, or stop anywhere: merging is idempotent, and only one step from a
page to the next is ever saved.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from urllib.parse import urlencode

from offpeak.errors import ConcurrentChange, PeerRefused, PeerUnavailable, PeerUnusable, UnknownObject
from offpeak.history.begin import Beginner, begin_scheduled, list_of, look_for_wanted
from offpeak.history.model import (
    MOST_ATTEMPTS,
    Module,
    Run,
    RunKind,
    RunState,
    attempted,
    failed,
    put_off,
    to_be_retried,
    turned,
)
from offpeak.history.pace import background_cap, pause_s, wait_s
from offpeak.history.schedule import is_forsaken
from offpeak.history.take import Reader, take_page
from offpeak.instants import format_instant
from offpeak.ocpi.client import OcpiClient
from offpeak.ocpi.envelope import RequestIds, Routing
from offpeak.ocpi.paging import Page, get_page
from offpeak.partners.gates import Deferred, Gates
from offpeak.partners.model import Partner, Party
from offpeak.partners.peer_tokens import CallsPartners
from offpeak.partners.store import PartnerStore
from offpeak.telemetry import count, logger

PAGE_SIZE = {Module.LOCATIONS: 25}
"""Objects that we ask for; the partner may give fewer. A Location may come with hundreds of EVSEs."""
OTHER_PAGE_SIZE = 100


@dataclass(frozen=True, slots=True)
class Puller:
    """What it takes to pull. `readers` say of each module what the objects in its list are to us."""

    begin: Beginner
    partners: PartnerStore
    gates: Gates
    tokens: CallsPartners
    client: OcpiClient
    readers: Mapping[Module, Reader]


def pull_page(
    partner_id: str, module: Module, kind: RunKind, run_id: str, step: int, by: Puller, *, now: datetime
) -> None:
    """Pull the page at which a run stood at `step`, unless that was done. `now` is the sessions' time."""
    run, at = by.begin.store.run(partner_id, module, kind), by.begin.real_now()
    if run is None or (run.run_id, run.step) != (run_id, step) or not run.is_running:
        logger.info("page_not_pulled", partner_id=partner_id, run_id=run_id, step=step)
        if run is not None and run.run_id == run_id and is_forsaken(run, at):
            by.begin.queue.ask(run, at)  # whoever took this page died before asking for the next
        return
    if (run.due_at - at).total_seconds() > 1:
        by.begin.queue.ask(run, at)
        return
    partner = by.partners.load_cached(partner_id)
    endpoint = list_of(partner, module)
    if run.attempts >= MOST_ATTEMPTS:
        _move(run, failed(run, at, f"page {step + 1} was begun {run.attempts} times and never ended"), by, now)
        return
    if endpoint is None:
        _move(run, failed(run, at, "the partner is not registered, or offers no such list"), by, now)
        return
    _pull(run, partner, endpoint, by, now)


def _pull(run: Run, partner: Partner, endpoint: str, by: Puller, now: datetime) -> None:
    at, cap = by.begin.real_now(), partner.flags.in_flight_cap
    call_id = f"{run.run_id}-{run.step}-{run.attempts}"
    place = by.gates.enter(partner.partner_id, background_cap(cap), call_id, at.timestamp())
    if isinstance(place, Deferred):
        _move(run, put_off(run, wait_s(place.retry_in_s), at, "the partner takes no call now"), by, now)
        return
    began_s = time.monotonic()
    try:
        try:
            run = _begun(run, by)
        except ConcurrentChange:
            return  # Another worker has taken this page.
        url = run.next_url or _first_page(endpoint, run)
        page = _ask(run, partner, endpoint, url, by)
        trail = run.trail.after(url, page)
    except (PeerUnavailable, ConcurrentChange) as error:
        _move(run, to_be_retried(run, by.begin.real_now(), str(error)), by, now)
        return
    except PeerRefused as error:
        at = by.begin.real_now()
        is_renewed = error.http_status == 401 and by.tokens.was_refused(partner)
        _move(run, put_off(run, 0, at, str(error)) if is_renewed else failed(run, at, str(error)), by, now)
        return
    except (PeerUnusable, UnknownObject) as error:
        _move(run, failed(run, by.begin.real_now(), str(error)), by, now)
        return
    finally:
        # How a list was answered says nothing on how profiles will be: the circuit is theirs.
        by.gates.leave(partner.partner_id, call_id, ok=None, now_s=by.begin.real_now().timestamp())
    call_s = time.monotonic() - began_s
    asked = _party(run, partner)
    taken = take_page(page.items, partner, asked, by.readers[run.module], now)
    at = by.begin.real_now()
    after = turned(run, trail, page, taken, len(partner.parties) if run.module.is_routed else 1, at)
    if after.is_running and (rest_s := pause_s(place.gate, cap, call_s)):
        after = put_off(after, rest_s, at, "profiles come first")
    _move(run, after, by, now)


def _begun(run: Run, by: Puller) -> Run:
    """Count the attempt before the partner is asked, so that a page which nobody survives is given up in the end.

    A search for unknown sessions goes back to the oldest that was noted by now. Raises ConcurrentChange.
    """
    store = by.begin.store
    begun = attempted(run, by.begin.real_now())
    noted = store.wanted_since(run.partner_id) if run.kind is RunKind.UNKNOWN and run.step == 0 else None
    if noted is None or begun.since is None:
        store.save(begun, run.step)
        return begun
    since = min(begun.since, noted)
    begun = replace(begun, since=since)
    store.save(begun, run.step)
    store.forget_wanted(run.partner_id, since)
    return begun


def _first_page(endpoint: str, run: Run) -> str:
    """The address of the list. Without `until` no date_to: an object that changes meanwhile stays where it is in the
    list, and the pages behind it do not move (OCPI 2.2.1, 4.1.4.2)."""
    wanted = {"limit": str(PAGE_SIZE.get(run.module, OTHER_PAGE_SIZE))}
    for name, bound in (("date_from", run.since), ("date_to", run.until)):
        if bound is not None:
            wanted[name] = format_instant(bound)
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(wanted)}"


def _ask(run: Run, partner: Partner, endpoint: str, url: str, by: Puller) -> Page:
    party = _party(run, partner)
    routing = Routing(
        to_country_code=party.country_code,
        to_party_id=party.party_id,
        from_country_code=partner.our_party.country_code,
        from_party_id=partner.our_party.party_id,
    )
    return get_page(
        by.client,
        url,
        by.tokens.of(partner),
        endpoint=endpoint,
        raw_token=partner.flags.raw_token,
        routing=routing if run.module.is_routed else None,
        ids=RequestIds(f"{run.run_id}-{run.step}-{run.attempts}", run.run_id),
    )


def _party(run: Run, partner: Partner) -> Party:
    """The party whose list is walked; parties may have been taken from the connection meanwhile."""
    return partner.parties[min(run.party_at, len(partner.parties) - 1)]


def _move(run: Run, after: Run, by: Puller, now: datetime) -> None:
    """Save where a run stands now, and see that it goes on from there."""
    try:
        by.begin.store.save(after, run.step)
    except ConcurrentChange:
        return  # The same page was pulled twice at once, and the other was faster.
    if after.step > run.step:
        _report_page(run, after)
    if after.is_running:
        by.begin.queue.ask(after, by.begin.real_now())
        return
    _report_end(after)
    if after.kind is RunKind.UNKNOWN:
        look_for_wanted(after.partner_id, by.begin, now)
    elif after.kind is RunKind.SCHEDULED:
        partner = by.partners.load_cached(after.partner_id)
        begin_scheduled(partner, by.begin.store.runs(after.partner_id), by.begin, now)


def _report_page(before: Run, after: Run) -> None:
    logger.info(
        "page_pulled",
        partner_id=after.partner_id,
        run_id=after.run_id,
        ocpi_module=after.module.value,
        kind=after.kind.value,
        step=before.step,
        objects=after.tally.objects - before.tally.objects,
        has_more=after.is_running,
    )
    count("HistoryPagesPulled")
    count("HistoryObjectsPulled", after.tally.objects - before.tally.objects)
    count("HistoryObjectsRefused", after.tally.refused - before.tally.refused)


def _report_end(run: Run) -> None:
    if run.state is RunState.FAILED:
        count("HistoryRunsFailed")
    logger.info(
        "run_ended",
        partner_id=run.partner_id,
        run_id=run.run_id,
        ocpi_module=run.module.value,
        kind=run.kind.value,
        state=run.state.value,
        problem=run.problem,
        tally=asdict(run.tally),
    )
