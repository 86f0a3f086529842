"""Monitoring of variables: which monitors there are, when they are triggered, what is told (2.0.1 N02 to N08).

Monitors of the configuration are there from the start, hard-wired ones for good; those that the CSMS sets are on disk,
and so is that a threshold is exceeded, so that its end is told after a restart as well (N07.FR.13, FR.14). Hard-wired
notifications are told of like what monitors see, but there is no monitor that the CSMS could ask for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import msgspec

from voltbridge.domain.clock import Cancel
from voltbridge.domain.device_model import DataType, Mutability, Variable
from voltbridge.domain.monitoring import (
    LEAST_SEVERE,
    EventNotificationType,
    MonitoringBase,
    MonitorType,
)
from voltbridge.station.blocks.n_diagnostics.monitor import Monitor, Refusal, Watched, refusal_of, seconds_to_next
from voltbridge.station.context import Context
from voltbridge.station.device_model import Entry, parse_name
from voltbridge.station.facts import EventsFact, MonitoringReportFact, ReportedEvent, ReportedMonitor

__all__ = ["Monitoring", "WantedMonitor"]

_NAMESPACE: Final = "monitors"
_COUNTERS: Final = "monitoring"
_BASE: Final = "MonitoringCtrlr.ActiveMonitoringBase"
_LEVEL: Final = "MonitoringCtrlr.ActiveMonitoringLevel"
_POLL_S: Final = 1.0
_MOST: Final = 200
_PART: Final = 20
_NUMBERS: Final = (DataType.INTEGER, DataType.DECIMAL)
_HARD_WIRED: Final = EventNotificationType.HARD_WIRED_MONITOR
_PRECONFIGURED: Final = EventNotificationType.PRECONFIGURED_MONITOR
_CUSTOM: Final = EventNotificationType.CUSTOM_MONITOR
_NOTIFICATION: Final = EventNotificationType.HARD_WIRED_NOTIFICATION


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedMonitor:
    """One element of SetVariableMonitoring. ``type`` is MonitorEnumType, of any version."""

    variable: Variable
    type: str
    value: float
    severity: int
    transaction: bool = False
    id: int | None = None
    """Replace the monitor of this id."""


class Monitoring:
    """The monitors of one station."""

    def __init__(self, context: Context, transaction_of: Callable[[int], str | None]) -> None:
        """``transaction_of(evse_id)``: the transaction that runs there; 0: the only one that runs, if it is alone."""
        self._context = context
        self._model = context.device_model
        self._transaction_of = transaction_of
        self._factory = self._configured()
        self._notifications = tuple(self._hard_wired_notifications())
        self._monitors: dict[int, Monitor] = {}
        self._watched: dict[int, Watched] = {}
        self._timers: dict[int, Cancel] = {}
        self._poll: Cancel | None = None
        self._running = False
        self._looking = False
        self._awaited = True
        """Whether the CSMS has not listened yet in this life."""
        counters = context.store.all(_COUNTERS)
        self._last_event = int(counters.get("event", b"0"))
        self._last_id = max(int(counters.get("id", b"0")), *self._factory, 0)
        self._load()
        self._model.watch(lambda key: self.look())

    def start(self) -> None:
        """Begin to watch. Nothing is told before the CSMS listens: what a restart has changed is not to be lost."""
        self._running = True
        for monitor in self._all():
            self._begin(monitor)

    def registered(self) -> None:
        """The CSMS listens; from now on events are told, or kept, as they happen."""
        self._awaited = False
        self.look()

    def stop(self) -> None:
        """The engine stops."""
        self._running = False
        for cancel in (*self._timers.values(), *((self._poll,) if self._poll else ())):
            cancel()
        self._timers.clear()
        self._poll = None

    @property
    def enabled(self) -> bool:
        """MonitoringCtrlr.Enabled."""
        return self._context.settings.flag("MonitoringCtrlr.Enabled")

    # The CSMS

    def set(self, wanted: WantedMonitor) -> tuple[int | None, Refusal | None]:
        """The monitor's id, or why it is not taken (N04)."""
        entry = self._model.find(wanted.variable)
        if entry is None:
            return None, Refusal(self._model.unknown(wanted.variable), "NotFound")
        old = self._monitors.get(wanted.id) if wanted.id is not None else None
        refusal = (
            refusal_of(wanted.type, wanted.value, wanted.severity, entry.definition, self._model.upper_limit(entry))
            or self._conflict(wanted, entry, old)
            or (None if self.enabled else Refusal("Rejected", "NotEnabled"))
        )
        if refusal is not None:
            return None, refusal
        if old is None:
            self._last_id += 1
            self._context.store.put(_COUNTERS, "id", str(self._last_id).encode())
        monitor = Monitor(
            id=self._last_id if old is None else old.id,
            variable=entry.variable,
            type=MonitorType(wanted.type),
            value=wanted.value,
            severity=wanted.severity,
            transaction=wanted.transaction,
            alerting=old is not None and old.is_threshold and old.alerting and old.type == wanted.type,
        )
        self._keep(monitor)
        return monitor.id, None

    async def apply(self, ids: Iterable[int]) -> None:
        """Watch by the monitors just set: after the answer, which their events follow (N07.FR.11)."""
        for monitor_id in ids:
            monitor = self._monitors.get(monitor_id)
            if monitor is not None:
                self._end(monitor_id)
                self._begin(monitor)
        self.look()

    def clear(self, monitor_id: int) -> str:
        """ClearMonitoringStatusEnumType. Nothing is told of a threshold that was exceeded (N07.FR.12)."""
        monitor = self._monitors.get(monitor_id)
        if monitor is None:
            return "NotFound"
        if monitor.origin is _HARD_WIRED:
            return "Rejected"
        self._forget(monitor_id)
        if monitor_id in self._factory:
            self._context.store.put(_NAMESPACE, str(monitor_id), b"null")
        return "Accepted"

    def set_base(self, base: MonitoringBase) -> None:
        """N03: which monitors there are."""
        self._model.set(_BASE, base.value)
        if base is not MonitoringBase.ALL:
            for monitor in list(self._monitors.values()):
                if monitor.origin is not _HARD_WIRED:
                    self._forget(monitor.id)
            for key in list(self._context.store.all(_NAMESPACE)):
                self._context.store.delete(_NAMESPACE, key)
        if base is not MonitoringBase.HARD_WIRED_ONLY:
            for monitor in self._factory.values():
                if monitor.id not in self._monitors:
                    self._context.store.delete(_NAMESPACE, str(monitor.id))
                    self._monitors[monitor.id] = monitor
                    self._begin(monitor)
        self.look()

    def set_level(self, severity: int) -> bool:
        """N05: events of severities up to this one are told. False: there is no such severity."""
        if not 0 <= severity <= LEAST_SEVERE:
            return False
        self._model.set(_LEVEL, str(severity))
        return True

    def find(self, types: frozenset[MonitorType], names: Sequence[Callable[[Entry], bool]]) -> list[ReportedMonitor]:
        """Monitors of these types and of variables that one of ``names`` names; nothing named: all."""
        found = []
        for monitor in sorted(self._monitors.values(), key=lambda each: each.id):
            entry = self._model.find(monitor.variable)
            if entry is None or (types and monitor.type not in types):
                continue
            if not names or any(name(entry) for name in names):
                found.append(_reported(monitor))
        return found

    async def report(self, request_id: int, monitors: list[ReportedMonitor]) -> None:
        """Tell them, in parts (N02.FR.03, FR.09)."""
        generated_at = self._context.clock.now()
        for sequence, start in enumerate(range(0, len(monitors), _PART)):
            self._context.outbox.tell(
                MonitoringReportFact(
                    request_id=request_id,
                    generated_at=generated_at,
                    sequence=sequence,
                    to_be_continued=start + _PART < len(monitors),
                    monitors=tuple(monitors[start : start + _PART]),
                ),
                triggered=True,
            )

    # What happens

    def look(self) -> None:
        """Something may have changed: look at all thresholds and deltas."""
        if not self._running or self._awaited or self._looking or not self._watched:
            return
        self._looking = True
        try:
            events = [event for each in self._all() if (event := self._event(each)) is not None]
        finally:
            self._looking = False
        self._tell(events)

    def _event(self, monitor: Monitor) -> tuple[Monitor, ReportedEvent] | None:
        watched = self._watched.get(monitor.id)
        if watched is None or monitor.type.is_periodic:
            return None
        transaction = self._transaction_of(monitor.variable.component.evse_id or 0)
        before, watched.running = watched.running, transaction
        transaction = transaction or before
        if monitor.transaction and transaction is None:
            return None
        value = self._value(monitor.variable)
        if monitor.is_threshold:
            return self._threshold(monitor, watched, value, transaction)
        numeric = self._numeric(monitor.variable)
        if not watched.changed(monitor, value, numeric=numeric):
            return None
        watched.reference = value
        return monitor, self._made(monitor, "Delta", value, transaction)

    def _threshold(
        self, monitor: Monitor, watched: Watched, value: str, transaction: str | None
    ) -> tuple[Monitor, ReportedEvent] | None:
        try:
            target = float(self._model.target(monitor.variable.key)) if monitor.has_target else 0.0
            exceeded = monitor.exceeded(float(value), target)
        except ValueError:
            return None
        if exceeded == monitor.alerting:
            return None
        self._keep(msgspec.structs.replace(monitor, alerting=exceeded))
        if exceeded:
            watched.transaction = transaction
        return monitor, self._made(monitor, "Alerting", value, transaction or watched.transaction, cleared=not exceeded)

    def _due(self, monitor_id: int) -> None:
        """A periodic monitor's time has come."""
        self._timers.pop(monitor_id, None)
        monitor = self._monitors.get(monitor_id)
        if monitor is None or not self._running:
            return
        self._schedule(monitor)
        transaction = self._transaction_of(monitor.variable.component.evse_id or 0)
        if not monitor.transaction or transaction is not None:
            self._tell([(monitor, self._made(monitor, "Periodic", self._value(monitor.variable), transaction))])

    def _made(
        self, monitor: Monitor, trigger: str, value: str, transaction: str | None, *, cleared: bool = False
    ) -> ReportedEvent:
        self._last_event = self._last_event % (2**31 - 1) + 1
        entry = self._model.find(monitor.variable)
        secret = entry is not None and entry.definition.mutability is Mutability.WRITE_ONLY
        return ReportedEvent(
            id=self._last_event,
            at=self._context.clock.now(),
            trigger=trigger,
            value="" if secret else value[:2500],
            variable=monitor.variable,
            monitor_id=None if monitor.origin is _NOTIFICATION else monitor.id,
            origin=monitor.origin,
            severity=monitor.severity,
            cleared=cleared,
            transaction=transaction,
        )

    def _tell(self, events: list[tuple[Monitor, ReportedEvent]]) -> None:
        """Those that are severe enough; offline, those that are worth to be kept (N05.FR.03, N07.FR.04, FR.15)."""
        settings = self._context.settings
        level = settings.number(_LEVEL)
        if not self._context.outbox.online:
            level = min(level, settings.number("MonitoringCtrlr.OfflineQueuingSeverity"))
        told = [event for monitor, event in events if monitor.severity <= level] if self.enabled else []
        if told:
            self._context.store.put(_COUNTERS, "event", str(self._last_event).encode())
        for sequence, start in enumerate(range(0, len(told), _PART)):
            self._context.outbox.tell(
                EventsFact(
                    generated_at=self._context.clock.now(),
                    sequence=sequence,
                    to_be_continued=start + _PART < len(told),
                    events=tuple(told[start : start + _PART]),
                )
            )

    # Monitors

    def _begin(self, monitor: Monitor) -> None:
        if not self._running:
            return
        if monitor.type.is_periodic:
            self._schedule(monitor)
            return
        self._watched[monitor.id] = Watched(self._value(monitor.variable))
        if self._poll is None and self._model.is_provided(monitor.variable):
            self._poll = self._context.clock.call_later(_POLL_S, self._polled)

    def _polled(self) -> None:
        """What hardware tells has no listeners."""
        self._poll = None
        self.look()
        if self._running and any(
            self._model.is_provided(each.variable) for each in self._all() if not each.type.is_periodic
        ):
            self._poll = self._context.clock.call_later(_POLL_S, self._polled)

    def _schedule(self, monitor: Monitor) -> None:
        wait_s = seconds_to_next(monitor, self._context.clock.now())
        self._timers[monitor.id] = self._context.clock.call_later(wait_s, partial(self._due, monitor.id))

    def _end(self, monitor_id: int) -> None:
        self._watched.pop(monitor_id, None)
        if (cancel := self._timers.pop(monitor_id, None)) is not None:
            cancel()

    def _forget(self, monitor_id: int) -> None:
        self._end(monitor_id)
        self._monitors.pop(monitor_id, None)
        self._context.store.delete(_NAMESPACE, str(monitor_id))

    def _keep(self, monitor: Monitor) -> None:
        self._monitors[monitor.id] = monitor
        self._context.store.put(_NAMESPACE, str(monitor.id), msgspec.json.encode(monitor))

    def _conflict(self, wanted: WantedMonitor, entry: Entry, old: Monitor | None) -> Refusal | None:
        if wanted.id is not None and old is None:
            return Refusal("Rejected", "NotFound")
        if old is not None and (old.variable.key != entry.variable.key or old.origin is _HARD_WIRED):
            return Refusal("Rejected", "InvalidValue")  # N04.FR.16, FR.18
        for other in self._monitors.values():
            same = (other.variable.key, other.type, other.severity) == (
                entry.variable.key,
                wanted.type,
                wanted.severity,
            )
            if same and other.id != wanted.id:
                return Refusal("Duplicate", "InvalidValue")  # N04.FR.10
        if old is None and len(self._monitors) >= _MOST:
            return Refusal("Rejected", "OutOfStorage")
        return None

    def _configured(self) -> dict[int, Monitor]:
        monitors = {}
        for number, preset in enumerate(self._context.configuration.monitors, 1):
            entry = self._model.find(parse_name(preset.variable))
            if entry is None:
                raise ValueError(f"there is no variable {preset.variable}")
            monitors[number] = Monitor(
                id=number,
                variable=entry.variable,
                type=MonitorType(preset.type),
                value=preset.value,
                severity=preset.severity,
                origin=_HARD_WIRED if preset.hard_wired else _PRECONFIGURED,
            )
        return monitors

    def _hard_wired_notifications(self) -> Iterator[Monitor]:
        """As monitors that have no number of their own."""
        for number, preset in enumerate(self._context.configuration.notifications, 1):
            entry = self._model.find(parse_name(preset.variable))
            if entry is None:
                raise ValueError(f"there is no variable {preset.variable}")
            yield Monitor(
                id=-number,
                variable=entry.variable,
                type=MonitorType.DELTA,
                value=0.0,
                severity=preset.severity,
                origin=_NOTIFICATION,
            )

    def _all(self) -> tuple[Monitor, ...]:
        return (*self._monitors.values(), *self._notifications)

    def _load(self) -> None:
        """What is on disk goes before the configuration; a preset one that was cleared is kept as nothing."""
        hard_only = self._model.get(_BASE) == MonitoringBase.HARD_WIRED_ONLY.value
        for monitor in self._factory.values():
            if monitor.origin is _HARD_WIRED or not hard_only:
                self._monitors[monitor.id] = monitor
        for key, kept in self._context.store.all(_NAMESPACE).items():
            monitor = msgspec.json.decode(kept, type=Monitor | None)
            if monitor is None:
                self._monitors.pop(int(key), None)
            elif self._model.find(monitor.variable) is not None:
                self._monitors[monitor.id] = monitor

    def _value(self, variable: Variable) -> str:
        return self._model.get_key(variable.key)

    def _numeric(self, variable: Variable) -> bool:
        entry = self._model.find(variable)
        return entry is not None and entry.definition.characteristics.data_type in _NUMBERS


def _reported(monitor: Monitor) -> ReportedMonitor:
    return ReportedMonitor(
        id=monitor.id,
        variable=monitor.variable,
        type=monitor.type,
        value=monitor.value,
        severity=monitor.severity,
        transaction=monitor.transaction,
        origin=monitor.origin,
    )
