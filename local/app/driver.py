"""The one driver of the example app: his ids at Offpeak, and all that the page shows of him."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from local.app.offpeak import Offpeak, Refused
from local.webhook_receiver import WebhookReceiver

ZONE, TIME_ZONE = "DE-LU", "Europe/Berlin"
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
EVENTS_SHOWN = 30
SETTINGS_FROM_THE_START = {
    "departures": dict.fromkeys(WEEKDAYS, "07:00"),
    "desired_level": 0.8,
    "battery_kwh": 60,
}


@dataclass
class Driver:
    """What is None has not happened yet. `url` is where this app is served."""

    offpeak: Offpeak
    receiver: WebhookReceiver
    url: str
    cpo_url: str
    price_feed_url: str
    evse_uid: str
    user_id: str | None = None
    location_id: str | None = None
    connect_session_id: str | None = None
    charger_id: str | None = None
    webhook_id: str | None = None
    _http: httpx.AsyncClient = field(default_factory=lambda: httpx.AsyncClient(timeout=20, trust_env=False))
    _plugged_in: set[str] = field(default_factory=set)
    _prices: tuple[datetime, list[Any]] | None = None
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def connect(self) -> dict[str, str]:
        """Begin to connect a charger; return the page to open. Makes user, location and webhook where they lack."""
        async with self._one_at_a_time:
            if self.webhook_id is None:
                made = await self.offpeak.post("/v1/webhooks", {"url": f"{self.url}/hooks/offpeak"})
                self.webhook_id, self.receiver.secrets[:] = made["webhook_id"], [made["secret"]]
            if self.user_id is None:
                self.user_id = (await self.offpeak.post("/v1/users"))["user_id"]
            if self.location_id is None:
                home = {"name": "Home", "time_zone": TIME_ZONE, "bidding_zone": ZONE}
                self.location_id = (await self.offpeak.post(f"{self._user}/locations", home))["location_id"]
            wanted = {"location_id": self.location_id, "redirect_url": f"{self.url}/paired"}
            begun = await self.offpeak.post(f"{self._user}/chargers/connect-sessions", wanted)
            self.connect_session_id = begun["connect_session_id"]
        return {"start_url": begun["start_url"]}

    async def plug_in(self, soc: float) -> dict[str, Any]:
        """Plug a car into the paired charger, as a person would."""
        car = {"evse_uid": self.evse_uid, "soc": soc, "target_soc": 0.8, "battery_kwh": 60}
        return await self._order("plug-in", car)

    async def unplug(self) -> dict[str, Any]:
        session = self._open_session(await self._cpo_state())
        return await self._order("unplug", {"session_id": session["session_id"]}) if session else {}

    async def depart_at(self, local_time: str) -> Any:
        """Leave at this time on every day."""
        return await self.offpeak.change(
            f"{self._charger}/settings", {"departures": dict.fromkeys(WEEKDAYS, local_time)}
        )

    async def boost(self, *, on: bool) -> None:
        if on:
            await self.offpeak.post(f"{self._charger}/boost", {"minutes": 60})
        else:
            await self.offpeak.delete(f"{self._charger}/boost")

    async def unpair(self) -> None:
        await self.offpeak.delete(self._charger)
        self.charger_id = self.connect_session_id = None

    async def shown(self, code: str) -> dict[str, Any]:
        """Return all that the page shows."""
        connect = await self._connect_session()
        charger, cpo = await asyncio.gather(self._charger_shown(), self._cpo_state())
        now = datetime.fromisoformat(cpo["now"])
        session = await self._session(charger)
        car = self._open_session(cpo)
        return {
            "now": _written(now),
            "code": code,
            "connect": connect,
            "charger": charger,
            "settings": await self.offpeak.get(f"{self._charger}/settings") if charger else None,
            "session": session,
            "car": car,
            "drawn": await self._drawn(session),
            "prices": await self._market(now),
            "events": [
                {
                    "at": each.body["occurred_at"],
                    "type": each.body["type"],
                    "sequence": each.body["sequence"],
                    "is_genuine": each.is_genuine,
                    "delivery_id": each.delivery_id,
                }
                for each in reversed(self.receiver.received[-EVENTS_SHOWN:])
            ],
        }

    async def _connect_session(self) -> dict[str, Any] | None:
        if self.connect_session_id is None:
            return None
        path = f"{self._user}/chargers/connect-sessions/{self.connect_session_id}"
        connect: dict[str, Any] = await self.offpeak.get(path)
        if connect["charger_id"] and self.charger_id is None:
            self.charger_id = connect["charger_id"]
            await self.offpeak.change(f"{self._charger}/settings", SETTINGS_FROM_THE_START)
        return connect

    async def _charger_shown(self) -> dict[str, Any] | None:
        if self.charger_id is None:
            return None
        try:
            charger: dict[str, Any] = await self.offpeak.get(self._charger)
        except Refused as error:
            if error.http_status != httpx.codes.NOT_FOUND:
                raise
            self.charger_id = self.connect_session_id = None  # the CPO has un-paired it
            return None
        return charger

    async def _session(self, charger: dict[str, Any] | None) -> dict[str, Any] | None:
        if charger is None or charger["session_id"] is None:
            return None
        session: dict[str, Any] = await self.offpeak.get(f"{self._charger}/sessions/{charger['session_id']}")
        return session

    async def _drawn(self, session: dict[str, Any] | None) -> list[dict[str, Any]]:
        """What the car drew, as the charger's own meter would show it: from the simulator."""
        if session is None:
            return []
        answer = await self._http.get(f"{self.cpo_url}/_control/sessions/{session['session_id']}")
        if answer.is_error:
            return []
        return [
            {"start_at": each["start_at"], "end_at": each["end_at"], "power_w": each["last_power_w"]}
            for each in answer.json()["log"]["drawn"]
        ]

    async def _market(self, now: datetime) -> list[dict[str, Any]]:
        """Day-ahead prices from yesterday on, in EUR/kWh, asked for every quarter of an hour."""
        if self._prices and now - self._prices[0] < timedelta(minutes=15):
            return self._prices[1]
        days = {
            "bzn": ZONE,
            "start": f"{now - timedelta(days=1):%Y-%m-%d}",
            "end": f"{now + timedelta(days=2):%Y-%m-%d}",
        }
        answer = await self._http.get(f"{self.price_feed_url}/price", params=days)
        if answer.is_error:
            return self._prices[1] if self._prices else []
        told = answer.json()
        prices = [
            {"at": _written(datetime.fromtimestamp(at, UTC)), "eur_per_kwh": price / 1000}
            for at, price in zip(told["unix_seconds"], told["price"], strict=True)
            if price is not None
        ]
        self._prices = now, prices
        return prices

    async def _cpo_state(self) -> dict[str, Any]:
        state: dict[str, Any] = (await self._http.get(f"{self.cpo_url}/_control/state")).json()
        return state

    def _open_session(self, cpo: dict[str, Any]) -> dict[str, Any] | None:
        """The simulator's session at our EVSE: the newest that this app began and that goes on."""
        open_ones = [
            each for each in cpo["sessions"] if each["status"] == "ACTIVE" and each["session_id"] in self._plugged_in
        ]
        return open_ones[-1] if open_ones else None

    async def _order(self, what: str, order: dict[str, Any]) -> dict[str, Any]:
        answer = await self._http.post(f"{self.cpo_url}/_control/{what}", json=order)
        if answer.is_error:
            raise Refused(answer.status_code, answer.text)
        done: dict[str, Any] = answer.json()
        if "session_id" in done:
            self._plugged_in.add(done["session_id"])
        return done

    @property
    def _user(self) -> str:
        return f"/v1/users/{self.user_id}"

    @property
    def _charger(self) -> str:
        if self.charger_id is None:
            raise Refused(409, "no charger is paired yet")
        return f"{self._user}/chargers/{self.charger_id}"


def _written(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
