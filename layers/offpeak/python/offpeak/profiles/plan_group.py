"""Plan all sessions of a tree of limit groups together: load, decide, save what may go out now.

What goes out stays within the caps whatever becomes of it (release.py), and so it does in the hands of two planners:
each transaction takes the tree's next turn, so that nobody writes by a view of the tree in which another's profiles
are missing. A planner that comes too late discards its work and begins again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

from offpeak.aws.tables import LARGEST_TRANSACTION, Table, Write, write_together
from offpeak.errors import ConcurrentChange, UnknownObject
from offpeak.events.model import Event
from offpeak.grid.model import Conditions, Scope, group_caps
from offpeak.groups.model import GroupTree, Memberships
from offpeak.groups.store import StoredTree
from offpeak.profiles.gather import Gathered, Planner, gather, part
from offpeak.profiles.joint import CAPS_FOR, Joint, Seat, decide_joint, seated
from offpeak.profiles.membership import place_of
from offpeak.profiles.outcome import Planned, concluded, over, report
from offpeak.profiles.send_queue import ask_to_send
from offpeak.profiles.tell import session_events
from offpeak.sessions.model import SessionKey, SessionStatus
from offpeak.telemetry import count, logger

MOST_TRIES = 3
"""A tree that changes so often while it is planned is planned by another message."""
LOADS_AT_ONCE = 16
"""A load is nothing but waiting for answers."""
MOST_NAMED = 5
"""Sessions that a row names as those that it waits for."""


def plan_group(root_id: str, by: Planner, *, now: datetime) -> Mapping[str, Planned] | None:
    """Plan a tree if it, or one of its sessions, wants a plan; return what became of its sessions, by their keys' text.

    `now` is the sessions' time. Each session that changes is written with the request that goes out for it, on
    condition of its own revision and of the tree's; only then they are sent. Dying in between is harmless: what was
    written is safe by itself and is found by the sweep, and the tree still wants its plan. Returns None when there was
    nothing to plan, when there is no such tree, and when it kept changing all the time.
    """
    for _ in range(MOST_TRIES):
        try:
            stored = by.groups.load(root_id)
            gathered = _gathered(stored, by, now)
            if stored.tree.is_planned and not any(each.wants_plan for each in gathered.values()):
                return None
            if _parted(stored, gathered, by, now):
                continue
            planned = _planned(stored, _here(gathered), by, now)
            events = {text: session_events(gathered[text], each, now) for text, each in planned.items()}
            _save(stored, gathered, planned, events, by)
        except ConcurrentChange as error:
            logger.info("group_plan_discarded", root_id=root_id, why=str(error))
            continue
        except UnknownObject:
            return None
        for each in planned.values():
            if each.request:
                ask_to_send(by.send_queue, each.request)
        for told in events.values():
            by.outbox.wake_all(told)
        for text, each in planned.items():
            report(gathered[text].known.session.key, each)
        return planned
    # To fail would hold up the tree's other messages for as long as this one is hidden.
    by.plan_queue.ask_group(root_id, by.groups.tree_of(root_id).plan_wanted, minute=now)
    return None


def _gathered(stored: StoredTree, by: Planner, now: datetime) -> dict[str, Gathered]:
    """Read all sessions of a tree side by side."""
    keys = [SessionKey(each.partner_id, each.session_id) for each in stored.tree.sessions]
    with ThreadPoolExecutor(LOADS_AT_ONCE) as loads:
        found = loads.map(lambda key: gather(key, by, now), keys)
    return {key.text: each for key, each in zip(keys, found, strict=True) if each is not None}


def _parted(stored: StoredTree, gathered: Mapping[str, Gathered], by: Planner, now: datetime) -> bool:
    """Take those out of the tree that are over, and let those be planned that their charger has left with; say whether
    the tree is another one now."""
    tree, parted = stored.tree, False
    memberships = Memberships(tree)
    for text, each in gathered.items():
        key, place = each.known.session.key, place_of(each.known.session)
        ended = over(each, now, by.real_now())
        if ended is not None:
            part(each, ended.standing.charger, by)
            events = session_events(each, ended, now)
            told = by.outbox.puts(events, at=by.real_now())
            by.profiles.save(*ended.requests, standing=ended.standing, is_silent=ended.is_silent, also=told)
            by.outbox.wake_all(events)
            by.profiles.note_planned(key, each.known.plan_wanted)
            report(key, ended)
        elif place is not None and memberships.of(place) is not None:
            continue
        by.groups.remove_session(tree.root_id, text, now=now, received_at=by.real_now())
        parted = True
        if ended is None:
            wanted = by.sessions.want_plan(key, now=now, received_at=by.real_now())
            if wanted is not None:
                by.plan_queue.ask(key, wanted)
    return parted


def _here(gathered: Mapping[str, Gathered]) -> dict[str, Gathered]:
    """Return those that are really there: of two sessions at one EVSE that are both said to charge, the first was
    never told to be over."""
    newest: dict[str, str] = {}
    for text, each in sorted(gathered.items(), key=lambda item: item[1].known.session.start_at):
        if each.known.session.status is SessionStatus.ACTIVE:
            newest[_evse_text(each)] = text
    return {
        text: each
        for text, each in gathered.items()
        if each.known.session.status is not SessionStatus.ACTIVE or newest[_evse_text(each)] == text
    }


def _evse_text(gathered: Gathered) -> str:
    place = place_of(gathered.known.session)
    assert place is not None
    return place.evse_text


def _planned(stored: StoredTree, here: Mapping[str, Gathered], by: Planner, now: datetime) -> dict[str, Planned]:
    tree, at = stored.tree, by.real_now()
    memberships = Memberships(tree)
    seats: dict[str, Seat] = {}
    for text, each in here.items():
        place = place_of(each.known.session)
        found = memberships.of(place) if place else None
        assert found is not None
        seats[text] = seated(each, tree, *found, now, at)
    joint = decide_joint(tree, seats, _asked_of_groups(tree, seats, by, now), now)
    _report_group(stored, joint, len(seats))
    return {text: _concluded(seat, text, joint, by, now, at) for text, seat in seats.items()}


def _asked_of_groups(tree: GroupTree, seats: Mapping[str, Seat], by: Planner, now: datetime) -> dict[str, Conditions]:
    """Read what signals ask of each group that sessions are in, side by side."""
    signals = by.signals.since(tree.received_at)
    inside = sorted({group_id for seat in seats.values() for group_id in seat.groups})
    with ThreadPoolExecutor(LOADS_AT_ONCE) as loads:
        found = loads.map(lambda group_id: signals.of(Scope(group=group_id)), inside)
    return {
        group_id: group_caps(its, group_id, now, now + CAPS_FOR) for group_id, its in zip(inside, found, strict=True)
    }


def _concluded(seat: Seat, text: str, joint: Joint, by: Planner, now: datetime, at: datetime) -> Planned:
    verdict = joint.verdicts[text]
    waits_for = None if verdict.waits_for is None else verdict.waits_for[:MOST_NAMED]
    standing = replace(seat.standing, waits_for=waits_for, is_awaited=text in joint.awaited)
    return concluded(
        seat.gathered,
        standing,
        seat.newest,
        verdict.plan,
        verdict.profile,
        verdict.intent,
        by.new_id(),
        now=now,
        at=at,
    )


def _save(
    stored: StoredTree,
    gathered: Mapping[str, Gathered],
    planned: Mapping[str, Planned],
    events: Mapping[str, Sequence[Event]],
    by: Planner,
) -> None:
    """Write what changed, a transaction after the other; each holds for itself, and any of them may be the last."""
    tree, at = stored.tree, by.real_now()
    changes = [
        [*by.profiles.writes(*each.requests, standing=each.standing), *by.outbox.puts(events[text], at=at)]
        for text, each in planned.items()
        if _is_worth_writing(gathered[text], each, events[text])
    ]
    for turn, writes in enumerate(_together(changes), tree.turn):
        write_together([by.groups.next_turn(stored, turn), *writes])
    wanting = [each.known for each in gathered.values() if each.wants_plan]
    with ThreadPoolExecutor(LOADS_AT_ONCE) as notes:
        for _ in notes.map(lambda known: by.profiles.note_planned(known.session.key, known.plan_wanted), wanting):
            pass  # to see what one of them raised
    if not tree.is_planned:
        by.groups.planned(tree.root_id, tree.plan_wanted, tree.revision)


def _is_worth_writing(gathered: Gathered, planned: Planned, events: Sequence[Event]) -> bool:
    """Say whether a session's row has to change: where nothing is sent and nobody asked, what it holds is good."""
    before, after = gathered.standing, planned.standing
    return (
        bool(planned.requests)
        or bool(events)
        or gathered.wants_plan
        or after.root_id != before.root_id
        or after.charger != before.charger
        or after.waits_for != before.waits_for
        or (after.is_awaited and not before.is_awaited)
    )


def _together(changes: Sequence[list[tuple[Table, Write]]]) -> Iterator[list[tuple[Table, Write]]]:
    """Yield writes in as few transactions as hold them beside a turn; a session's own stay together."""
    batch: list[tuple[Table, Write]] = []
    for writes in changes:
        if len(batch) + len(writes) >= LARGEST_TRANSACTION:
            yield batch
            batch = []
        batch += writes
    if batch:
        yield batch


def _report_group(stored: StoredTree, joint: Joint, sessions: int) -> None:
    """Log one decision; count what only an operator can mend."""
    worst = max(joint.excess, key=lambda each: each.power_w, default=None)
    logger.info(
        "group_plan_made",
        root_id=stored.tree.root_id,
        revision=stored.tree.revision,
        sessions=sessions,
        waiting=sum(1 for each in joint.verdicts.values() if each.waits_for is not None),
        excess_w=round(worst.power_w) if worst else 0,
        excess_at=worst.at.isoformat() if worst else None,
        excess_in=worst.name if worst else None,
    )
    count("GroupPlansMade")
    if worst is not None:
        count("LimitGroupOverCap")
