"""A partner of one test, from both sides: the CPO that registered, and what the stack has of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from local.car import Car, Visit
from local.cpo import CpoSimulator, Misbehaviour, Party, Settings
from local.cpo.wire import write_instant
from offpeak.aws.tables import Item
from offpeak.profiles.model import ProfileRequest, RequestState, Standing
from offpeak.sessions.model import KnownSession, SessionKey
from tests.e2e.stage import EVENING, SESSIONS, Answer, Stage


class Partner:
    """One CPO connection from both sides: the simulator, and what the stack has of it."""

    def __init__(self, stage: Stage, partner_id: str, party: Party, settings: Settings) -> None:
        self.stage, self.partner_id, self.party = stage, partner_id, party
        self.cpo = CpoSimulator(start_at=stage.cloud.clock.now(), settings=settings).start()
        self.token_a = self.versions_url = ""

    def invite(self, **settings: Any) -> None:
        invitation = self.command("invite", name=f"CPO {self.partner_id}", parties=[self._party_text], **settings)
        self.token_a, self.versions_url = invitation["token_a"], invitation["versions_url"]
        self.stage.tokens.add(self.token_a)

    def register(self) -> None:
        self.cpo.register(self.versions_url, self.token_a)
        self.stage.tokens |= {self.token_b, self.token_c}

    def join(self) -> Any:
        """Register at this CPO by a token A that it gives us; return how the handshake went."""
        return self._join(self.cpo.versions_url, self.cpo.invite())

    def _join(self, versions_url: str, token_a: str) -> Any:
        self.stage.tokens.add(token_a)
        settings = {"name": f"CPO {self.partner_id}", "parties": [self._party_text]}
        told = self._order("register", versions_url=versions_url, token_a=token_a, settings=settings)
        self.token_a = token_a
        self.stage.tokens |= {self.token_b, self.token_c}
        return told

    def join_again(self) -> Any:
        """Repeat the registration with the token A of the last attempt."""
        return self._join(self.cpo.versions_url, self.token_a)

    def rotate(self) -> Any:
        """Renew the tokens from our side; return how it went."""
        told = self._order("rotate")
        self.stage.tokens |= {self.token_b, self.token_c}
        return told

    def part(self, *, force: bool = False) -> Any:
        """End the connection from our side; return how it went."""
        return self._order("unregister", force=force)

    def change(self, **settings: Any) -> None:
        """Change our settings of this partner."""
        self.command("change", **settings)

    def command(self, action: str, **settings: Any) -> Any:
        """Give an operators' command about this partner."""
        return self._order(action, settings=settings)

    def _order(self, action: str, **details: Any) -> Any:
        order = {"action": action, "partner_id": self.partner_id, **details}
        answer = self.stage.cloud.invoke("ops_partners", order)
        assert "error" not in answer, answer
        return answer

    @property
    def _party_text(self) -> str:
        return f"{self.party.country_code}-{self.party.party_id}"

    @property
    def token_b(self) -> str:
        return self.cpo.token or ""

    @property
    def token_c(self) -> str:
        return self.cpo.offpeak_token or ""

    # -- what the CPO does

    def plug_in(self, *session_ids: str, **car: Any) -> None:
        """Plug cars in now, and return once the PUT of each session was answered.

        A car has 60 kWh, 30 % of it charged, and draws 11 kW, unless `car` says otherwise.
        """
        visits = [
            Visit(each, f"EVSE-{each}"[:36], Car(**{"battery_kwh": 60, "soc": 0.3, **car}), self.cpo.now)
            for each in session_ids
        ]
        self.cpo.plug_in(*visits)
        self.cpo.advance(self.cpo.now)

    def misbehave(self, session_id: str | None = None, **how: Any) -> None:
        self.cpo.misbehave(Misbehaviour(**how), session_id)

    def ask(self, method: str, path: str, body: object = None, **how: Any) -> Answer:
        """Send a request of one's own making, with the partner's token."""
        return self.stage.ask(method, path, self.token_c, body=body, **how)

    def path(self, session_id: str) -> str:
        return f"{SESSIONS}/{self.party.country_code}/{self.party.party_id}/{quote(session_id, safe='')}"

    def put(self, session: Mapping[str, Any]) -> Answer:
        return self.ask("PUT", self.path(session["id"]), session)

    def patch(self, session_id: str, **fields: Any) -> Answer:
        return self.ask("PATCH", self.path(session_id), fields)

    def get(self, session_id: str) -> Answer:
        return self.ask("GET", self.path(session_id))

    def session(self, session_id: str, **fields: Any) -> dict[str, Any]:
        """Return a Session object with every required field, begun now, unless `fields` say otherwise."""
        party = {"country_code": self.party.country_code, "party_id": self.party.party_id}
        card = {**party, "uid": "CARD-1", "type": "RFID", "contract_id": "DE-ABC-C1"}
        session = {
            **party,
            "id": session_id,
            "start_date_time": write_instant(EVENING),
            "kwh": 0,
            "cdr_token": card,
            "auth_method": "WHITELIST",
            "location_id": "LOC-1",
            "evse_uid": f"EVSE-{session_id}"[:36],
            "connector_id": "1",
            "currency": "EUR",
            "charging_periods": [],
            "status": "ACTIVE",
            "last_updated": write_instant(EVENING),
        }
        return {**session, **fields}

    def profile_calls(self, session_id: str, kind: str = "set") -> list[Any]:
        """Return the charging profile calls that this CPO got for a session."""
        return [each for each in self.cpo.log(session_id).profile_calls if each.kind == kind]

    # -- what the stack has

    def key(self, session_id: str) -> SessionKey:
        return SessionKey(self.partner_id, session_id)

    def row(self, session_id: str) -> Item | None:
        """Return the session's row."""
        return self.stage.table("sessions").get({"pk": self.key(session_id).text, "sk": "SESSION"})

    def rows(self, session_id: str) -> list[Item]:
        """Return all rows of a session, its charging periods included."""
        return list(self.stage.table("sessions").query("pk = :pk", {":pk": self.key(session_id).text}))

    def stored(self, session_id: str) -> list[Item]:
        """Return what is stored of a session's messages, without what planning makes of them."""
        told = ("sk", "version", "fields", "dimensions", "stamp", "tariff_id")
        return [{name: row[name] for name in told if name in row} for row in self.rows(session_id)]

    def known(self, session_id: str) -> KnownSession:
        known = self.stage.sessions.known(self.key(session_id))
        assert known is not None, f"{session_id} is not known"
        return known

    def standing(self, session_id: str) -> Standing:
        return self.stage.profiles.standing(self.key(session_id))

    def requests(self, session_id: str) -> list[ProfileRequest]:
        """Return all requests for a session in the order in which they were planned."""
        found = self.stage.profiles.requests_of(self.key(session_id))
        return sorted(found, key=lambda each: min(each.steps.values()))

    def newest(self, session_id: str) -> ProfileRequest:
        """Return the session's newest SET or CLEAR."""
        newest_id = self.standing(session_id).newest_request_id
        request = self.stage.profiles.request(newest_id) if newest_id else None
        assert request is not None, f"nothing was planned for {session_id}"
        return request

    def is_planned(self, session_id: str) -> bool:
        return self.standing(session_id).newest_request_id is not None

    def is_confirmed(self, session_id: str) -> bool:
        return self.is_planned(session_id) and self.newest(session_id).state is RequestState.CHARGER_ACCEPTED

    def gate(self) -> Item:
        """Return the row of what stands between us and this CPO."""
        row = self.stage.table("partners").get({"pk": f"GATE#{self.partner_id}", "sk": "GATE"})
        return row or {"failures": 0, "open_until_s": 0}
