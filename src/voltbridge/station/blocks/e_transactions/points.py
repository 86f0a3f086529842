"""When transactions start and stop (2.0.1 Part 2, E: TxStartPoint, TxStopPoint), as plain functions of what is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from voltbridge.protocol.versions import Version
from voltbridge.station.facts import ConnectorState
from voltbridge.station.ports import CarState
from voltbridge.station.settings import StationSettings

__all__ = ["Situation", "charging_state", "connector_state", "met", "start_points", "stop_points"]


@dataclass(frozen=True, slots=True)
class Situation:
    """What is the case at an EVSE."""

    plugged: bool = False
    parked: bool | None = None
    """What the sensor of the parking bay sees; None: there is no sensor."""
    authorized: bool = False
    car: CarState = CarState.A
    contactor_closed: bool = False
    allowed: bool = True
    """The limits leave some power, and nothing forbids giving it."""
    signing: bool = False
    """The meter signs, and is asked to."""

    @property
    def transferring(self) -> bool:
        return self.authorized and self.plugged and self.contactor_closed and self.car.asks and self.allowed

    @property
    def wants_power(self) -> bool:
        """The contactor is to be closed."""
        return self.plugged and self.authorized and self.car.asks and self.allowed


_START_16: Final = frozenset({"PowerPathClosed"})
"""1.6 starts a transaction once an authorized driver's vehicle is connected (4.8)."""


def start_points(version: Version, settings: StationSettings) -> frozenset[str]:
    """Any of these starts a transaction."""
    return _START_16 if version is Version.V16 else settings.tx_start_points


def stop_points(version: Version, settings: StationSettings) -> frozenset[str]:
    """Any of these, when it is no longer met, stops the transaction."""
    if version is not Version.V16:
        return settings.tx_stop_points
    return frozenset({"Authorized", "EVConnected"} if settings.stop_on_ev_side_disconnect else {"Authorized"})


def met(point: str, situation: Situation) -> bool:
    """Whether a point is reached. Without a sensor the bay counts as occupied while a vehicle is connected."""
    match point:
        case "ParkingBayOccupancy":
            return situation.plugged if situation.parked is None else situation.parked
        case "EVConnected":
            return situation.plugged
        case "Authorized":
            return situation.authorized
        case "PowerPathClosed":
            return situation.plugged and situation.authorized
        case "EnergyTransfer":
            return situation.transferring
        case "DataSigned":
            return situation.plugged and situation.authorized and situation.signing
    return False


def charging_state(situation: Situation) -> str:
    """ChargingStateEnumType. What the station suspends counts before what the vehicle does."""
    if not situation.plugged:
        return "Idle"
    if not situation.authorized:
        return "EVConnected"
    if not situation.allowed:
        return "SuspendedEVSE"
    if not situation.car.asks:
        return "SuspendedEV"
    return "Charging" if situation.contactor_closed else "EVConnected"


_STATES_16: Final = {
    "Charging": ConnectorState.CHARGING,
    "SuspendedEV": ConnectorState.SUSPENDED_EV,
    "SuspendedEVSE": ConnectorState.SUSPENDED_EVSE,
    "EVConnected": ConnectorState.PREPARING,
    "Idle": ConnectorState.SUSPENDED_EV,
}


def connector_state(situation: Situation, *, running: bool, ended: bool) -> ConnectorState:
    """The connector in the words of 1.6.

    ``running``: a transaction whose driver was authorized; ``ended``: one has ended and its cable is still there.
    """
    if running:
        if not situation.authorized and situation.plugged:
            return ConnectorState.SUSPENDED_EVSE
        return _STATES_16[charging_state(situation)]
    if situation.plugged and ended and not situation.authorized:
        return ConnectorState.FINISHING
    if situation.plugged or situation.authorized:
        return ConnectorState.PREPARING
    return ConnectorState.AVAILABLE
