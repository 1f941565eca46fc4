"""What operators do to partners, each change with its entry in the audit trail or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from offpeak.aws.tables import Put, Table
from offpeak.aws.usage_plans import UsageKey
from offpeak.errors import AlreadyExists, ConcurrentChange, InvalidMessage, OutOfDate, UnknownObject
from offpeak.oauth.access_store import AccessStore
from offpeak.oauth.clients import credential
from offpeak.ocpi.fields import read_object
from offpeak.partners.administer import Administration
from offpeak.partners.audit import Action, Actor
from offpeak.partners.forget import forget_access
from offpeak.partners.model import Endpoint, Partner, PartnerStatus, Party
from offpeak.partners.peer_access_store import PeerAccessStore
from offpeak.partners.settings import Change
from offpeak.partners.store import PartnerStore, TokenKind, Tokens, digest
from offpeak.partners.trail import AuditTrail
from tests.conftest import MakeTable
from tests.partners.builders import HandedOutKeys, a_partner, tokens_in_order

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
ALICE = Actor("arn:aws:iam::111122223333:user/alice", "api")
AGREED = read_object(Change, {"name": "Acme", "parties": ["NL-ACM"], "flags": {"strict": True}})
STRICT = read_object(Change, {"flags": {"strict": True}})


@dataclass
class Office:
    """An operators' office: their tables, keys, and whose sessions were to be planned anew."""

    partners: Table
    audit: Table
    keys: HandedOutKeys = field(default_factory=HandedOutKeys)
    planned: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = PartnerStore(self.partners)
        self.trail = AuditTrail(self.audit, self.partners)
        self.access = AccessStore(self.partners)
        self.by = Administration(
            self.store,
            self.trail,
            self.keys,
            tokens_in_order(),
            self.planned.append,
            lambda partner_id: forget_access(partner_id, self.access, PeerAccessStore(self.partners)),
            real_now=lambda: NOW,
        )

    def registered(self, partner_id: str = "acme") -> Partner:
        """A partner that registered, whose token C is "token-c-of-" and its id."""
        self.by.invite(partner_id, AGREED, ALICE)
        partner = self.by.known(partner_id)
        endpoints = (Endpoint("chargingprofiles", "RECEIVER", "https://cpo.example/cp"),)
        return self.store.save_credentials(
            replace(partner, status=PartnerStatus.REGISTERED, endpoints=endpoints),
            Tokens(current=digest(f"token-c-of-{partner_id}")),
        )

    def told(self, partner_id: str = "acme") -> list[Action]:
        """The actions of a partner's trail, oldest first; the trail has to be whole."""
        assert self.trail.verify(partner_id).problems == ()
        return [each.action for each in reversed(self.trail.entries(partner_id, limit=100))]


@pytest.fixture
def office(make_table: MakeTable) -> Office:
    return Office(make_table("partners"), make_table("audit"))


def test_an_invited_partner_has_what_was_agreed_and_a_token_a(office: Office) -> None:
    """C1, C5"""
    invitation = office.by.invite("acme", AGREED, ALICE)
    found = office.store.by_token(invitation.token)
    assert found is not None
    assert found.kind is TokenKind.INVITATION
    assert found.partner.status is PartnerStatus.INVITED
    assert found.partner.parties == (Party("NL", "ACM"),)
    assert found.partner.flags.strict
    assert (found.partner.usage_key, found.partner.usage_key_id) == ("key-of-acme", "id-of-acme")
    [entry] = office.trail.entries("acme", limit=10)
    assert (entry.action, entry.actor, entry.at) == (Action.INVITED, ALICE, NOW)
    assert invitation.token not in entry.text
    assert "key-of-acme" not in entry.text


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        (Change(), "settings.name"),
        (Change(name="Acme"), "settings.parties"),
        (Change(parties=["NL-ACM"]), "settings.name"),
    ],
)
def test_a_new_partner_needs_a_name_and_parties(office: Office, change: Change, missing: str) -> None:
    """C5"""
    with pytest.raises(InvalidMessage) as refused:
        office.by.invite("acme", change, ALICE)
    assert refused.value.field == missing
    assert office.store.load("acme") is None
    assert office.keys.made_for == []
    assert office.trail.entries("acme", limit=10) == []


