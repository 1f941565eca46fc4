"""What was changed of a partner, by whom: complete, without secrets, and not to be forged."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offpeak.partners.audit import (
    Action,
    Actor,
    Entry,
    Head,
    SettingChange,
    StoredEntry,
    broken_links,
    changes_between,
    entry_of,
)
from offpeak.partners.model import Flags, PlanningDefaults
from tests.partners.builders import a_full_partner, a_partner

AT = datetime(2027, 3, 1, 12, tzinfo=UTC)
ALICE = Actor("arn:aws:sts::111122223333:assumed-role/Operator/alice", "api")

plain = st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(max_size=20)


@st.composite
def trails(draw: st.DrawFn) -> list[StoredEntry]:
    """A whole trail of two to six entries."""
    rows: list[StoredEntry] = []
    last = Head()
    for number in range(1, draw(st.integers(2, 6)) + 1):
        entry = Entry(
            "acme",
            number,
            AT + timedelta(minutes=number),
            ALICE,
            draw(st.sampled_from(Action)),
            (SettingChange(draw(st.text(max_size=10)), draw(plain), draw(plain)),),
            last.hash,
            draw(st.none() | st.text(max_size=10)),
        )
        rows.append(StoredEntry(number, entry.text, entry.hash))
        last = head_of(rows)
    return rows


def head_of(rows: list[StoredEntry]) -> Head:
    return Head(rows[-1].number, rows[-1].hash)


@given(trails())
def test_a_trail_as_it_was_written_is_whole_and_reads_back(rows: list[StoredEntry]) -> None:
    assert broken_links(rows, head_of(rows)) == []
    assert [entry_of(row.text).text for row in rows] == [row.text for row in rows]


@given(trails(), st.data())
def test_whatever_is_altered_removed_or_swapped_shows(rows: list[StoredEntry], data: st.DataObject) -> None:
    head = head_of(rows)
    place = data.draw(st.integers(0, len(rows) - 1))
    forged = list(rows)
    match data.draw(st.sampled_from(["who", "text and hash", "hash", "remove", "swap", "append"])):
        case "who":
            forged[place] = replace(rows[place], text=rows[place].text.replace("alice", "bob"))
        case "text and hash":
            entry = replace(entry_of(rows[place].text), actor=Actor("arn:aws:iam::1:user/bob", "api"))
            forged[place] = StoredEntry(entry.number, entry.text, entry.hash)
        case "hash":
            forged[place] = replace(rows[place], hash="f" * 64)
        case "remove":
            del forged[place]
        case "swap":
            other = (place + 1) % len(rows)
            forged[place], forged[other] = (
                replace(rows[other], number=rows[place].number),
                replace(rows[place], number=rows[other].number),
            )
        case "append":
            entry = Entry("acme", head.entries + 1, AT, ALICE, Action.CHANGED, (), head.hash)
            forged.append(StoredEntry(entry.number, entry.text, entry.hash))
    assert broken_links(forged, head) != []


@given(trails())
def test_a_trail_that_was_written_anew_from_the_start_shows_by_its_head(rows: list[StoredEntry]) -> None:
    forged, last = [], Head()
    for row in rows:
        entry = replace(entry_of(row.text), actor=Actor("arn:aws:iam::1:user/bob", "api"), previous=last.hash)
        forged.append(StoredEntry(entry.number, entry.text, entry.hash))
        last = head_of(forged)
    assert broken_links(forged, last) == []
    assert broken_links(forged, head_of(rows)) == [
        f"the trail ends at entry {len(rows)}, which is not the one that was written last"
    ]


@pytest.mark.parametrize(
    ("after", "told"),
    [
        (a_partner(), []),
        (replace(a_partner(), revision=7), []),
        (replace(a_partner(), usage_key="k" * 40, usage_key_id="x"), []),
        (replace(a_partner(), flags=Flags(strict=True)), [("flags.strict", False, True)]),
        (
            replace(a_partner(), planning=PlanningDefaults(need_kwh=Decimal("20.5"), phases=3)),
            [("planning.need_kwh", Decimal(30), Decimal("20.5")), ("planning.phases", None, 3)],
        ),
        (replace(a_partner(), suspended_at=AT), [("suspended_at", None, "2027-03-01T12:00:00.000Z")]),
    ],
    ids=["nothing", "the revision", "the throttling key", "a flag", "two settings", "a suspension"],
)
def test_the_settings_that_differ_are_told_with_before_and_after(
    after: object, told: list[tuple[str, object, object]]
) -> None:
    changes = changes_between(a_partner(), after)  # type: ignore[arg-type]
    assert [(each.name, each.before, each.after) for each in changes] == told


def test_a_new_partner_is_told_whole_and_without_its_key() -> None:
    changes = {each.name: each.after for each in changes_between(None, a_full_partner())}
    assert changes["parties"] == ["NL-ACM", "be-Ac2"]
    assert changes["planning.departure"] == "06:45"
    entry = Entry("full", 1, AT, ALICE, Action.INVITED, changes_between(None, a_full_partner()), Head().hash)
    assert "k" * 40 not in entry.text
    assert "a1b2c3d4e5" not in entry.text
    assert json.loads(entry.text)["who"] == ALICE.who
