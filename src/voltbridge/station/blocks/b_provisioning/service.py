"""Registration, heartbeats and the time (2.0.1 B01 to B04; 1.6 4.2, 4.6)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog

from voltbridge.domain.clock import Cancel
from voltbridge.station.answers import Acknowledged, Answer, NoAnswer, Refused, Registered, Registration
from voltbridge.station.blocks.a_security.service import SecurityEvents
from voltbridge.station.context import Context
from voltbridge.station.facts import BootFact, HeartbeatFact
from voltbridge.station.station_clock import StationClock

__all__ = ["Provisioning"]

_OWN_INTERVAL_S: Final = 60
"""Between boots when the CSMS names no interval (B02.FR.07, B03.FR.05)."""
_CLOCK_SLACK_S: Final = 0.5
"""A clock that is as near as that is not set: the way of a message takes as long."""
_YEARS: Final = range(2015, 2200)
"""What a CSMS can mean: it is no older than OCPP 1.6, and with the last years of the calendar no station can reckon."""


class Provisioning:
    """Registers the station after a start, and keeps it registered, alive and on time."""

    __slots__ = (
        "_booting",
        "_cancel_beat",
        "_cancel_boot",
        "_clock",
        "_context",
        "_log",
        "_on_registered",
        "_reason",
        "_security",
    )

    def __init__(
        self,
        context: Context,
        clock: StationClock,
        reason: str,
        on_registered: Callable[[bool, bool], None],
        security: SecurityEvents,
    ) -> None:
        """``on_registered(after_boot, report_all)``: the CSMS takes messages; how much of the states is to be told."""
        self._context = context
        self._clock = clock
        self._reason = reason
        self._on_registered = on_registered
        self._security = security
        self._booting = False
        self._cancel_boot: Cancel | None = None
        self._cancel_beat: Cancel | None = None
        self._log = structlog.get_logger("voltbridge.station").bind(station=context.configuration.identity)
        context.device_model.on_change("OCPPCommCtrlr.HeartbeatInterval", lambda _: self._schedule_beat())
        context.outbox.on_unregistered = lambda: self.online(register=True, report_all=True)

    def online(self, *, register: bool, report_all: bool) -> None:
        """There is a connection. ``register``: to another CSMS than before, which does not know of us."""
        outbox = self._context.outbox
        if register or outbox.registration is not Registration.ACCEPTED:
            if register:
                outbox.registration = Registration.UNKNOWN
            if self._cancel_boot is None:
                self._boot()
        else:
            self._schedule_beat()
            self._on_registered(False, report_all)

    def offline(self) -> None:
        """The connection is gone. Registration outlasts it (B04)."""
        self._stop_beat()

    def started_again(self, reason: str) -> None:
        """The station is another than the CSMS knows: the next connection begins with a boot, for this reason."""
        self._reason = reason
        self._context.outbox.registration = Registration.UNKNOWN

    def stop(self) -> None:
        """The engine stops."""
        self._stop_beat()
        if self._cancel_boot is not None:
            self._cancel_boot()
            self._cancel_boot = None

    def trigger_boot(self) -> None:
        """The CSMS wants a boot now, whatever interval it named (B02.FR.04, F06)."""
        if self._cancel_boot is not None:
            self._cancel_boot()
            self._cancel_boot = None
        self._boot(triggered=True)

    def trigger_heartbeat(self) -> None:
        """The CSMS wants a heartbeat now."""
        self._context.tasks.spawn(self._beat_once(triggered=True), "heartbeat")

    # Registration

    def _boot(self, *, triggered: bool = False) -> None:
        self._cancel_boot = None
        if not self._booting and self._context.outbox.connected:
            self._booting = True
            self._context.tasks.spawn(self._boot_once("Triggered" if triggered else self._reason, triggered), "boot")

    async def _boot_once(self, reason: str, triggered: bool) -> None:
        try:
            answer = await self._context.outbox.ask(BootFact(reason=reason), triggered=triggered)
        except NoAnswer as error:
            self._log.warning("boot was not answered", error=str(error))
            self._booting = False
            # Without a connection the next one boots; an error is an answer of a sort, so the pause is ours to choose.
            if self._context.outbox.connected:
                self._boot_later(_OWN_INTERVAL_S if isinstance(error, Refused) else self._pause_after_silence())
            return
        self._booting = False
        if isinstance(answer, Registered):
            self._registered(answer)

    def _pause_after_silence(self) -> int:
        return max(1, self._context.settings.retry_wait_minimum_s)

    def _registered(self, answer: Registered) -> None:
        self._set_time(answer.current_time)
        outbox = self._context.outbox
        outbox.registration = answer.status
        if answer.status is not Registration.ACCEPTED:
            self._boot_later(answer.interval_s if answer.interval_s > 0 else _OWN_INTERVAL_S)
            return
        if answer.interval_s > 0:  # B01.FR.04
            self._context.device_model.set("OCPPCommCtrlr.HeartbeatInterval", str(answer.interval_s))
        self._schedule_beat()
        self._on_registered(True, True)

    def _boot_later(self, seconds: float) -> None:
        self._cancel_boot = self._context.clock.call_later(seconds, self._boot)

    # Heartbeats and the time

    def _schedule_beat(self) -> None:
        self._stop_beat()
        if self._context.outbox.online:
            settings = self._context.settings
            idle_s = 0.0
            if not settings.force_heartbeat:
                idle_s = self._context.clock.monotonic() - self._context.outbox.last_exchange
            self._cancel_beat = self._context.clock.call_later(
                max(0.0, settings.heartbeat_interval_s - idle_s), self._beat
            )

    def _stop_beat(self) -> None:
        if self._cancel_beat is not None:
            self._cancel_beat()
            self._cancel_beat = None

    def _beat(self) -> None:
        """Send a heartbeat, unless something else was sent meanwhile (B01, 1.6 4.6)."""
        self._cancel_beat = None
        settings, outbox = self._context.settings, self._context.outbox
        idle_s = self._context.clock.monotonic() - outbox.last_exchange
        if not settings.force_heartbeat and idle_s < settings.heartbeat_interval_s - 0.001:
            self._schedule_beat()
        else:
            self._context.tasks.spawn(self._beat_once(), "heartbeat")

    async def _beat_once(self, *, triggered: bool = False) -> None:
        try:
            answer: Answer = await self._context.outbox.ask(HeartbeatFact(), triggered=triggered)
        except NoAnswer as error:
            self._log.info("heartbeat was not answered", error=str(error))
        else:
            if isinstance(answer, Acknowledged) and answer.current_time is not None:
                self._set_time(answer.current_time)
        if not triggered or self._cancel_beat is None:
            self._schedule_beat()

    def _set_time(self, told: datetime) -> None:
        """B01.FR.06, G02.FR.06: the CSMS's clock is ours, if the station is told to go by it."""
        settings = self._context.settings
        if not settings.time_from_heartbeat:
            return
        if told.year not in _YEARS:
            self._log.warning("the time of the CSMS is not taken", told=told.isoformat())
            return
        difference_s = (told - self._clock.now()).total_seconds()
        if abs(difference_s) <= _CLOCK_SLACK_S:
            return
        self._clock.set_to(told)
        threshold_s = settings.number("ClockCtrlr.TimeAdjustmentReportingThreshold")
        if threshold_s and abs(difference_s) > threshold_s:
            self._security.happened("SettingSystemTime", f"by {difference_s:.0f} s", told)