def test_inviting_again_needs_no_words_and_ends_the_token_before(office: Office) -> None:
    """C1"""
    first = office.by.invite("acme", AGREED, ALICE)
    second = office.by.invite("acme", Change(), ALICE)
    assert office.store.by_token(first.token) is None
    assert office.store.by_token(second.token) is not None
    assert second.partner.parties == first.partner.parties
    assert office.keys.made_for == ["acme"]
    assert office.told() == [Action.INVITED, Action.INVITED]


def test_what_is_to_be_new_may_not_be_there_already(office: Office) -> None:
    office.by.invite("acme", AGREED, ALICE, is_new=True)
    with pytest.raises(AlreadyExists):
        office.by.invite("acme", AGREED, ALICE, is_new=True)
    assert office.told() == [Action.INVITED]


def test_a_change_is_told_and_running_sessions_are_planned_by_it(office: Office) -> None:
    office.registered()
    change = read_object(Change, {"flags": {"rate_unit": "A"}, "planning": {"need_kwh": 20.5}})
    office.by.change("acme", change, ALICE)
    assert office.planned == ["acme"]
    newest = office.trail.entries("acme", limit=1)[0]
    assert [(each.name, each.before, each.after) for each in newest.changes] == [
        ("flags.rate_unit", None, "A"),
        ("planning.need_kwh", 30, 20.5),
    ]


def test_a_change_that_changes_nothing_is_not_told(office: Office) -> None:
    before = office.registered()
    assert office.by.change("acme", STRICT, ALICE) == before
    assert office.told() == [Action.INVITED]


def test_a_change_of_what_has_changed_since_it_was_seen_is_refused(office: Office) -> None:
    seen = office.registered().revision
    saved = office.by.change("acme", read_object(Change, {"name": "Acme B.V."}), ALICE, seen=seen)
    with pytest.raises(OutOfDate, match=f"revision {saved.revision}"):
        office.by.change("acme", read_object(Change, {"name": "Acme N.V."}), ALICE, seen=seen)
    assert office.by.known("acme").name == "Acme B.V."


def test_a_suspended_partner_has_no_connection_until_it_is_resumed(office: Office) -> None:
    office.registered()
    suspended = office.by.suspend("acme", ALICE, note="sends rubbish")
    assert (suspended.status, suspended.suspended_at, suspended.is_registered) == (PartnerStatus.REGISTERED, NOW, False)
    assert office.planned == []
    assert office.store.by_token("token-c-of-acme") is not None, "its tokens are kept"
    assert office.trail.entries("acme", limit=1)[0].note == "sends rubbish"

    assert office.by.resume("acme", ALICE).is_registered
    assert office.planned == ["acme"]
    assert office.told() == [Action.INVITED, Action.SUSPENDED, Action.RESUMED]


def test_to_suspend_twice_keeps_the_first_time_and_is_told_once(office: Office) -> None:
    office.registered()
    first = office.by.suspend("acme", ALICE)
    later = replace(office.by, real_now=lambda: NOW + timedelta(days=1))
    assert later.suspend("acme", ALICE) == first
    assert office.told() == [Action.INVITED, Action.SUSPENDED]


def test_a_suspended_partner_is_not_invited(office: Office) -> None:
    office.registered()
    office.by.suspend("acme", ALICE)
    with pytest.raises(InvalidMessage, match="resume the partner first"):
        office.by.invite("acme", Change(), ALICE)


def test_a_removed_partner_has_no_tokens_and_stays_for_audit(office: Office) -> None:
    office.registered()
    invitation = office.by.invite("acme", Change(), ALICE)
    removed = office.by.remove("acme", ALICE)
    assert (removed.status, removed.endpoints) == (PartnerStatus.REMOVED, ())
    assert [office.store.by_token(each) for each in ("token-c-of-acme", invitation.token)] == [None, None]
    assert office.store.tokens("acme") == Tokens()
    with pytest.raises(InvalidMessage, match="nobody to suspend"):
        office.by.suspend("acme", ALICE)
    assert office.by.remove("acme", ALICE) == removed, "to remove twice changes nothing"
    assert office.by.invite("acme", Change(), ALICE).partner.status is PartnerStatus.INVITED
    assert office.told() == [Action.INVITED, Action.INVITED, Action.REMOVED, Action.INVITED]


