"""The CPO's connection with Offpeak: the tokens of both sides, the handshake that exchanges them, and calls."""

from __future__ import annotations

from collections.abc import Sequence

import httpx

from local.cpo import handshake
from local.cpo.peer import Answered, CallFailed, Registration, call
from local.cpo.wire import Json, Party, new_token, tokens_in


class OffpeakConnection:
    """What a CPO at `base_url` knows of Offpeak. At most `most_at_once` calls are in flight.

    `versions` are those of OCPI that the CPO speaks; it may learn others meanwhile.
    """

    def __init__(
        self,
        base_url: str,
        party: Party,
        name: str,
        *,
        raw_token: bool,
        most_at_once: int,
        versions: Sequence[str],
    ) -> None:
        self.base_url = base_url
        self.registration: Registration | None = None
        self.access: tuple[str, str] | None = None
        """An access token and ApiKey that are shown to functional modules instead of the OCPI token."""
        self.complaints: list[str] = []
        """What Offpeak did against the specification, as far as it shows from here."""
        self._party, self._name, self._raw_token = party, name, raw_token
        self.versions = versions
        self._our_tokens: list[str] = []
        self._invitation: str | None = None
        self._unconfirmed_token: str | None = None
        self._client = httpx.AsyncClient(
            limits=httpx.Limits(max_connections=most_at_once), follow_redirects=False, trust_env=False
        )

    @property
    def versions_url(self) -> str:
        return f"{self.base_url}/ocpi/versions"

    @property
    def token(self) -> str | None:
        """The newest token with which Offpeak may call us (token B)."""
        return self._our_tokens[-1] if self._our_tokens else None

    def lets_in(self, authorization: str | None) -> bool:
        """Say whether a caller presents a token of ours. The first use of a renewed one voids its predecessors."""
        readings = tokens_in(authorization)
        known = [token for token in self._our_tokens if token in readings]
        if known and known[0] == self._our_tokens[-1] != self._unconfirmed_token:
            self._our_tokens = known
        return bool(known)

    def invite(self) -> str:
        """Make a token A for Offpeak to register with; one that was given out before is void."""
        if self._invitation in self._our_tokens:
            self._our_tokens.remove(self._invitation)
        self._invitation = new_token()
        self._our_tokens.insert(0, self._invitation)
        return self._invitation

    def is_invitation(self, authorization: str | None) -> bool:
        """Say whether a caller presents the token A, which is good for versions and credentials only."""
        return self._invitation is not None and self._invitation in tokens_in(authorization)

    def credentials(self, token: str) -> dict[str, Json]:
        """Return our Credentials object with `token`."""
        party = self._party
        return {
            "token": token,
            "url": self.versions_url,
            "roles": [
                {
                    "role": "CPO",
                    "country_code": party.country_code,
                    "party_id": party.party_id,
                    "business_details": {"name": self._name},
                }
            ],
        }

    async def register(self, versions_url: str, token_a: str) -> None:
        """Register with Offpeak by the token it gave us. Raises RegistrationFailed, and is then as before."""
        await self._shake_hands("POST", versions_url, token_a)

    async def renew_credentials(self) -> None:
        """Exchange both tokens for new ones. Raises RegistrationFailed, and is then as before."""
        known = self.registered()
        await self._shake_hands("PUT", known.versions_url, known.token)

    async def _shake_hands(self, method: str, versions_url: str, token: str) -> None:
        ours = self._unconfirmed_token = new_token()
        self._our_tokens.append(ours)  # Offpeak calls back with it before it answers
        try:
            self.registration = await handshake.register(
                self._client,
                method,
                versions_url,
                token,
                self.credentials(ours),
                raw_token=self._raw_token,
                versions=self.versions,
            )
        except BaseException:
            self._our_tokens.remove(ours)
            raise
        finally:
            self._unconfirmed_token = None

    async def accept(self, theirs: handshake.CredentialsObject, version: str) -> dict[str, Json]:
        """Take Offpeak's credentials, given in `version`, and return ours, with a new token. Raises RegistrationFailed,
        and is then as before."""
        self.registration = handshake.registration(theirs, await self.call_back(theirs, version))
        self._our_tokens.append(new_token())
        return self.credentials(self._our_tokens[-1])

    async def call_back(self, theirs: handshake.CredentialsObject, version: str) -> handshake.VersionDetailsObject:
        """Learn Offpeak's interfaces with the token that it gives us. Raises RegistrationFailed."""
        return await handshake.learn_details(
            self._client, theirs.url, theirs.token, raw_token=self._raw_token, versions=[version]
        )

    def void_old_tokens(self) -> None:
        """Let Offpeak in by the newest token only, though it may not know it yet."""
        self._our_tokens = self._our_tokens[-1:]

    async def unregister(self) -> None:
        """DELETE our credentials at Offpeak, and forget all tokens. Raises CallFailed."""
        known = self.registered()
        answer = await call(self._client, "DELETE", known.url("credentials"), known.token, raw_token=self._raw_token)
        if not answer.is_fine:
            raise CallFailed(f"DELETE credentials: HTTP {answer.http_status}: {answer.message}")
        self.forget_registration()

    def forget_registration(self) -> None:
        self.registration = self._invitation = None
        self._our_tokens.clear()

    def registered(self) -> Registration:
        """Return the registration. Raises CallFailed where there is none."""
        if self.registration is None:
            raise CallFailed("not registered with Offpeak")
        return self.registration

    async def call(self, method: str, url: str, body: dict[str, Json]) -> Answered:
        """Call a functional module of Offpeak, as registered. Raises CallFailed."""
        known = self.registered()
        answer = await call(
            self._client,
            method,
            url,
            known.token,
            raw_token=self._raw_token,
            access=self.access,
            body=body,
            sender=self._party,
            receiver=known.party,
        )
        self.complaints += answer.complaints
        return answer

    async def close(self) -> None:
        await self._client.aclose()
