"""The charging profiles receiver: what becomes of a PUT, GET or DELETE, at the CPO and at the charger."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from local.car import LimitStep
from local.cpo.charging_profile import Profile, active_profile, limit_steps
from local.cpo.misbehaviour import Answer, Misbehaviour, Result, ResultComes
from local.cpo.peer import CallFailed
from local.cpo.session import ChargingSession
from local.cpo.wire import Json

if TYPE_CHECKING:
    from local.cpo.charge_point_operator import ChargePointOperator


class CallKind(StrEnum):
    SET = "set"
    GET = "get"
    CLEAR = "clear"


@dataclass(slots=True)
class ProfileCall:
    """A call on the charging profiles receiver, and what became of it. `received_at` is real time, `at` simulated."""

    kind: CallKind
    session_id: str
    response_url: str
    at: datetime
    received_at: datetime
    profile: Profile | None = None
    duration_s: int | None = None
    answer: Answer | None = None
    """None: silence, or an HTTP status of its own."""
    result: Result | None = None
    """None: the charger was not asked."""
    result_statuses: list[int | None] = field(default_factory=list)
    """HTTP status for each posting of the result; None: no answer."""
    was_put_in_force: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back on the connection. `http_status` None is silence; `sent` is set once the reply is out."""

    http_status: int | None
    answer: Answer | None = None
    timeout_s: int = 0
    sent: asyncio.Event = field(default_factory=asyncio.Event)


class ProfileReceiver:
    """Answers charging profile calls, and keeps all of them in `calls`."""

    def __init__(self, cpo: ChargePointOperator) -> None:
        self.calls: list[ProfileCall] = []
        self._cpo = cpo
        self._tasks: set[asyncio.Task[None]] = set()
        self._late: list[tuple[datetime, ProfileCall, dict[str, Json], int]] = []
        self._taken_at: dict[str, datetime] = {}

    async def receive(self, call: ProfileCall) -> Reply:
        """Treat a call as the orders say, and return the reply."""
        self.calls.append(call)
        wrong = self._cpo.orders.for_call(call.session_id)
        if wrong.silent:
            return Reply(http_status=None)
        await asyncio.sleep(wrong.slow_s)
        if wrong.http_status is not None:
            return Reply(wrong.http_status)
        session = self._cpo.session(call.session_id)
        call.answer = wrong.answer or self._judge(call, session, wrong)
        if call.answer is not Answer.ACCEPTED:
            return Reply(200, call.answer)
        body = self._ask_charger(call, session, wrong)
        reply = Reply(200, call.answer, self._cpo.settings.profile_timeout_s)
        if wrong.result_comes is ResultComes.BEFORE_ANSWER:
            await self._post_result(call, body, wrong.result_times)
        elif wrong.result_comes is ResultComes.AFTER_ANSWER:
            self._later(self._post_after(reply.sent, call, body, wrong.result_times))
        elif wrong.result_comes is ResultComes.LATE:
            due_at = self._cpo.now + timedelta(seconds=wrong.result_late_by_s)
            self._late.append((due_at, call, body, wrong.result_times))
        if session is not None and call.was_put_in_force and self._is_announced(wrong):
            self._later(self._announce(reply.sent, session))
        return reply

    def _judge(self, call: ProfileCall, session: ChargingSession | None, wrong: Misbehaviour) -> Answer:
        if session is None or not session.is_active:
            return Answer.UNKNOWN_SESSION
        if call.kind is CallKind.SET and self._cpo.pairing.declines(session.visit.evse_uid):
            return Answer.REJECTED
        taken_at = self._taken_at.get(session.visit.session_id)
        too_often_until = taken_at and taken_at + timedelta(seconds=wrong.too_often_within_s)
        if call.kind is CallKind.SET and too_often_until and self._cpo.now < too_often_until:
            return Answer.TOO_OFTEN
        return Answer.ACCEPTED

    def _ask_charger(self, call: ProfileCall, session: ChargingSession | None, wrong: Misbehaviour) -> dict[str, Json]:
        """Put in force what was asked for, where the charger takes it; return the body of the result."""
        nothing_to_clear = call.kind is CallKind.CLEAR and session is not None and not session.limits
        default = Result.UNKNOWN if session is None or nothing_to_clear else Result.ACCEPTED
        call.result = wrong.result or default
        if session is None or call.result is not Result.ACCEPTED:
            return {"result": call.result}
        if call.kind is CallKind.GET:
            shown = active_profile(session.limits, session.car, session.unit, self._cpo.now, call.duration_s)
            return {"result": call.result, "profile": shown}
        call.was_put_in_force = True
        if call.kind is CallKind.CLEAR or call.profile is None:
            session.hold_to((), self._cpo.now)
            return {"result": call.result}
        self._taken_at[session.visit.session_id] = self._cpo.now
        session.unit = call.profile.unit
        limits = limit_steps(call.profile, session.car, session.visit.arrives_at)
        if wrong.overrides_with_a is not None:
            power_w = wrong.overrides_with_a * session.car.phases * session.car.voltage_v
            limits = (LimitStep(self._cpo.now, power_w),)
        session.hold_to(limits, self._cpo.now)
        return {"result": call.result}

    def _is_announced(self, wrong: Misbehaviour) -> bool:
        return self._cpo.settings.announces_active_profile or wrong.overrides_with_a is not None

    async def _post_after(self, sent: asyncio.Event, call: ProfileCall, body: dict[str, Json], times: int) -> None:
        await sent.wait()
        await self._post_result(call, body, times)

    async def _post_result(self, call: ProfileCall, body: dict[str, Json], times: int) -> None:
        for _ in range(times):
            try:
                answer = await self._cpo.offpeak.call("POST", call.response_url, body)
                call.result_statuses.append(answer.http_status)
            except CallFailed:
                call.result_statuses.append(None)

    async def _announce(self, sent: asyncio.Event, session: ChargingSession) -> None:
        await sent.wait()
        try:
            await self._cpo.push_active_profile(session)
        except CallFailed as error:
            self._cpo.offpeak.complaints.append(str(error))

    async def post_late_results(self) -> None:
        """Post the late results that are due by now, and wait until they were taken."""
        due = [each for each in self._late if each[0] <= self._cpo.now]
        self._late = [each for each in self._late if each[0] > self._cpo.now]
        await asyncio.gather(*(self._post_result(call, body, times) for _, call, body, times in due))

    def _later(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settle(self) -> None:
        """Wait until every result and announcement that is on its way was taken; late ones are not on their way."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await self.settle()