def test_a_removed_partner_that_is_invited_again_has_none_of_its_old_keys(office: Office) -> None:
    office.registered()
    office.access.save(office.access.load("acme").with_api_key(credential("an-api-key", NOW), old_ends_at=NOW))
    office.by.remove("acme", ALICE)
    office.by.invite("acme", Change(), ALICE)
    assert office.access.load("acme").api_keys == ()


@pytest.mark.parametrize(
    "act",
    [
        lambda by: by.change("nobody", STRICT, ALICE),
        lambda by: by.suspend("nobody", ALICE),
        lambda by: by.resume("nobody", ALICE),
        lambda by: by.remove("nobody", ALICE),
        lambda by: by.known("nobody"),
    ],
    ids=["change", "suspend", "resume", "remove", "look at"],
)
def test_a_partner_that_does_not_exist_is_not_made_by_the_way(
    office: Office, act: Callable[[Administration], Partner]
) -> None:
    with pytest.raises(UnknownObject):
        act(office.by)
    assert office.store.load("nobody") is None
    with pytest.raises(UnknownObject):
        office.trail.verify("nobody")


def test_a_change_without_its_entry_is_not_made(office: Office) -> None:
    """Somebody put a row into the place of the next entry: no change gets past it."""
    office.registered()
    office.audit.write(Put({"pk": "acme", "sk": "00000002", "entry": "{}", "hash": "forged"}))
    with pytest.raises(ConcurrentChange):
        office.by.change("acme", read_object(Change, {"name": "Acme B.V."}), ALICE)
    assert office.by.known("acme").name == "Acme"
    assert office.trail.verify("acme").problems != ()


def test_an_entry_without_its_change_is_not_written(office: Office) -> None:
    """Another change comes between reading and writing, every time."""
    office.registered()

    def interfere() -> datetime:
        office.store.save(office.by.known("acme"))
        return NOW

    with pytest.raises(ConcurrentChange):
        replace(office.by, real_now=interfere).change("acme", read_object(Change, {"name": "B"}), ALICE)
    assert office.told() == [Action.INVITED]


def test_a_change_that_meets_another_is_made_after_it(office: Office) -> None:
    office.registered()
    met = [False]

    def interfere_once() -> datetime:
        if not met[0]:
            met[0] = True
            office.by.change("acme", read_object(Change, {"flags": {"raw_token": True}}), ALICE)
        return NOW

    changed = replace(office.by, real_now=interfere_once).change("acme", read_object(Change, {"name": "B"}), ALICE)
    assert (changed.name, changed.flags.raw_token) == ("B", True)
    assert office.told() == [Action.INVITED, Action.CHANGED, Action.CHANGED]


def test_the_trail_is_read_newest_first_in_pages(office: Office) -> None:
    office.registered()
    for name in ("A", "B", "C"):
        office.by.change("acme", read_object(Change, {"name": name}), ALICE)
    office.by.invite("acme-2", AGREED, ALICE)
    first = office.trail.entries("acme", limit=2)
    second = office.trail.entries("acme", before=first[-1].number, limit=2)
    assert [each.number for each in first + second] == [4, 3, 2, 1]
    assert office.trail.entries("acme", before=1, limit=2) == []


def test_every_partners_key_goes_into_a_new_usage_plan(office: Office) -> None:
    office.registered()
    office.registered("other")
    office.store.save(a_partner("without-a-key"))
    office.keys.gone = {"other"}
    assert sorted(office.by.restore_keys()) == ["acme", "other"]
    assert UsageKey("id-of-acme", "key-of-acme") in office.keys.restored
    assert office.by.known("acme").usage_key_id == "id-of-acme"
    other = office.by.known("other")
    assert (other.usage_key_id, other.usage_key) == ("new-id-of-other", "key-of-other")
