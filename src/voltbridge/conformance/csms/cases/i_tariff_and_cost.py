"""Block I: the running and the final cost that the CSMS tells (I02, I03).

The CSMS is told beforehand to price the energy. Readings at the start give it something to price.
"""

from __future__ import annotations

from typing import Final

from voltbridge.conformance.case import csms_case
from voltbridge.conformance.csms.meter import meter_value
from voltbridge.conformance.csms.states import (
    authorized,
    energy_transfer_started,
    ev_connected_post_session,
    ev_connected_pre_session,
)
from voltbridge.conformance.csms.station import SimulatedStation, State
from voltbridge.conformance.failure import StepFailed
from voltbridge.conformance.received import ABSENT

__all__: list[str] = []

_UPDATE: Final = "CostUpdated"
_FIRST_WH: Final = 1000.0
_LAST_WH: Final = 6000.0
_READINGS_WH: Final = (2000.0, 3000.0)


@csms_case("TC_I_01_CSMS")
async def running_cost(station: SimulatedStation) -> None:
    """The running cost is told in the responses to transaction events, or by CostUpdatedRequests."""
    await station.csms.price(station.configuration.station_id)
    updates = station.connection.take(_UPDATE, {})
    session = station.session()
    response = await station.authorize(1, session.token)
    response.expect("idTokenInfo.status", "Accepted")
    response = await station.transaction_event(3, "Updated", "Authorized", token=session.token)
    response.expect("idTokenInfo.status", "Accepted")
    session.authorized, session.state = True, State.AUTHORIZED
    begin = [meter_value(station.clock.now(), "Transaction.Begin", _FIRST_WH)]
    await ev_connected_pre_session(station, meter_value=begin)
    await energy_transfer_started(station)
    for reading_wh in _READINGS_WH:
        await station.clock.sleep(station.configuration.sampled_interval_s)
        while not updates.empty():
            updates.get_nowait()
        reading = [meter_value(station.clock.now(), "Sample.Periodic", reading_wh)]
        response = await station.transaction_event(7, "Updated", "MeterValuePeriodic", meter_value=reading)
        if response.at("totalCost") is ABSENT:
            update = await station.taken(9, _UPDATE, updates)
            update.expect("transactionId", session.transaction_id)


@csms_case("TC_I_02_CSMS")
async def final_cost(station: SimulatedStation) -> None:
    """The total cost is told when the transaction ends."""
    await station.csms.price(station.configuration.station_id)
    station.connection.take(_UPDATE, {})
    begin = [meter_value(station.clock.now(), "Transaction.Begin", _FIRST_WH)]
    await ev_connected_pre_session(station, meter_value=begin)
    await authorized(station)
    await energy_transfer_started(station)
    await ev_connected_post_session(station)
    await station.report(6, "Available", [(station.evse_id, station.configuration.connector_id)])
    end = [meter_value(station.clock.now(), "Transaction.End", _LAST_WH)]
    response = await station.transaction_event(
        8, "Ended", "EVCommunicationLost", meter_value=end, chargingState="Idle", stoppedReason="EVDisconnected"
    )
    if response.at("totalCost") is ABSENT:
        raise StepFailed(response.step, f"{response.name}.totalCost", "no such field")
