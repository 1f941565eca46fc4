"""When a connection ends, what opened doors beside OCPI's tokens goes too: clients, ApiKeys, our own access."""

from __future__ import annotations

from dataclasses import replace

from offpeak.aws.tables import write_together
from offpeak.oauth.access_store import AccessStore
from offpeak.partners.peer_access_store import PeerAccessStore


def forget_access(partner_id: str, access: AccessStore, peers: PeerAccessStore) -> None:
    """Wipe all access of a partner that was removed, and ours at it. May be repeated. Raises ConcurrentChange."""
    theirs, ours = access.load(partner_id), peers.load(partner_id)
    if theirs.clients or theirs.api_keys:
        access.save(replace(theirs, clients={}, api_keys=()))
    if ours is not None:
        write_together(peers.removing(ours))
