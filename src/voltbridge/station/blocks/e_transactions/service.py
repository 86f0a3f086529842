"""Transactions of a station: who may start and stop them, what restarts and power cuts make of them (2.0.1 block E)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from voltbridge.domain.tokens import IdToken
from voltbridge.domain.transactions import StopReason
from voltbridge.protocol.versions import Version
from voltbridge.station.answers import Answer, Authorization, TransactionAnswer
from voltbridge.station.blocks.c_authorization.service import Authorizer, Verdict
from voltbridge.station.blocks.e_transactions.drivers import Driver
from voltbridge.station.blocks.e_transactions.records import Records, RunningTransaction
from voltbridge.station.blocks.e_transactions.session import EvseSession
from voltbridge.station.blocks.g_availability.service import Availability
from voltbridge.station.blocks.h_reservation.service import Reservations
from voltbridge.station.context import Context
from voltbridge.station.facts import ConnectorState, Fact, TransactionFact
from voltbridge.station.ports import FaultOccurred

__all__ = ["Interruption", "Transactions"]

_FAULT_REASONS: Final = {
    "GroundFailure": StopReason.GROUND_FAULT,
    "OverCurrentFailure": StopReason.OVERCURRENT_FAULT,
    "UnderVoltage": StopReason.POWER_QUALITY,
    "OverVoltage": StopReason.POWER_QUALITY,
}


@dataclass(frozen=True, slots=True)
class Interruption:
    """Why the engine was not running: what becomes of transactions that were."""

    reason: StopReason = StopReason.POWER_LOSS
    resume: bool = False
    """They go on however long it took (a reset of 2.1 that asks for it)."""


class Transactions:
    """All EVSEs of a station."""

    def __init__(
        self, context: Context, authorizer: Authorizer, availability: Availability, reservations: Reservations
    ) -> None:
        self._context = context
        self._authorizer = authorizer
        self._availability = availability
        self._records = Records(context.store)
        self._reservations = reservations
        self.refuses_new: Callable[[int], bool] = lambda evse_id: False
        """Whether something else forbids new transactions there, such as a reset that waits."""
        self.sessions: tuple[EvseSession, ...] = tuple(
            EvseSession(evse_id, context, hardware, availability, self._records)
            for evse_id, hardware in enumerate(context.hardware.evses, 1)
        )
        for name in (
            "SampledDataCtrlr.TxUpdatedInterval",
            "SampledDataCtrlr.TxEndedInterval",
        ):
            context.device_model.on_change(name, lambda _: self._intervals_changed())

    def session(self, evse_id: int) -> EvseSession:
        """An EVSE. Raises LookupError."""
        if not 1 <= evse_id <= len(self.sessions):
            raise LookupError(evse_id)
        return self.sessions[evse_id - 1]

    def find(self, key: str) -> EvseSession | None:
        """Where a transaction runs, by its name in 2.x."""
        return next((each for each in self.sessions if each.transaction and each.transaction.key == key), None)

    def running(self, evse_id: int = 0) -> bool:
        """Whether a transaction runs there; EVSE 0: anywhere."""
        return any(each.transaction is not None for each in self._meant(evse_id))

    # Drivers

    async def present(self, token: IdToken, evse_id: int = 0) -> Verdict | None:
        """Somebody shows a token: it starts or stops charging, or does nothing (C01, E07; 1.6 4.8, 4.10).

        What the token is worth; None when that did not matter, because it ended what it had begun.
        """
        own = [each for each in self._meant(evse_id) if each.driver and self._is_own(each.driver, token)]
        if own:
            own[0].deauthorize("StopAuthorized", StopReason.LOCAL, token)
            return None
        if self._release(token, None, evse_id):
            return None
        verdict = await self._authorizer.authorize(token)
        if not verdict.accepted:
            return verdict
        group = verdict.authorization.group
        if self._authorizer.is_master(group):
            for each in self.sessions:  # whichever reader it was shown to: there is no UI to choose with (C16.FR.02)
                if each.transaction is not None or each.driver is not None:
                    each.deauthorize("StopAuthorized", StopReason.MASTER_PASS, token)
            return verdict
        if self._release(token, group, evse_id):
            return verdict
        shared = [each for each in self._meant(evse_id) if each.driver and self._same(each.driver, token, group)]
        if shared and (evse_id or not self._choose(token, group, verdict, evse_id)):
            shared[0].deauthorize("StopAuthorized", StopReason.LOCAL, token)
            return verdict
        session = self._choose(token, group, verdict, evse_id)
        if session is not None:
            self._begin(session, Driver(token, group))
        return verdict

    def _is_own(self, driver: Driver, token: IdToken) -> bool:
        """Whether this token began what it now ends. What nobody was asked for, anybody may end."""
        if driver.token.type == "NoAuthorization" and not self._context.settings.authorization_enabled:
            return True
        return driver.token.key == token.key

    def _release(self, token: IdToken, group: IdToken | None, evse_id: int) -> bool:
        """Unlock a cable that waits for its owner, and for nothing else (E05.FR.11, E09.FR.03)."""
        for each in self._meant(evse_id):
            if each.holds_cable and each.last_driver is not None and self._same(each.last_driver, token, group):
                each.release()
                return True
        return False

    def _same(self, driver: Driver, token: IdToken, group: IdToken | None) -> bool:
        """Whether a token is the driver's, or of the same group (C09.FR.03)."""
        return driver.token.key == token.key or (
            group is not None and driver.group is not None and driver.group.key == group.key
        )

    def _choose(self, token: IdToken, group: IdToken | None, verdict: Verdict, evse_id: int) -> EvseSession | None:
        """Where this driver may charge: where a cable waits, or else where nothing happens."""
        fit = [
            each
            for each in self._meant(evse_id)
            if each.free and verdict.accepted_at(each.evse_id) and self.may_begin(each, token, group)
        ]
        return next((each for each in fit if each.plugged), fit[0] if fit else None)

    def may_begin(self, session: EvseSession, token: IdToken, group: IdToken | None) -> bool:
        """Whether this driver may begin to charge there now, as far as the EVSE is concerned."""
        settings = self._context.settings
        return (
            session.free
            and not session.holds_cable
            and self._availability.usable(session.evse_id, session.connector_id)
            and not self.refuses_new(session.evse_id)
            and not (settings.disallow_charging_if_queue_full and self._context.outbox.full)
            and self._reservations.allows(session.evse_id, session.connector_id, token, group)
        )

    def _begin(self, session: EvseSession, driver: Driver, trigger: str = "Authorized") -> None:
        if driver.reservation_id is None:
            driver.reservation_id = self._reservations.claim(
                session.evse_id, session.connector_id, driver.token, driver.group
            )
        session.authorize(driver, trigger)
        if driver.reservation_id is not None:
            self._reservations.apply()

    # The CSMS

    def remote_target(
        self, evse_id: int, token: IdToken, group: IdToken | None, connector_id: int = 0
    ) -> EvseSession | None:
        """Where a remote start would begin; None when it cannot (F01.FR.20 to FR.24)."""
        sessions = [each for each in self._meant(evse_id) if self.may_begin(each, token, group)]
        if connector_id:
            sessions = [each for each in sessions if not each.plugged or each.connector_id == connector_id]
        plugged = [each for each in sessions if each.plugged]
        state = self._availability.state
        idle = [each for each in sessions if state(each.evse_id, each.connector_id) is ConnectorState.AVAILABLE]
        return next(iter((*plugged, *idle, *sessions)), None)

    def hindrance(self, evse_id: int = 0) -> str:
        """What a start waits for there that nobody sees from afar, in plain words; empty: nothing of the kind."""
        if any(each.holds_cable for each in self._meant(evse_id)):
            return (
                "the cable of the driver before is still locked in, until he comes for it or the connector is unlocked"
            )
        return ""

    async def remote_start(
        self, session: EvseSession, token: IdToken, group: IdToken | None, remote_start_id: int | None
    ) -> None:
        """Begin for the CSMS, after asking it where that is configured (F01, F02)."""
        if self._context.settings.authorize_remote_start:
            verdict = await self._authorizer.authorize(token)
            group = verdict.authorization.group or group
            if not verdict.accepted_at(session.evse_id) or self._authorizer.is_master(group):
                return
            if not self.may_begin(session, token, group):
                return
        self._begin(session, Driver(token, group, remote_start_id), "RemoteStart")

    def remote_stop(self, key: str) -> Callable[[], None] | None:
        """What ends this transaction for the CSMS; None when it does not run (F03.FR.07, FR.08)."""
        session = self.find(key)
        if session is None:
            return None
        return lambda: session.deauthorize("RemoteStop", StopReason.REMOTE)

    def cost_told(self, key: str, cost: float) -> None:
        """The CSMS says what a transaction has cost so far (2.1 E16.FR.15)."""
        session = self.find(key)
        if session is not None:
            session.cost_told(cost)

    def answered(self, fact: Fact, answer: Answer | None) -> None:
        """An answer to what was told of a transaction: does the CSMS accept the token (E05)?"""
        if not isinstance(fact, TransactionFact) or not isinstance(answer, TransactionAnswer):
            return
        session = self.find(fact.key)
        if session is not None and answer.charging_priority is not None and session.transaction is not None:
            session.transaction.priority = answer.charging_priority
        if session is not None and answer.total_cost is not None:
            session.cost_told(answer.total_cost)
        if session is not None and answer.extra is not None and "transactionLimit" in answer.extra:
            session.limit(answer.extra["transactionLimit"])
        if answer.authorization is None or fact.id_token is None:
            return
        contradicted = self._authorizer.is_contradicted(fact.id_token, answer.authorization)
        if contradicted and self._context.version is Version.V16:
            self._availability.inform(0, "", error_code="LocalListConflict")  # 1.6 3.5.2
        self._authorizer.learned(fact.id_token, answer.authorization)
        if session is not None and session.driver is not None and session.driver.token.key == fact.id_token.key:
            self._judge(session, answer.authorization)

    def _judge(self, session: EvseSession, authorization: Authorization) -> None:
        session.answered(authorization)

    # Ends

    async def end_all(self, reason: StopReason, trigger: str, evse_id: int = 0) -> None:
        """End what runs there; returns when contactors are open and the ends are on disk, if the disk takes them."""
        sessions = self._meant(evse_id)
        for each in sessions:
            if each.transaction is not None or each.driver is not None:
                each.end(reason, trigger)
        await asyncio.gather(*(each.ended() for each in sessions))
        try:
            await self._context.store.committed()
        except OSError as error:  # what was to follow, a restart, may be what helps
            log = structlog.get_logger("voltbridge.station").bind(station=self._context.configuration.identity)
            log.error("the disk does not take the ends of transactions", error=str(error))

    async def end_for_unlock(self, evse_id: int) -> None:
        """1.6: unlocking ends the transaction first (5.18)."""
        session = self.session(evse_id)
        session.end(StopReason.UNLOCK_COMMAND, "UnlockCommand")
        await session.ended()

    def when_idle(self, evse_id: int, callback: Callable[[], None]) -> None:
        """Call once no transaction runs there."""

        def look() -> None:
            if self.running(evse_id):
                self.when_idle(evse_id, callback)
            else:
                callback()

        busy = next((each for each in self._meant(evse_id) if each.transaction is not None), None)
        if busy is None:
            callback()
        else:
            busy.when_idle(look)

    def begin_anew(self, evse_id: int) -> None:
        """Look at the hardware of this EVSE as after a start (B11.FR.08)."""
        connector_id = self._context.hardware.evses[evse_id - 1].plugged_connector()
        if connector_id is not None:
            self.session(evse_id).found(connector_id)

    def fault(self, fault: FaultOccurred) -> None:
        """Something broke: what runs there ends."""
        reason = _FAULT_REASONS.get(fault.code, StopReason.OTHER)
        for each in self._meant(fault.evse_id):
            each.fault(reason)

    def fault_cleared(self, evse_id: int) -> None:
        """Something works again."""
        for each in self._meant(evse_id):
            each.fault_cleared()

    # Restarts

    def restore(self, interruption: Interruption) -> None:
        """After a start: transactions go on or end, and cables that are in are noticed."""
        known = {transaction.evse_id: transaction for transaction in self._records.running()}
        for session, hardware in zip(self.sessions, self._context.hardware.evses, strict=True):
            plugged = hardware.plugged_connector()
            transaction = known.get(session.evse_id)
            if transaction is not None:
                if self._goes_on(transaction, interruption):
                    session.resume(transaction, plugged=plugged == transaction.connector_id)
                    continue
                session.finish_interrupted(transaction, interruption.reason)
            if plugged is not None:
                session.found(plugged)
        for transaction in known.values():
            if not 1 <= transaction.evse_id <= len(self.sessions):
                self._records.forget(transaction.key)

    def _goes_on(self, transaction: RunningTransaction, interruption: Interruption) -> bool:
        """E17: the interruption was short enough, or planned. Whether the vehicle is still there is seen later."""
        if interruption.resume:
            return True
        timeout_s = self._context.settings.resumption_timeout_s
        since = max(transaction.updated_at, self._records.interrupted_at() or transaction.updated_at)
        past = self._context.clock.now() - since
        return past <= timedelta(seconds=timeout_s) and timeout_s > 0

    def look_again(self) -> None:
        """The CSMS has accepted the station: what could not start before may start now."""
        for each in self.sessions:
            each.look_again()

    def interrupted(self) -> None:
        """The power is going, or the station restarts: from now on counts how long it lasts (2.1 E17.FR.02)."""
        if self.running():
            self._records.alive(self._context.clock.now())
        self.stop()

    def stop(self) -> None:
        """The engine stops; transactions stay on disk as they are."""
        for each in self.sessions:
            each.stop_timers()

    def _intervals_changed(self) -> None:
        for each in self.sessions:
            each.course.intervals_changed()

    def _meant(self, evse_id: int) -> Iterable[EvseSession]:
        if evse_id == 0:
            return self.sessions
        return self.sessions[evse_id - 1 : evse_id]
