"""What was changed of a partner, a tenant or a tree of limit groups, by whom: entries that hang together by their
hashes. Pure.

An entry is hashed as the very text that is stored, and holds the hash of the entry before it. So no entry can be
altered, removed or slipped in without breaking every hash after it; that none was cut off at the end is told by the
trail's head, which is kept elsewhere (trail.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from offpeak.instants import format_instant, parse_instant
from offpeak.ocpi.wire_json import as_number
from offpeak.partners.model import Partner
from offpeak.partners.settings import settings_of

GENESIS = "0" * 64
"""What the first entry names as the hash before it."""


class Action(StrEnum):
    """What may happen to a partner, to a tenant, to a tree of limit groups, or to signals of the grid."""

    INVITED = "invited"
    ADDED = "added"
    CHANGED = "changed"
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    ROTATED = "rotated"
    REMOVED = "removed"
    REGISTERED = "registered"
    LEFT = "left"
    ACCESS = "access_changed"
    """OAuth2 clients, ApiKeys, or what we call the partner with."""
    GROUP_MADE = "group_made"
    GROUP_CHANGED = "group_changed"
    GROUP_REMOVED = "group_removed"
    MEMBERS = "members_changed"
    """Chargers came into groups, left them, or are said to be other ones."""
    SIGNAL_ANNOUNCED = "signal_announced"
    SIGNAL_CHANGED = "signal_changed"
    SIGNAL_WITHDRAWN = "signal_withdrawn"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it. `who` is an IAM ARN, or the partner itself; `via` says how that is known.

    "api": API Gateway checked the caller's signature. "command": the command asked STS and told us; the proof is in
    CloudTrail's Invoke events. "ocpi": the partner's own token. "clock": nobody, it was due.
    """

    who: str
    via: str


@dataclass(frozen=True, slots=True)
class SettingChange:
    """One setting by its path (`planning.departure`); before and after as JSON has them, None where there is none."""

    name: str
    before: object
    after: object


@dataclass(frozen=True, slots=True)
class Entry:
    """The `number`th thing that happened to a partner, or to the tree of groups that `partner_id` names in its place
    (groups/administer.py); the first is 1."""

    partner_id: str
    number: int
    at: datetime
    actor: Actor
    action: Action
    changes: tuple[SettingChange, ...]
    previous: str
    note: str | None = None

    @property
    def text(self) -> str:
        """The entry as it is stored and hashed: JSON with its keys in order and no white space."""
        said = {
            "partner_id": self.partner_id,
            "number": self.number,
            "at": format_instant(self.at),
            "who": self.actor.who,
            "via": self.actor.via,
            "action": self.action.value,
            "changes": [[each.name, each.before, each.after] for each in self.changes],
            "previous": self.previous,
            "note": self.note,
        }
        return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=as_number)

    @property
    def hash(self) -> str:
        return hash_of(self.text)


@dataclass(frozen=True, slots=True)
class Head:
    """Where a trail ends: how many entries it has, and the hash of the last."""

    entries: int = 0
    hash: str = GENESIS


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """A row of the trail: the number that its key has, the entry's text, and the hash beside it."""

    number: int
    text: str
    hash: str


def hash_of(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def entry_of(text: str) -> Entry:
    """Read an entry back from its text."""
    said = json.loads(text)
    return Entry(
        partner_id=said["partner_id"],
        number=said["number"],
        at=parse_instant(said["at"]),
        actor=Actor(said["who"], said["via"]),
        action=Action(said["action"]),
        changes=tuple(SettingChange(*each) for each in said["changes"]),
        previous=said["previous"],
        note=said["note"],
    )


def changes_between(before: Partner | None, after: Partner) -> tuple[SettingChange, ...]:
    """Return the settings that differ, in order of their names. Only what operators are shown can be in here, and that
    has neither tokens nor keys."""
    return changes_in(settings_of(before) if before else {}, settings_of(after))


def changes_in(before: Mapping[str, object], after: Mapping[str, object]) -> tuple[SettingChange, ...]:
    """The same of settings as they are shown."""
    return differences(dict(_leaves(before)), dict(_leaves(after)))


def differences(old: Mapping[str, object], new: Mapping[str, object]) -> tuple[SettingChange, ...]:
    """The same of values by their paths."""
    return tuple(
        SettingChange(name, old.get(name), new.get(name))
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    )


def broken_links(rows: Iterable[StoredEntry], head: Head) -> list[str]:
    """Return a sentence for each place where a partner's trail does not hang together; none when it is whole.

    `rows` are all of them in order.
    """
    problems = []
    last = Head()
    for row in rows:
        expected = last.entries + 1
        if row.number != expected:
            problems.append(f"entry {expected} is missing: entry {row.number} follows entry {last.entries}")
        problems += [f"entry {row.number} {problem}" for problem in _problems_of(row, last.hash)]
        last = Head(row.number, row.hash)
    if last.entries < head.entries:
        problems.append(f"the trail ends at entry {last.entries}, but {head.entries} were written")
    elif last != head:
        problems.append(f"the trail ends at entry {last.entries}, which is not the one that was written last")
    return problems


def _problems_of(row: StoredEntry, previous: str) -> Iterator[str]:
    if hash_of(row.text) != row.hash:
        yield "was altered: its hash is another one"
    try:
        entry = entry_of(row.text)
    except (ValueError, KeyError, TypeError):
        yield "cannot be read"
        return
    if entry.number != row.number:
        yield f"stands in the place of entry {entry.number}"
    if entry.previous != previous:
        yield "does not follow from the one before it"


def _leaves(settings: Mapping[str, object], path: str = "") -> Iterator[tuple[str, object]]:
    """Yield every setting by its whole path; lists are settings by themselves."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value
