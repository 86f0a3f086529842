"""What the CSMS makes a station do on the spot: unlock a connector, send a message (2.0.1 F05, F06; 1.6 5.17, 5.18)."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from voltbridge.station.answers import Registration
from voltbridge.station.blocks.b_provisioning.service import Provisioning
from voltbridge.station.blocks.e_transactions.service import Transactions
from voltbridge.station.blocks.g_availability.service import Availability
from voltbridge.station.blocks.j_meter_values.service import Metering
from voltbridge.station.context import Context
from voltbridge.station.facts import FirmwareStatusFact, LogStatusFact
from voltbridge.station.ports import UnlockResult

__all__ = ["RemoteControl", "Trigger", "TriggerStatus", "UnlockStatus"]

Trigger = Callable[[int | None, int | None], bool]
"""Sends what is asked for of (EVSE, connector); False when there is nothing to send."""


class UnlockStatus(StrEnum):
    """What the CSMS is told."""

    UNLOCKED = "Unlocked"
    UNLOCK_FAILED = "UnlockFailed"
    ONGOING = "OngoingAuthorizedTransaction"
    UNKNOWN_CONNECTOR = "UnknownConnector"
    NOT_SUPPORTED = "NotSupported"
    """1.6: there is no lock."""


class TriggerStatus(StrEnum):
    """What the CSMS is told."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    NOT_IMPLEMENTED = "NotImplemented"


class RemoteControl:
    """Unlocks and triggers. Other blocks add the messages they can be asked for by ``on_trigger``."""

    __slots__ = ("_availability", "_context", "_metering", "_provisioning", "_transactions", "_triggers")

    def __init__(
        self,
        context: Context,
        provisioning: Provisioning,
        transactions: Transactions,
        availability: Availability,
        metering: Metering,
    ) -> None:
        self._context = context
        self._provisioning = provisioning
        self._transactions = transactions
        self._availability = availability
        self._metering = metering
        self._triggers: dict[str, Trigger] = {
            "BootNotification": self._boot,
            "Heartbeat": self._heartbeat,
            "StatusNotification": self._status,
            "MeterValues": lambda evse_id, _: metering.trigger(evse_id),
            "TransactionEvent": self._transaction,
            "LogStatusNotification": lambda *_: self._idle(LogStatusFact(status="Idle")),
            "DiagnosticsStatusNotification": lambda *_: self._idle(LogStatusFact(status="Idle", diagnostics=True)),
            "FirmwareStatusNotification": lambda *_: self._idle(FirmwareStatusFact(status="Idle")),
        }

    def on_trigger(self, message: str, send: Trigger) -> None:
        """Let this answer for a message (MessageTriggerEnumType), instead of what did before."""
        self._triggers[message] = send

    async def unlock(self, evse_id: int, connector_id: int) -> UnlockStatus:
        """F05. A transaction whose driver is authorized forbids it."""
        if not self._context.configuration.has(evse_id, connector_id):
            return UnlockStatus.UNKNOWN_CONNECTOR
        session = self._transactions.session(evse_id)
        busy = session.transaction is not None and session.driver is not None
        if busy and session.connector_id == connector_id:
            return UnlockStatus.ONGOING
        connector = self._context.configuration.evses[evse_id - 1].connectors[connector_id - 1]
        if connector.cable_attached:
            return UnlockStatus.NOT_SUPPORTED
        result = await session.unlock()
        return UnlockStatus.UNLOCKED if result is UnlockResult.UNLOCKED else UnlockStatus.UNLOCK_FAILED

    def can_trigger(
        self, message: str, evse_id: int | None, connector_id: int | None, *, boot_again: bool = False
    ) -> TriggerStatus:
        """Whether the message will be sent; ``trigger`` sends it once that was told (F06.FR.04).

        ``boot_again``: a boot may be told although registration is accepted, which 2.x forbids (F06.FR.17).
        """
        if message not in self._triggers:
            return TriggerStatus.NOT_IMPLEMENTED
        if evse_id and not self._context.configuration.has(evse_id, connector_id or None):
            return TriggerStatus.REJECTED
        registered = self._context.outbox.registration is Registration.ACCEPTED
        if message == "BootNotification" and registered and not boot_again:
            return TriggerStatus.REJECTED
        if message == "TransactionEvent" and not self._transactions.running(evse_id or 0):
            return TriggerStatus.REJECTED
        return TriggerStatus.ACCEPTED

    async def trigger(self, message: str, evse_id: int | None, connector_id: int | None) -> None:
        """Send it."""
        self._triggers[message](evse_id, connector_id)

    def _boot(self, evse_id: int | None, connector_id: int | None) -> bool:
        del evse_id, connector_id
        self._provisioning.trigger_boot()
        return True

    def _heartbeat(self, evse_id: int | None, connector_id: int | None) -> bool:
        del evse_id, connector_id
        self._provisioning.trigger_heartbeat()
        return True

    def _status(self, evse_id: int | None, connector_id: int | None) -> bool:
        """Of one connector, of all of an EVSE, or of all (F06.FR.11)."""
        if evse_id == 0:
            self._availability.report_one(0, 0)
            return True
        if evse_id is None:
            self._availability.report_one(0, 0)
        for place in self._context.configuration.connectors:
            if evse_id in (None, place[0]) and connector_id in (None, place[1]):
                self._availability.report_one(*place)
        return True

    def _transaction(self, evse_id: int | None, connector_id: int | None) -> bool:
        del connector_id
        sessions = self._transactions.sessions
        told = [each.course.tell_now("Trigger") for each in sessions if evse_id in (None, 0, each.evse_id)]
        return True in told

    def _idle(self, fact: LogStatusFact | FirmwareStatusFact) -> bool:
        """Nothing goes on until the block that does it says otherwise (F06.FR.15, FR.16)."""
        self._context.outbox.tell(fact, triggered=True)
        return True
