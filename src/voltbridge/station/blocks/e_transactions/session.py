"""One EVSE: what drivers and vehicles do there, the contactor, and the transaction that comes of it.

Everything that happens changes the situation and then ``_settle`` looks at it once: does a transaction start, end or
go on differently, what is the connector's state, should the contactor be closed. The hardware's own work is done by one
task at a time (``supply``), which settles again when it has changed something. What a transaction tells: ``course``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

from voltbridge.domain.tokens import IdToken
from voltbridge.domain.transactions import StopReason
from voltbridge.station.answers import Authorization, Registration
from voltbridge.station.blocks.e_transactions.allowance import Allowance
from voltbridge.station.blocks.e_transactions.course import Course
from voltbridge.station.blocks.e_transactions.drivers import Driver
from voltbridge.station.blocks.e_transactions.points import (
    Situation,
    charging_state,
    connector_state,
    met,
    start_points,
    stop_points,
)
from voltbridge.station.blocks.e_transactions.records import Records, RunningTransaction
from voltbridge.station.blocks.e_transactions.supply import Supply
from voltbridge.station.blocks.g_availability.service import Availability
from voltbridge.station.context import Context
from voltbridge.station.countdown import Countdown
from voltbridge.station.facts import ConnectorState
from voltbridge.station.ports import CarState, EvseHardware, FaultCleared, FaultOccurred, Offer, UnlockResult

__all__ = ["EvseSession"]

_BEGUN: Final = frozenset({ConnectorState.CHARGING, ConnectorState.SUSPENDED_EV, ConnectorState.SUSPENDED_EVSE})


class EvseSession:
    """One EVSE of the station."""

    def __init__(
        self, evse_id: int, context: Context, hardware: EvseHardware, availability: Availability, records: Records
    ) -> None:
        self.evse_id = evse_id
        self._context = context
        self._hardware = hardware
        self._availability = availability
        self.connector_id = 1
        self.plugged = False
        self.parked: bool | None = None
        self.car = CarState.A
        self.driver: Driver | None = None
        self.last_driver: Driver | None = None
        """Whose cable may still be locked in (E05.FR.11)."""
        self.cable_max_a: int | None = None
        self._lock_wanted = False
        self._own_faults: set[str] = set()
        """Failures of contactor and lock, which another vehicle may not meet."""
        self._ended_here = False
        evse = context.configuration.evses[evse_id - 1]
        self._supply = Supply(f"evse {evse_id}", context, hardware, self, Offer(evse.max_current_a, evse.phases))
        self.course = Course(evse_id, context, hardware, records, self)
        """The transaction's."""
        self._allowance = Allowance(context, hardware, records, self)
        self._ending: tuple[StopReason, str, IdToken | None] | None = None
        self.fresh = False
        """A vehicle or a driver has just come."""
        self._plug_countdown = Countdown(context.clock, self._nobody_came)
        self._idle_listeners: list[Callable[[], None]] = []
        self.on_settled: Callable[[], None] = lambda: None  # the offer may have to change

    # The situation

    @property
    def transaction(self) -> RunningTransaction | None:
        """The one that runs here."""
        return self.course.transaction

    @property
    def situation(self) -> Situation:
        """What is the case now."""
        return Situation(
            plugged=self.plugged,
            parked=self.parked,
            authorized=self.driver is not None,
            car=self.car,
            contactor_closed=self._supply.closed,
            allowed=self._allowed,
            signing=self._context.settings.sign_sampled and any(each.signed for each in self._hardware.read()),
        )

    @property
    def _allowed(self) -> bool:
        return (
            not self._allowance.exhausted
            and (self._supply.offer.current_a > 0 or self._supply.offer.discharge_power_w > 0)
            and not self._availability.faulted(self.evse_id, self.connector_id)
        )

    @property
    def demands(self) -> bool:
        """Energy would flow here if it were offered."""
        asks = self.plugged and self.driver is not None and self.car.asks and self._ending is None
        return (
            asks and not self._allowance.exhausted and not self._availability.faulted(self.evse_id, self.connector_id)
        )

    @property
    def free(self) -> bool:
        """Nobody is authorized here and no transaction ends just now."""
        return self.driver is None and self._ending is None

    @property
    def holds_cable(self) -> bool:
        """A cable is locked in although nobody charges: no transaction runs, or one that goes on without its driver."""
        return self._supply.locked and self.free and (not self.transaction or self.transaction.authorization_ended)

    @property
    def offer(self) -> Offer:
        """What the vehicle may take."""
        return self._supply.offer

    # What happens

    def plug(self, connector_id: int, cable_max_a: int | None) -> None:
        """A cable is in. One more at another connector of the EVSE waits until this one is gone (E01.FR.14)."""
        if self.plugged and connector_id != self.connector_id:
            return
        self.connector_id = connector_id
        self.plugged = True
        self.cable_max_a = cable_max_a
        self.car = self._hardware.car_state()
        if self.car is CarState.A:
            self.car = CarState.B
        self._plug_countdown.stop()
        if not self._context.settings.authorization_enabled and self.free:
            # Whoever comes may charge (C02); the driver is told as nobody in particular.
            self.authorize(Driver(IdToken("", "NoAuthorization")), "CablePluggedIn")
        else:
            self._settle_afresh("CablePluggedIn")

    def bay(self, occupied: bool) -> None:
        """A vehicle drives into the parking bay, or out of it."""
        self.parked = occupied
        matters = "ParkingBayOccupancy" in self._start_points() | self._stop_points()
        self._settle("EVDetected" if occupied else "EVDeparted", quiet=not matters)

    def unplug(self, connector_id: int) -> None:
        """The cable is gone from one of its ends."""
        if not self.plugged or connector_id != self.connector_id:
            return
        settings = self._context.settings
        self.plugged = False
        self.car = CarState.A
        self._ended_here = False
        self.cable_max_a = None
        for code in self._own_faults:
            self._availability.fault_cleared(FaultCleared(self.evse_id, code, self.connector_id))
        self._own_faults.clear()
        transaction = self.transaction
        ends = settings.stop_on_ev_side_disconnect or "EVConnected" in self._stop_points()
        if transaction is not None and transaction.reason is None and ends:
            transaction.reason = StopReason.EV_DISCONNECTED
        if self.driver is not None and (transaction is None or settings.stop_on_ev_side_disconnect):
            self._drop_driver()
            if settings.unlock_on_ev_side_disconnect:
                self._lock_wanted = False
        elif self.driver is not None:
            self._start_plug_timer()
        if self.driver is None and self.last_driver is None:
            self._lock_wanted = False
        self._settle("EVCommunicationLost")
        waiting = self._hardware.plugged_connector()
        if waiting is not None and waiting != connector_id and self.transaction is None:
            self.plug(waiting, None)

    def car_state(self, state: CarState) -> None:
        """The control pilot shows something else."""
        if self.plugged and state is not CarState.A:
            self.car = state
            self._settle("ChargingStateChanged", quiet=True)

    def fault(self, reason: StopReason = StopReason.OTHER) -> None:
        """Something broke that does not allow charging: what runs ends (E06.FR.16)."""
        if self.transaction is not None or self.driver is not None:
            self.end(reason, "AbnormalCondition")
        else:
            self._settle("AbnormalCondition", quiet=True)

    def fault_cleared(self) -> None:
        """It works again."""
        self._settle("ChargingStateChanged", quiet=True)

    def authorize(self, driver: Driver, trigger: str = "Authorized") -> None:
        """The driver may charge here. A running transaction that nobody is authorized for becomes the driver's."""
        self.driver = driver
        self.last_driver = None
        self._allowance.reset()
        if not self.plugged:
            self._start_plug_timer()
        if self.transaction is not None:
            self.course.adopt(driver)
        self._settle_afresh(trigger, token=driver.token)

    def deauthorize(
        self, trigger: str, reason: StopReason, token: IdToken | None = None, *, unlock: bool = True
    ) -> None:
        """Nobody may charge here any longer: the driver, the CSMS or an operator ended it."""
        if self.transaction is not None and self.transaction.reason is None:
            self.transaction.reason = reason
        self._drop_driver()
        if unlock:
            self._lock_wanted = False
            self.last_driver = None
        self._settle(trigger, token=token)

    def release(self) -> None:
        """The owner of a locked cable has shown a token (E05.FR.11, E09.FR.03)."""
        self._lock_wanted = False
        self.last_driver = None
        self._supply.act()

    def limit(self, wanted: dict[str, Any]) -> None:
        """The CSMS limits the transaction: a TransactionLimitType, as JSON (2.1 E16)."""
        self._allowance.limit(wanted)

    def enter_limit(self, entered: Mapping[str, float]) -> None:
        """The driver limits the transaction, in names of TransactionLimitType."""
        self._allowance.enter_limit(entered)

    def cost_told(self, cost: float) -> None:
        """The CSMS says what the transaction has cost so far."""
        self._allowance.cost_told(cost)

    def set_offer(self, offer: Offer) -> None:
        """Block K: what the vehicle may take from now on."""
        if self._supply.set_offer(offer):
            self._settle("ChargingStateChanged", quiet=True)

    def tell_rate(self) -> None:
        """The offer of a transaction that charges has changed by more than a little (K11.FR.04)."""
        if self.transaction is not None and self._ending is None:
            self.course.update("ChargingRateChanged")

    def end(self, reason: StopReason, trigger: str, token: IdToken | None = None) -> None:
        """End the transaction whatever the stop points say."""
        if self.transaction is not None and self._ending is None:
            self._ending = (reason, trigger, token)
        self._drop_driver()
        self._lock_wanted = False
        self._settle(trigger, quiet=True)

    async def ended(self) -> None:
        """Return when no transaction runs and the contactor is open."""
        while self.transaction is not None or self._supply.closed or self._supply.busy:
            over = asyncio.Event()
            self._idle_listeners.append(over.set)
            await over.wait()

    def when_idle(self, callback: Callable[[], None]) -> None:
        """Call once no transaction runs."""
        if self.transaction is None and not self._supply.closed:
            callback()
        else:
            self._idle_listeners.append(callback)

    async def unlock(self) -> UnlockResult:
        """Unlock the connector because an operator asks."""
        result = await self._supply.unlock()
        if result is UnlockResult.UNLOCKED:
            self._lock_wanted = False
        return result

    def resume(self, transaction: RunningTransaction, *, plugged: bool) -> None:
        """After a restart: the transaction goes on as it was."""
        self.connector_id = transaction.connector_id
        self.plugged = plugged
        self.car = self._hardware.car_state() if plugged else CarState.A
        if transaction.id_token is not None and not transaction.authorization_ended:
            self.driver = Driver(transaction.id_token, transaction.group)
        self.course.resume(transaction)
        self._allowance.resume(transaction)
        self._settle("TxResumed")

    def found(self, connector_id: int) -> None:
        """After a restart: a cable is in."""
        self.connector_id = connector_id
        self.plugged = True
        self.car = self._hardware.car_state()
        if self.car is CarState.A:
            self.car = CarState.B
        self._supply.may_be_locked()
        self._settle("CablePluggedIn")

    def finish_interrupted(self, transaction: RunningTransaction, reason: StopReason) -> None:
        """After a restart: the transaction is over, and this is all there is to say of its end."""
        self.course.transaction = transaction
        self.connector_id = transaction.connector_id
        self.course.samples.go_on()
        self._finish((transaction.reason and StopReason(transaction.reason)) or reason, "AbnormalCondition")

    def look_again(self) -> None:
        """Something outside has changed that may let a transaction start."""
        if self.transaction is None:
            self._settle("CablePluggedIn" if self.driver is None else "Authorized", quiet=True)

    def stop_timers(self) -> None:
        """The engine stops; transactions stay as they are."""
        self._plug_countdown.stop()
        self.course.stop_timers()
        self._allowance.stop()

    # Looking at it

    def _settle(self, trigger: str, *, token: IdToken | None = None, quiet: bool = False) -> None:
        """``quiet``: worth a message only when the charging state has changed by it."""
        situation = self.situation
        transaction = self.transaction
        if transaction is None:
            if self._may_start() and any(met(point, situation) for point in self._start_points()):
                self._start(trigger)
        elif self._ending is None and (lost := self._lost(transaction, situation)) is not None:
            self._ending = (lost, trigger, token)
            situation = self.situation
        if self._ending is not None and self.transaction is not None:
            if not self._supply.closed:
                reason, why, who = self._ending
                self._finish(reason, why, who)
        elif transaction is not None:
            state = charging_state(situation)
            if not quiet or (state != transaction.charging_state and not self._between(situation)):
                self.course.update(trigger, token=token)
        if self._ending is None and not self._between(situation):
            self._show()
        self.on_settled()
        self._supply.act()

    def _between(self, situation: Situation) -> bool:
        """The moment before the contactor closes again after a pause is no state of its own."""
        paused = self.transaction is not None and self.transaction.charging_state.startswith("Suspended")
        return paused and self._ending is None and situation.wants_power and not self._supply.closed

    def _settle_afresh(self, trigger: str, *, token: IdToken | None = None) -> None:
        """What begins with a vehicle or a driver is told as connected first, then as what comes of it."""
        self.fresh = True
        try:
            self._settle(trigger, token=token)
        finally:
            self.fresh = False
        if self.transaction is not None and not self.wants_power():
            self._settle("ChargingStateChanged", quiet=True)

    def _lost(self, transaction: RunningTransaction, situation: Situation) -> StopReason | None:
        """Why the transaction ends now: a stop point that had been reached no longer is."""
        points = self._stop_points()
        reached = {point for point in points if met(point, situation)}
        lost = (transaction.met & points) - reached
        transaction.met |= reached
        if not lost:
            return None
        if transaction.reason is not None:
            return StopReason(transaction.reason)
        if not situation.plugged:
            return StopReason.EV_DISCONNECTED
        return StopReason.STOPPED_BY_EV if lost == {"EnergyTransfer"} else StopReason.LOCAL

    def _show(self) -> None:
        transaction = self.transaction
        running = transaction is not None and transaction.authorized
        state = connector_state(self.situation, running=running, ended=self._ended_here)
        before = self._availability.state(self.evse_id, self.connector_id)
        if running and state is ConnectorState.PREPARING and before in _BEGUN:
            state = ConnectorState.SUSPENDED_EVSE  # 1.6 4.9: from there nothing leads back to Preparing
        self._availability.session(
            self.evse_id, self.connector_id, state, plugged=self.plugged, transaction=transaction is not None
        )

    def _may_start(self) -> bool:
        context = self._context
        accepted = context.outbox.registration is Registration.ACCEPTED or context.settings.tx_before_accepted
        full = context.settings.disallow_charging_if_queue_full and context.outbox.full
        return accepted and not full and self._availability.usable(self.evse_id, self.connector_id)

    def _start_points(self) -> frozenset[str]:
        return start_points(self._context.version, self._context.settings)

    def _stop_points(self) -> frozenset[str]:
        return stop_points(self._context.version, self._context.settings)

    def _drop_driver(self) -> None:
        if self.driver is not None:
            self.last_driver = self.driver
        self.driver = None
        self._allowance.reset()
        self._plug_countdown.stop()
        if self.transaction is not None and self.transaction.authorized:
            self.transaction.authorization_ended = True

    # The transaction

    def _start(self, trigger: str) -> None:
        self._ended_here = False
        situation = self.situation
        self.course.start(
            trigger, self.driver, frozenset(point for point in self._stop_points() if met(point, situation))
        )

    def _finish(self, reason: StopReason, trigger: str, token: IdToken | None = None) -> None:
        self.course.finish(reason, trigger, token)
        self._ending = None
        self._allowance.reset(limits=True)
        self._ended_here = self.plugged
        if self.driver is not None:
            self._drop_driver()
        kept = reason is StopReason.DE_AUTHORIZED or (
            reason is StopReason.EV_DISCONNECTED and not self._context.settings.unlock_on_ev_side_disconnect
        )
        if not kept:  # else it stays locked until its owner comes (E05.FR.11, E09.FR.03)
            self._lock_wanted = False
            self.last_driver = None

    def answered(self, authorization: Authorization) -> None:
        """The CSMS said of the transaction's token that it is not accepted (E05)."""
        transaction, settings = self.transaction, self._context.settings
        if transaction is None or self.driver is None:
            return
        if authorization.group is not None:
            transaction.group = self.driver.group = authorization.group
        if authorization.accepted:
            return
        if settings.stop_on_invalid_id:
            self.deauthorize("Deauthorized", StopReason.DE_AUTHORIZED, unlock=False)
        else:
            self._allowance.suspend(settings.max_energy_on_invalid_id_wh or None)

    # Time-outs and limits

    def _start_plug_timer(self) -> None:
        if (timeout_s := self._context.settings.ev_connection_timeout_s) > 0:
            self._plug_countdown.start(timeout_s)

    def _nobody_came(self) -> None:
        """EVConnectionTimeOut (E03.FR.05, FR.15; 1.6 9.1.6)."""
        if self.plugged or self.driver is None:
            return
        if self.transaction is not None and "ParkingBayOccupancy" not in self._stop_points():
            self.end(StopReason.TIMEOUT, "EVConnectTimeout")
        else:
            self.deauthorize("EVConnectTimeout", StopReason.TIMEOUT)

    # What it may take (allowance.Allowed)

    @property
    def ending(self) -> bool:
        """The contactor opens just now for the end of the transaction."""
        return self._ending is not None

    def changed(self, trigger: str = "ChargingStateChanged") -> None:
        """What is allowed has changed."""
        self._settle(trigger, quiet=trigger == "ChargingStateChanged")

    def ends_with_energy(self) -> bool:
        """EnergyTransfer is a stop point."""
        return "EnergyTransfer" in self._stop_points()

    def tell_limits(self, limits: dict[str, Any]) -> None:
        """Confirm limits of the transaction (2.1 E16.FR.03)."""
        self.course.update("LimitSet", extra={"transactionLimit": limits})

    # What contactor and lock should do (supply.Supplied)

    def wants_power(self) -> bool:
        """The contactor is to be closed."""
        if self._ending is not None or not self.situation.wants_power:
            return False
        # Energy that nobody would ever be told of must not flow.
        return self.transaction is not None or ("EnergyTransfer" in self._start_points() and self._may_start())

    def wants_lock(self) -> bool:
        """The cable is to be held."""
        connectors = self._context.configuration.evses[self.evse_id - 1].connectors
        if connectors[self.connector_id - 1].cable_attached:
            return False
        if self.plugged and self.driver is not None:
            self._lock_wanted = True
        return self._lock_wanted

    def switched(self) -> None:
        """The contactor has closed or opened."""
        self._settle("ChargingStateChanged", quiet=True)

    def broken(self, code: str, *, lasting: bool) -> None:
        """Contactor or lock does not work; with another vehicle it may, unless the contactor is welded."""
        if not lasting:
            self._own_faults.add(code)
        self._availability.fault(FaultOccurred(self.evse_id, code, self.connector_id))
        self.fault()

    def at_rest(self) -> None:
        """Nothing is left to be done."""
        if self.transaction is None and not self._supply.closed:
            listeners, self._idle_listeners = self._idle_listeners, []
            for listener in listeners:
                listener()
