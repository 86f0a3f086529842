"""Readings of a running transaction: those told while it runs, and those kept for its end (2.0.1 J02; 1.6 3.16)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from voltbridge.domain.clock import Cancel
from voltbridge.station.blocks.e_transactions.records import Records, RunningTransaction
from voltbridge.station.blocks.j_meter_values.sampling import Intervals, sample, thinned
from voltbridge.station.context import Context
from voltbridge.station.ports import EvseHardware
from voltbridge.station.readings import MeterReading, Reading

__all__ = ["Sampled", "Samples"]

_BEGIN: Final = "Transaction.Begin"
_MOST_KEPT: Final = 400
_MOST_TOLD: Final = 200
"""In one message."""


class Sampled(Protocol):
    """Whose readings these are; the session's."""

    @property
    def transaction(self) -> RunningTransaction | None: ...

    def tell_reading(self, trigger: str, reading: MeterReading) -> None:
        """Tell a reading of the transaction now."""


class Samples:
    """Samples one EVSE while a transaction runs there."""

    __slots__ = (
        "_cancel_ended",
        "_cancel_updated",
        "_context",
        "_count",
        "_hardware",
        "_intervals",
        "_owner",
        "_records",
    )

    def __init__(self, context: Context, hardware: EvseHardware, records: Records, owner: Sampled) -> None:
        self._context = context
        self._hardware = hardware
        self._records = records
        self._owner = owner
        self._count = 0
        self._intervals = Intervals()
        self._cancel_updated: Cancel | None = None
        self._cancel_ended: Cancel | None = None

    def take(self, measurands: tuple[str, ...], context: str, *, signed: bool, series: str = "") -> MeterReading | None:
        """A reading of these measurands now; None when the meter has none of them. ``signed``: where the meter does.

        ``series``: that of the samples whose intervals end here.
        """
        settings, transaction = self._context.settings, self._owner.transaction
        key = settings.public_key_told
        readings: Sequence[Reading] = self._hardware.read()
        if series:
            readings = self._intervals.completed(series, readings)
        reading = sample(
            readings,
            measurands,
            self._context.clock.now(),
            context,
            signed=signed,
            public_key=key == "EveryMeterValue"
            or (key == "OncePerTransaction" and transaction is not None and not transaction.public_key_told),
            without_phases=settings.flag("SampledDataCtrlr.RegisterValuesWithoutPhases"),
        )
        if transaction is not None and reading is not None and any(each.signed for each in reading.readings):
            transaction.public_key_told = True
        return reading

    # While it runs

    def start(self, *, fresh: bool) -> None:
        """Begin with a new transaction, or go on with one that was kept."""
        transaction = self._owner.transaction
        assert transaction is not None
        self._count = 0
        self._intervals.begin(self._hardware.read())
        if not fresh:
            self.go_on()
        self.restart()

    def restart(self) -> None:
        """The intervals count from now."""
        self.stop()
        settings, clock = self._context.settings, self._context.clock
        if settings.sampled_interval_s > 0:
            self._cancel_updated = clock.call_later(settings.sampled_interval_s, self._updated_due)
        if settings.ended_interval_s > 0:
            self._cancel_ended = clock.call_later(settings.ended_interval_s, self._ended_due)

    def stop(self) -> None:
        """No more samples."""
        for cancel in (self._cancel_updated, self._cancel_ended):
            if cancel is not None:
                cancel()
        self._cancel_updated = self._cancel_ended = None

    def aligned(self) -> None:
        """The clock says so: a sample to be told (J01.FR.22)."""
        settings = self._context.settings
        if not settings.aligned_only_idle:
            reading = self.take(
                settings.aligned_measurands, "Sample.Clock", signed=settings.sign_aligned_meanwhile, series="clock"
            )
            if reading is not None:
                self._owner.tell_reading("MeterValueClock", reading)

    def aligned_for_end(self) -> None:
        """The clock says so: a sample for the end."""
        settings = self._context.settings
        measurands = settings.aligned_ended_measurands
        self._keep(self.take(measurands, "Sample.Clock", signed=settings.sign_aligned, series="clock, for the end"))

    # For the start and the end

    def for_the_start(self) -> tuple[MeterReading, ...]:
        """What the start tells (Transaction.Begin)."""
        settings = self._context.settings
        reading = self.take(settings.started_measurands, _BEGIN, signed=settings.sign_sampled_at_start)
        return (reading,) if reading else ()

    def after_the_start(self) -> tuple[MeterReading, ...]:
        """1.6, whose start has no room for readings: what follows it (Signed Meter Values in OCPP, 3.3.4)."""
        settings = self._context.settings
        reading = self.take(settings.start_measurands_16, _BEGIN, signed=settings.sign_sampled_at_start)
        return (reading,) if reading else ()

    def on_demand(self) -> tuple[MeterReading, ...]:
        """The CSMS wants to know."""
        settings = self._context.settings
        reading = self.take(settings.updated_measurands, "Trigger", signed=settings.sign_sampled_meanwhile)
        return (reading,) if reading else ()

    def keep_edge(self, context: str) -> None:
        """Transaction.Begin or Transaction.End (E06.FR.11)."""
        settings = self._context.settings
        self._keep(self.take(settings.ended_measurands, context, signed=settings.sign_sampled))

    def go_on(self) -> None:
        """After a restart: what was kept before stays, and what comes follows it."""
        transaction = self._owner.transaction
        assert transaction is not None
        self._count = len(self._records.samples(transaction.key))

    def for_the_end(self) -> tuple[MeterReading, ...]:
        """All that was kept, as many as a message can have."""
        transaction = self._owner.transaction
        assert transaction is not None
        return tuple(thinned(self._records.samples(transaction.key), _MOST_TOLD))

    def _keep(self, reading: MeterReading | None) -> None:
        transaction = self._owner.transaction
        if reading is None or transaction is None:
            return
        if self._count >= _MOST_KEPT:  # every second one goes, not the last ones (E06.FR.13)
            self._count = self._records.thin_out(transaction.key, _MOST_KEPT // 2)
        self._records.add_sample(transaction.key, self._count, reading)
        self._count += 1

    def _updated_due(self) -> None:
        settings = self._context.settings
        self._cancel_updated = None
        if self._owner.transaction is None or settings.sampled_interval_s <= 0:
            return
        self._cancel_updated = self._context.clock.call_later(settings.sampled_interval_s, self._updated_due)
        reading = self.take(
            settings.updated_measurands, "Sample.Periodic", signed=settings.sign_sampled_meanwhile, series="told"
        )
        if reading is not None:
            self._owner.tell_reading("MeterValuePeriodic", reading)

    def _ended_due(self) -> None:
        settings = self._context.settings
        self._cancel_ended = None
        if self._owner.transaction is None or settings.ended_interval_s <= 0:
            return
        self._cancel_ended = self._context.clock.call_later(settings.ended_interval_s, self._ended_due)
        measurands = settings.ended_measurands
        self._keep(self.take(measurands, "Sample.Periodic", signed=settings.sign_sampled, series="for the end"))
