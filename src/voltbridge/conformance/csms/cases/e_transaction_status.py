"""Block E: the CSMS asks whether a transaction goes on and whether messages of it wait (E14)."""

from __future__ import annotations

from voltbridge.conformance.case import csms_case
from voltbridge.conformance.csms.meter import meter_value
from voltbridge.conformance.csms.states import energy_transfer_started
from voltbridge.conformance.csms.station import SimulatedStation
from voltbridge.conformance.received import ABSENT

__all__: list[str] = []

_ACTION = "GetTransactionStatus"


@csms_case("TC_E_29_CSMS")
async def ongoing_with_messages(station: SimulatedStation) -> None:
    """The transaction goes on and a message of it waits."""
    await energy_transfer_started(station)
    await station.reconnect(1)
    await _status(station, 3, messages_in_queue=True, ongoing=True)
    await _late_reading(station, 5)


@csms_case("TC_E_30_CSMS")
async def ongoing_without_messages(station: SimulatedStation) -> None:
    """The transaction goes on and no message of it waits."""
    await energy_transfer_started(station)
    await _status(station, 1, messages_in_queue=False, ongoing=True)


@csms_case("TC_E_31_CSMS")
async def ended_with_messages(station: SimulatedStation) -> None:
    """The transaction has ended and messages of it wait; they come after the end."""
    await energy_transfer_started(station)
    await station.reconnect(1)
    await station.report(3, "Available", [(station.evse_id, station.configuration.connector_id)], event=False)
    session = station.session()
    transaction_id, first_skipped = session.transaction_id, session.seq_no
    session.seq_no += 2
    await station.transaction_event(
        5, "Ended", "EVCommunicationLost", offline=True, chargingState="Idle", stoppedReason="EVDisconnected"
    )
    session.transaction_id = transaction_id
    await _status(station, 7, messages_in_queue=True, ongoing=False)
    session.seq_no = first_skipped
    await station.transaction_event(9, "Updated", "StopAuthorized", offline=True)
    await station.transaction_event(11, "Updated", "ChargingStateChanged", offline=True, chargingState="EVConnected")
    session.transaction_id = None


@csms_case("TC_E_33_CSMS")
async def any_with_messages(station: SimulatedStation) -> None:
    """Messages wait; no transaction is named."""
    await energy_transfer_started(station)
    await station.reconnect(1)
    await _status(station, 3, messages_in_queue=True)
    await _late_reading(station, 5)


@csms_case("TC_E_34_CSMS")
async def any_without_messages(station: SimulatedStation) -> None:
    """No message waits; no transaction is named."""
    await _status(station, 1, messages_in_queue=False)


async def _status(
    station: SimulatedStation, step: int, *, messages_in_queue: bool, ongoing: bool | None = None
) -> None:
    """The CSMS asks; with ``ongoing`` it is about the transaction at hand."""
    transaction_id = station.session().transaction_id
    named = {} if ongoing is None else {"transactionId": transaction_id}
    what = "of any transaction" if ongoing is None else f"of transaction {transaction_id}"
    command = "get_transaction_status", {} if ongoing is None else {"transaction_id": transaction_id}
    text = f"ask whether messages {what} wait at the station"
    asked = await station.asked(step, text, _ACTION, named, command=command)
    asked.expect("transactionId", ABSENT if ongoing is None else transaction_id)
    answer = {"messagesInQueue": messages_in_queue}
    if ongoing is not None:
        answer["ongoingIndicator"] = ongoing
    await asked.answer(answer)


async def _late_reading(station: SimulatedStation, step: int) -> None:
    """The message that had to wait."""
    reading = meter_value(station.clock.now(), "Sample.Periodic", 100.0)
    await station.transaction_event(step, "Updated", "MeterValuePeriodic", meter_value=[reading], offline=True)
