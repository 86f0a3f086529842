"""Readings by the clock and on demand (2.0.1 J01, F06.FR.06; 1.6 4.7). Those of transactions are block E's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from voltbridge.domain.clock import Cancel
from voltbridge.station.blocks.e_transactions.service import Transactions
from voltbridge.station.blocks.j_meter_values.sampling import Intervals, next_aligned, sample
from voltbridge.station.blocks.j_meter_values.signed import printed_key
from voltbridge.station.context import Context
from voltbridge.station.facts import MeterFact
from voltbridge.station.ports import EvseHardware
from voltbridge.station.readings import Reading

__all__ = ["Metering"]


class Metering:
    """Tells what the meters say, at the moments of the clock."""

    __slots__ = ("_cancels", "_context", "_intervals", "_transactions")

    def __init__(self, context: Context, transactions: Transactions) -> None:
        self._context = context
        self._transactions = transactions
        self._cancels: dict[str, Cancel] = {}
        self._intervals = {evse_id: Intervals() for evse_id in range(len(context.hardware.evses) + 1)}
        for name in ("AlignedDataCtrlr.Interval", "AlignedDataCtrlr.TxEndedInterval", "AlignedDataCtrlr.Enabled"):
            context.device_model.on_change(name, lambda _: self.start())
        for evse_id, hardware in enumerate(context.hardware.evses, 1):
            name = f"FiscalMetering@{evse_id}.PublicKey"
            if context.device_model.has(name):
                context.device_model.provide(name, partial(_public_key, hardware))

    def start(self) -> None:
        """Begin, or begin anew with other intervals."""
        self.stop()
        for evse_id, intervals in self._intervals.items():
            intervals.begin(self._readings(evse_id))
        self._schedule("told")
        self._schedule("ended")

    def stop(self) -> None:
        """No more readings."""
        for cancel in self._cancels.values():
            cancel()
        self._cancels.clear()

    def trigger(self, evse_id: int | None) -> bool:
        """The CSMS wants readings now; None: of all EVSEs. False where there is nothing to tell (F06.FR.06)."""
        told = False
        ids = range(len(self._transactions.sessions) + 1) if evse_id is None else (evse_id,)
        for each in ids:
            told = self._tell(each, "Trigger", triggered=True) or told
        return told

    def _schedule(self, what: str) -> None:
        settings, clock = self._context.settings, self._context.clock
        interval_s = settings.aligned_interval_s if what == "told" else settings.aligned_ended_interval_s
        if interval_s <= 0 or not settings.flag("AlignedDataCtrlr.Enabled"):
            return
        now = clock.now()
        # A timer that fires a moment early must not make the same moment come twice.
        wait_s = (next_aligned(now + timedelta(milliseconds=50), interval_s) - now).total_seconds()
        self._cancels[what] = clock.call_later(wait_s, lambda: self._due(what))

    def _due(self, what: str) -> None:
        if what == "told":
            self._tell_all()
        else:
            for session in self._transactions.sessions:
                session.course.aligned_for_end()
        self._schedule(what)

    def _tell_all(self) -> None:
        only_idle = self._context.settings.aligned_only_idle
        if not (only_idle and self._transactions.running()):  # J01.FR.20
            self._tell(0, "Sample.Clock")
            for session in self._transactions.sessions:
                if not session.course.aligned():
                    self._tell(session.evse_id, "Sample.Clock")

    def _tell(self, evse_id: int, context: str, *, triggered: bool = False) -> bool:
        settings = self._context.settings
        readings = self._readings(evse_id)
        if not triggered:
            readings = self._intervals[evse_id].completed("clock", readings)
        reading = sample(
            readings,
            settings.aligned_measurands,
            self._context.clock.now(),
            context,
            signed=settings.sign_aligned_meanwhile,
            public_key=settings.public_key_told == "EveryMeterValue",
        )
        if reading is None or not (triggered or self._context.outbox.online or evse_id):
            return False
        connector_id = self._transactions.session(evse_id).connector_id if evse_id else 0
        fact = MeterFact(evse_id=evse_id, connector_id=connector_id, meter=(reading,))
        self._context.outbox.tell(fact, triggered=triggered)
        return True

    def _readings(self, evse_id: int) -> Sequence[Reading]:
        hardware = self._context.hardware
        return hardware.read() if evse_id == 0 else hardware.evses[evse_id - 1].read()


def _public_key(hardware: EvseHardware) -> str:
    keys = (reading.signed.public_key for reading in hardware.read() if reading.signed is not None)
    return next((printed_key(key) for key in keys if key), "")
