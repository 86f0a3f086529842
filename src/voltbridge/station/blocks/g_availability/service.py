"""The states of the station, its EVSEs and connectors (2.0.1 block G; 1.6 4.7, 5.2).

A connector's state follows from what is kept here: what is operative, what is broken, reserved or in use. What the CSMS
made inoperative stays so over restarts; where somebody charges, it counts once the transaction has ended (G03.FR.06).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Final

from voltbridge.domain.clock import Cancel
from voltbridge.station.context import Context, on_disk
from voltbridge.station.facts import ConnectorState, StatusFact
from voltbridge.station.ports import FaultCleared, FaultOccurred

__all__ = ["USB", "Availability", "AvailabilityStatus", "Place"]

USB: Final = "USB"
"""What a vendor's error codes begin with that tell of a device at a USB port."""
_NAMESPACE: Final = "availability"
_STATION: Final = (0, 0)
_FREE: Final = frozenset(
    {ConnectorState.AVAILABLE, ConnectorState.RESERVED, ConnectorState.UNAVAILABLE, ConnectorState.FAULTED}
)
"""States that are called the same in 2.x."""
Place = tuple[int, int]
"""EVSE and connector; connector 0: the EVSE; EVSE 0: the station."""


class AvailabilityStatus(StrEnum):
    """What the CSMS is told."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    SCHEDULED = "Scheduled"


@dataclass(frozen=True, slots=True)
class _Told:
    state: ConnectorState
    status: str
    error_code: str


class Availability:
    """Knows the state of every connector, and tells it."""

    __slots__ = (
        "_context",
        "_down",
        "_faults",
        "_in_use",
        "_inoperative",
        "_listeners",
        "_occupied",
        "_pending",
        "_reserved",
        "_sessions",
        "_told",
    )

    def __init__(self, context: Context) -> None:
        self._context = context
        self._inoperative: set[Place] = set()
        for key in context.store.all(_NAMESPACE):
            evse_id, _, connector_id = key.partition("/")
            self._inoperative.add((int(evse_id), int(connector_id)))
        self._down: set[int] = set()
        """EVSEs that restart just now."""
        self._faults: dict[Place, dict[str, FaultOccurred]] = {}
        self._reserved: set[Place] = set()
        self._sessions: dict[int, tuple[int, ConnectorState]] = {}
        """EVSE -> connector in use and its state."""
        self._in_use: set[int] = set()
        """EVSEs with a transaction."""
        self._occupied: set[int] = set()
        """EVSEs with a cable in them."""
        self._told: dict[Place, _Told] = {}
        self._pending: dict[Place, Cancel] = {}
        self._listeners: list[Callable[[int, int, ConnectorState], None]] = []
        self._provide()

    # What others ask

    def state(self, evse_id: int, connector_id: int) -> ConnectorState:
        """The state of a connector; (0, 0): of the station."""
        if self._faulted(evse_id, connector_id):
            return ConnectorState.FAULTED
        if evse_id == 0:
            return ConnectorState.AVAILABLE if self.operative(0) else ConnectorState.UNAVAILABLE
        used, session = self._sessions.get(evse_id, (connector_id, ConnectorState.AVAILABLE))
        if evse_id in self._in_use and used == connector_id:
            return session
        if not self.operative(evse_id, connector_id) or evse_id in self._down or evse_id in self._in_use:
            return ConnectorState.UNAVAILABLE
        if session is not ConnectorState.AVAILABLE:
            return session if used == connector_id else ConnectorState.UNAVAILABLE
        if {(evse_id, connector_id), (evse_id, 0)} & self._reserved:
            return ConnectorState.RESERVED
        return ConnectorState.AVAILABLE

    def status(self, evse_id: int, connector_id: int) -> str:
        """The same in the words of 2.x: Occupied once a cable is in (E02.FR.05), whatever the driver does before."""
        state = self.state(evse_id, connector_id)
        if state in _FREE:
            return state.value
        return "Occupied" if evse_id in self._occupied else "Available"

    def operative(self, evse_id: int, connector_id: int = 0) -> bool:
        """Whether the CSMS lets it be used, and all it is part of."""
        override = self._context.device_model.get("BackendCtrlr.ForceConnectorState")
        if override != "None":
            return override == "Available"
        return not {_STATION, (evse_id, 0), (evse_id, connector_id)} & self._inoperative

    def usable(self, evse_id: int, connector_id: int = 0) -> bool:
        """Whether charging may begin there, reservations apart."""
        return (
            self.operative(evse_id, connector_id)
            and evse_id not in self._down
            and not self._faulted(evse_id, connector_id)
        )

    def faulted(self, evse_id: int, connector_id: int = 0) -> bool:
        """Something there is broken that does not allow charging."""
        return self._faulted(evse_id, connector_id)

    def on_change(self, listener: Callable[[int, int, ConnectorState], None]) -> None:
        """Call with EVSE, connector and state whenever a state has changed."""
        self._listeners.append(listener)

    # What others tell

    def session(
        self, evse_id: int, connector_id: int, state: ConnectorState, *, plugged: bool, transaction: bool
    ) -> None:
        """Block E: what the vehicle and the driver do there. Available when nobody does anything."""
        if state is ConnectorState.AVAILABLE:
            self._sessions.pop(evse_id, None)
        else:
            self._sessions[evse_id] = (connector_id, state)
        for yes, evses in ((transaction, self._in_use), (plugged, self._occupied)):
            if yes:
                evses.add(evse_id)
            else:
                evses.discard(evse_id)
        self._look_at(evse_id)

    def reserved(self, evse_id: int, connector_id: int, reserved: bool) -> None:
        """Block H: a reservation begins or ends; connector 0: any of the EVSE."""
        if reserved:
            self._reserved.add((evse_id, connector_id))
        else:
            self._reserved.discard((evse_id, connector_id))
        self._look_at(evse_id)

    def down(self, evse_id: int, down: bool) -> None:
        """The EVSE restarts, or firmware is installed; 0: the station."""
        places = range(1, len(self._context.configuration.evses) + 1) if evse_id == 0 else (evse_id,)
        for each in places:
            if down:
                self._down.add(each)
            else:
                self._down.discard(each)
            self._look_at(each)

    def fault(self, fault: FaultOccurred) -> None:
        """Something broke."""
        place = (fault.evse_id, fault.connector_id if fault.evse_id else 0)
        self._faults.setdefault(place, {})[f"{fault.code}/{fault.vendor_error_code}"] = fault
        if not fault.stops:
            self._warn(place, fault)
        self._look_at(fault.evse_id)

    def fault_cleared(self, cleared: FaultCleared) -> None:
        """It works again."""
        place = (cleared.evse_id, cleared.connector_id if cleared.evse_id else 0)
        gone = self._faults.get(place, {}).pop(f"{cleared.code}/{cleared.vendor_error_code}", None)
        if gone is not None and not gone.stops:
            self._warn(place, gone, over=True)
        self._look_at(cleared.evse_id)

    async def change(self, places: list[Place], operative: bool) -> AvailabilityStatus:
        """ChangeAvailability of these places, on disk before it is told (G03, G04; 1.6 5.2)."""
        configuration = self._context.configuration
        for evse_id, connector_id in places:
            if evse_id and not configuration.has(evse_id, connector_id or None):
                return AvailabilityStatus.REJECTED
        changed = {place for place in places if (place in self._inoperative) == operative}
        self._keep(changed, operative)
        await on_disk(self._context.store, lambda: self._keep(changed, not operative))
        affected = {each for evse_id, _ in places for each in self._evses_of(evse_id)}
        if changed and affected & self._in_use and not operative:
            return AvailabilityStatus.SCHEDULED
        return AvailabilityStatus.ACCEPTED

    def _keep(self, places: set[Place], operative: bool) -> None:
        for place in places:
            key = f"{place[0]}/{place[1]}"
            if operative:
                self._inoperative.discard(place)
                self._context.store.delete(_NAMESPACE, key)
            else:
                self._inoperative.add(place)
                self._context.store.put(_NAMESPACE, key, b"Inoperative")

    def apply(self) -> None:
        """Look at all states: after an answer to the CSMS, which the notifications follow (G03.FR.04)."""
        self._look_at(0)

    def inform(self, evse_id: int, info: str, *, error_code: str = "NoError") -> None:
        """Tell something that changes no state, where the operator wants to know (1.6; 2.x says nothing)."""
        if self._context.outbox.online:
            connector_id = 1 if evse_id else 0
            now = self._content((evse_id, connector_id))
            self._context.outbox.tell(
                StatusFact(
                    at=self._context.clock.now(),
                    evse_id=evse_id,
                    connector_id=connector_id,
                    state=now.state,
                    status=now.status,
                    previous_status=now.status,
                    error_code=error_code,
                    info=info,
                )
            )

    def report(self, *, everything: bool) -> None:
        """Tell the CSMS all states, or those that have changed since they were told (B01.FR.05, B04)."""
        for place in (_STATION, *self._context.configuration.connectors):
            told = self._told.get(place)
            if everything or told is None or self._content(place) != told:
                self._tell(place, previous=None)

    def report_one(self, evse_id: int, connector_id: int) -> None:
        """Tell one state because the CSMS asks for it (F06)."""
        self._tell((evse_id, connector_id), previous=None, triggered=True)

    # Telling

    def _look_at(self, evse_id: int) -> None:
        for place in (_STATION, *self._context.configuration.connectors):
            if evse_id in (0, place[0]) or place == _STATION:
                self._look_at_one(place)

    def _look_at_one(self, place: Place) -> None:
        now = self._content(place)
        told = self._told.get(place)
        if now == told:
            if (cancel := self._pending.pop(place, None)) is not None:
                cancel()
            return
        for listener in self._listeners:
            listener(*place, now.state)
        if self._told.get(place) != told:
            return  # a listener has changed something, and it has been told
        if told is None or not self._context.outbox.online:
            return  # told when the CSMS next hears of everything, or of what changed
        duration_s = self._context.settings.minimum_status_duration_s
        if duration_s == 0 or now.state is ConnectorState.FAULTED:
            self._tell(place, previous=told.status)
        else:  # 1.6 9.1.20: only what lasts is worth a message
            if (cancel := self._pending.pop(place, None)) is not None:
                cancel()
            self._pending[place] = self._context.clock.call_later(duration_s, lambda: self._tell_if_new(place))

    def _tell_if_new(self, place: Place) -> None:
        self._pending.pop(place, None)
        told = self._told.get(place)
        if told is not None and self._context.outbox.online and self._content(place) != told:
            self._tell(place, previous=told.status)

    def _tell(self, place: Place, *, previous: str | None, triggered: bool = False) -> None:
        now = self._told[place] = self._content(place)
        fault = next(iter(self._stopping(*place)), None)
        self._context.outbox.tell(
            StatusFact(
                at=self._context.clock.now(),
                evse_id=place[0],
                connector_id=place[1],
                state=now.state,
                status=now.status,
                previous_status=previous,
                error_code=now.error_code,
                info=fault.info if fault else "",
                vendor_error_code=fault.vendor_error_code if fault else "",
            ),
            triggered=triggered,
        )

    def _warn(self, place: Place, fault: FaultOccurred, *, over: bool = False) -> None:
        """Tell of a fault that does not stop anything (1.6 4.7), or that it is ``over``."""
        if self._context.outbox.online and self._is_wanted(fault):
            now = self._content(place)
            self._context.outbox.tell(
                StatusFact(
                    at=self._context.clock.now(),
                    evse_id=place[0],
                    connector_id=place[1],
                    state=now.state,
                    status=now.status,
                    previous_status=now.status,
                    error_code="NoError" if over else fault.code,
                    info="" if over else fault.info,
                    vendor_error_code=fault.vendor_error_code,
                )
            )

    def _is_wanted(self, fault: FaultOccurred) -> bool:
        settings = self._context.settings
        if fault.vendor_error_code.startswith(USB):
            return settings.flag("BackendCtrlr.SendUsbErrorStatusNotifications")
        return settings.flag("BackendCtrlr.SendErrorStatusNotifications")

    def _content(self, place: Place) -> _Told:
        fault = next(iter(self._stopping(*place)), None)
        state, status = self.state(*place), self.status(*place)
        if state is ConnectorState.PREPARING and self._context.settings.occupied_on_charging:
            state, status = ConnectorState.AVAILABLE, ConnectorState.AVAILABLE.value
        return _Told(state, status, fault.code if fault else "NoError")

    def _faulted(self, evse_id: int, connector_id: int) -> bool:
        return bool(self._stopping(evse_id, connector_id))

    def _stopping(self, evse_id: int, connector_id: int) -> list[FaultOccurred]:
        """What is broken there; a fault of the station is one of every connector."""
        places = dict.fromkeys((_STATION, (evse_id, 0), (evse_id, connector_id)))
        return [fault for place in places for fault in self._faults.get(place, {}).values() if fault.stops]

    def _evses_of(self, evse_id: int) -> range | tuple[int]:
        return range(1, len(self._context.configuration.evses) + 1) if evse_id == 0 else (evse_id,)

    def _provide(self) -> None:
        model = self._context.device_model
        model.provide("ChargingStation.AvailabilityState", partial(self.status, 0, 0))
        model.provide("ChargingStation.Problem", partial(self._problem, 0, 0))
        for evse_id, connector_id in self._context.configuration.connectors:
            place = f"Connector@{evse_id}.{connector_id}"
            model.provide(f"{place}.AvailabilityState", partial(self.status, evse_id, connector_id))
            model.provide(f"{place}.Problem", partial(self._problem, evse_id, connector_id))
            if connector_id == 1:
                model.provide(f"EVSE@{evse_id}.AvailabilityState", partial(self._of_evse, evse_id))
                model.provide(f"EVSE@{evse_id}.Problem", partial(self._problem, evse_id, 1))

    def _problem(self, evse_id: int, connector_id: int) -> str:
        return "true" if self._faulted(evse_id, connector_id) else "false"

    def _of_evse(self, evse_id: int) -> str:
        """Occupied when any of its connectors is; else what its first connector is."""
        count = len(self._context.configuration.evses[evse_id - 1].connectors)
        states = [self.status(evse_id, connector_id) for connector_id in range(1, count + 1)]
        return "Occupied" if "Occupied" in states else states[0]
