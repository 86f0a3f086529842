"""What the kit knows of a charging session at one EVSE, from what the station told and what was done to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from voltbridge.conformance.configuration import Token

__all__ = ["Session", "State"]


class State(StrEnum):
    """The reusable states a charging session goes through (Part 6, 2.18)."""

    PARKING_BAY_OCCUPIED = "ParkingBayOccupied"
    AUTHORIZED = "Authorized"
    EV_CONNECTED_PRE_SESSION = "EVConnectedPreSession"
    ENERGY_TRANSFER_STARTED = "EnergyTransferStarted"
    ENERGY_TRANSFER_SUSPENDED = "EnergyTransferSuspended"
    STOP_AUTHORIZED = "StopAuthorized"
    EV_CONNECTED_POST_SESSION = "EVConnectedPostSession"
    EV_DISCONNECTED = "EVDisconnected"
    PARKING_BAY_UNOCCUPIED = "ParkingBayUnoccupied"


@dataclass(slots=True)
class Session:
    """What happens at one EVSE."""

    evse_id: int
    token: Token
    """Presented to start and stop here."""
    state: State | None = None
    authorized: bool = False
    ev_connected: bool = False
    in_bay: bool = False
    remote: bool = False
    """Whether the CSMS started or stopped it."""
    transaction_id: str | None = None
    """Of the transaction that is open, or None."""
    last_transaction_id: str | None = None
    """Of the latest transaction, open or not."""
    begun: bool = False
    """Whether a step has seen the first message of the transaction."""
    charging_state: str | None = None
    """Told last of the latest transaction."""

    def runs(self) -> bool:
        """Whether a transaction is open."""
        return self.transaction_id is not None

    def saw(self, event: Mapping[str, Any]) -> None:
        """A TransactionEventRequest came."""
        transaction_id = event["transactionInfo"]["transactionId"]
        evse = event.get("evse")
        mine = transaction_id == self.last_transaction_id
        if not mine and (evse["id"] == self.evse_id if evse is not None else event["eventType"] == "Started"):
            mine = event["eventType"] == "Started"
        if mine:
            if event["eventType"] == "Started":
                self.charging_state = None
            self.charging_state = event["transactionInfo"].get("chargingState", self.charging_state)
            self.last_transaction_id = transaction_id
            self.transaction_id = None if event["eventType"] == "Ended" else transaction_id
            self.begun = self.begun and event["eventType"] != "Ended"
