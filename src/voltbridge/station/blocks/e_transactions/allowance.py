"""How much energy a running transaction may still take: by its token's worth, and by limits of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

from voltbridge.domain.tokens import IdToken
from voltbridge.domain.transactions import StopReason
from voltbridge.station.blocks.e_transactions.limits import (
    REASONS,
    TransactionLimits,
    limits_of,
    reached,
    told,
)
from voltbridge.station.blocks.e_transactions.records import Records, RunningTransaction
from voltbridge.station.blocks.j_meter_values.sampling import register_wh
from voltbridge.station.context import Context
from voltbridge.station.countdown import Countdown
from voltbridge.station.ports import EvseHardware
from voltbridge.station.readings import Reading

__all__ = ["Allowance", "Allowed"]

_LOOK_S: Final = 1.0
"""How often limits are compared with what the meter says."""


class Allowed(Protocol):
    """Whose transaction it is; the session's."""

    @property
    def transaction(self) -> RunningTransaction | None: ...

    @property
    def ending(self) -> bool:
        """The contactor opens just now for the end of the transaction."""

    def changed(self, trigger: str = "ChargingStateChanged") -> None:
        """What is allowed has changed; a trigger of its own is told in any case."""

    def end(self, reason: StopReason, trigger: str, token: IdToken | None = None) -> None:
        """End the transaction whatever the stop points say."""

    def ends_with_energy(self) -> bool:
        """EnergyTransfer is a stop point."""

    def tell_limits(self, limits: dict[str, Any]) -> None:
        """Confirm limits of the transaction, a TransactionLimitType as JSON."""


class Allowance:
    """Suspends the energy of one EVSE's transaction, or ends it, when it has had what it may have."""

    __slots__ = ("_context", "_countdown", "_delay", "_hardware", "_limited", "_owner", "_records", "_suspended")

    def __init__(self, context: Context, hardware: EvseHardware, records: Records, owner: Allowed) -> None:
        self._context = context
        self._hardware = hardware
        self._records = records
        self._owner = owner
        self._suspended = False
        """The token turned out invalid, but the transaction goes on (E05.FR.02)."""
        self._limited = False
        """A limit of the transaction is reached (2.1 E16.FR.05)."""
        self._countdown = Countdown(context.clock, self._look)
        self._delay = Countdown(context.clock, self._delayed_enough)
        """After an interruption not all stations of an area begin to take energy at once (2.1 E17.FR.18)."""

    @property
    def exhausted(self) -> bool:
        """No energy is to flow."""
        return self._suspended or self._limited or self._delay.running

    def reset(self, *, limits: bool = False) -> None:
        """Another driver's token counts; with ``limits`` another transaction begins."""
        self._suspended = False
        if (transaction := self._owner.transaction) is not None and transaction.suspended:
            transaction.suspended = False
            self._records.keep(transaction)
        if limits:
            self._limited = False
            self._delay.stop()

    def stop(self) -> None:
        """Look at nothing any more."""
        self._countdown.stop()
        self._delay.stop()

    def resume(self, transaction: RunningTransaction) -> None:
        """After a restart: the limits of before hold (2.1 E17.FR.12)."""
        settings, charged = self._context.settings, transaction.charging_state == "Charging"
        if transaction.suspended or (charged and not settings.energy_resumes):
            self._suspend(transaction)
        if charged and settings.energy_resumes and settings.energy_resumption_range_s > 0:
            self._delay.start(self._context.random.uniform(0, settings.energy_resumption_range_s))
        if transaction.energy_limit_wh is not None or transaction.limits is not None:
            self._countdown.start(_LOOK_S)

    def _delayed_enough(self) -> None:
        self._owner.changed()

    def suspend(self, energy_wh: float | None) -> None:
        """The token turned out invalid and the transaction goes on: with so much energy, or none (E05.FR.03)."""
        transaction = self._owner.transaction
        register = register_wh(self._hardware.read())
        if transaction is not None and energy_wh and register is not None:
            transaction.energy_limit_wh = register + energy_wh
            self._records.keep(transaction)
            self._countdown.start(_LOOK_S)
            return
        self._suspend(transaction)
        self._owner.changed()

    def _suspend(self, transaction: RunningTransaction | None) -> None:
        """On disk, so that no power cut gives away energy."""
        self._suspended = True
        if transaction is not None:
            transaction.suspended = True
            self._records.keep(transaction)

    def limit(self, wanted: dict[str, Any]) -> None:
        """The CSMS limits the transaction: a TransactionLimitType, as JSON (2.1 E16.FR.02, FR.03, FR.10)."""
        transaction = self._owner.transaction
        if transaction is not None:
            transaction.limits_of_csms = limits_of(transaction.limits_of_csms, wanted)
            self._set_limits(transaction, wanted)

    def enter_limit(self, entered: Mapping[str, float]) -> None:
        """The driver limits it, to no more than the CSMS has allowed (E16.FR.01, FR.04)."""
        transaction = self._owner.transaction
        if transaction is not None:
            allowed = told(transaction.limits_of_csms or TransactionLimits())
            self._set_limits(
                transaction, {name: min(value, allowed.get(name, value)) for name, value in entered.items()}
            )

    def _set_limits(self, transaction: RunningTransaction, wanted: Mapping[str, Any]) -> None:
        """What is set already is not confirmed anew: a CSMS that repeats itself would never hear the end of it."""
        before, transaction.limits = transaction.limits, limits_of(transaction.limits, wanted)
        if transaction.limits != (before or TransactionLimits()):
            limits = told(transaction.limits)
            self._owner.tell_limits({name: value for name, value in limits.items() if name in wanted})
            self._look()

    def cost_told(self, cost: float) -> None:
        """The CSMS says what the transaction has cost so far (2.1 E16.FR.15)."""
        transaction = self._owner.transaction
        if transaction is not None:
            transaction.cost = cost
            self._records.keep(transaction)
            if transaction.limits is not None:
                self._look()

    def _look(self) -> None:
        transaction = self._owner.transaction
        if transaction is None or self._owner.ending:
            return
        readings = self._hardware.read()
        register, allowed = register_wh(readings), transaction.energy_limit_wh
        if allowed is not None and register is not None and register >= allowed:
            transaction.energy_limit_wh = None
            self._suspend(transaction)
            self._owner.changed()
        if transaction.limits is not None:
            self._hold_to(transaction, transaction.limits, readings)
        if self._owner.transaction is transaction and (transaction.energy_limit_wh is not None or transaction.limits):
            self._countdown.start(_LOOK_S)

    def _hold_to(
        self, transaction: RunningTransaction, limits: TransactionLimits, readings: tuple[Reading, ...]
    ) -> None:
        """Suspend or end by a limit, or go on when it has been raised (2.1 E16.FR.05, FR.06, FR.14)."""
        register, begin_wh = register_wh(readings), transaction.begin_wh
        energy_wh = register - begin_wh if register is not None and begin_wh is not None else None
        seconds = (self._context.clock.now() - transaction.started_at).total_seconds()
        trigger = reached(limits, energy_wh=energy_wh, cost=transaction.cost, seconds=seconds, readings=readings)
        if trigger is None:
            if self._limited:
                self._limited = False
                self._owner.changed()
        elif self._owner.ends_with_energy():
            self._owner.end(StopReason(REASONS[trigger]), trigger)
        elif not self._limited:
            self._limited = True
            self._owner.changed(trigger)
