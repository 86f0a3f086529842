"""G: the status of connectors, and availability changed by the CSMS."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from voltbridge.conformance.received import Received
from voltbridge.conformance.station.case import station_case
from voltbridge.conformance.station.charging_states import (
    energy_transfer_started,
    ev_connected_post_session,
    ev_connected_pre_session,
    ev_disconnected,
    parking_bay_unoccupied,
    stop_authorized,
)
from voltbridge.conformance.station.csms import SimulatedCsms
from voltbridge.conformance.station.states import (
    booted,
    booting,
    connector_is,
    connectors_are,
    connectors_of,
    unavailable,
)

__all__: list[str] = []


async def _change(
    csms: SimulatedCsms, status: str, answer: str, evse_id: int | None = None, connector_id: int | None = None
) -> Received:
    """Steps 1 and 2: ask for another availability of the station, an EVSE or a connector."""
    request: dict[str, Any] = {"operationalStatus": status}
    if evse_id is not None:
        request["evse"] = {"id": evse_id} | ({} if connector_id is None else {"connectorId": connector_id})
    response = await csms.call(2, "ChangeAvailability", request)
    response.expect("status", answer)
    return response


def _here(csms: SimulatedCsms) -> list[tuple[int, int]]:
    return [(csms.evse_id, csms.connector_id)]


@station_case("TC_G_01_CS")
async def occupied(csms: SimulatedCsms) -> None:
    """A connector becomes occupied."""
    await ev_connected_pre_session(csms)


@station_case("TC_G_02_CS")
async def available_again(csms: SimulatedCsms) -> None:
    """A connector becomes available again."""
    await ev_connected_pre_session(csms)
    await csms.station.unplug(csms.evse_id, csms.connector_id)
    csms.session().ev_connected = False
    await connector_is(csms, 3, "Available")


@station_case("TC_G_03_CS")
async def evse_inoperative(csms: SimulatedCsms) -> None:
    """An EVSE is made inoperative."""
    await unavailable(csms, evse_id=csms.evse_id)


@station_case("TC_G_04_CS")
async def evse_operative(csms: SimulatedCsms) -> None:
    """An EVSE is made operative again."""
    await unavailable(csms, evse_id=csms.evse_id)
    await _change(csms, "Operative", "Accepted", csms.evse_id)
    await connectors_are(csms, 3, "Available", connectors_of(csms, csms.evse_id))


@station_case("TC_G_05_CS")
async def station_inoperative(csms: SimulatedCsms) -> None:
    """The station is made inoperative."""
    await unavailable(csms)


@station_case("TC_G_06_CS")
async def station_operative(csms: SimulatedCsms) -> None:
    """The station is made operative again."""
    await unavailable(csms)
    await _change(csms, "Operative", "Accepted")
    await connectors_are(csms, 3, "Available")


@station_case("TC_G_07_CS")
async def connector_inoperative(csms: SimulatedCsms) -> None:
    """A connector is made inoperative."""
    await unavailable(csms, evse_id=csms.evse_id, connector_id=csms.connector_id)


@station_case("TC_G_08_CS")
async def connector_operative(csms: SimulatedCsms) -> None:
    """A connector is made operative again."""
    await unavailable(csms, evse_id=csms.evse_id, connector_id=csms.connector_id)
    await _change(csms, "Operative", "Accepted", csms.evse_id, csms.connector_id)
    await connector_is(csms, 3, "Available")


@station_case("TC_G_09_CS")
async def evse_operative_already(csms: SimulatedCsms) -> None:
    """An EVSE is made what it is: operative."""
    await _change(csms, "Operative", "Accepted", csms.evse_id)


@station_case("TC_G_10_CS")
async def evse_inoperative_already(csms: SimulatedCsms) -> None:
    """An EVSE is made what it is: inoperative."""
    await unavailable(csms, evse_id=csms.evse_id)
    await _change(csms, "Inoperative", "Accepted", csms.evse_id)


@station_case("TC_G_12_CS")
async def station_operative_already(csms: SimulatedCsms) -> None:
    """The station is made what it is: operative."""
    await _change(csms, "Operative", "Accepted")


@station_case("TC_G_13_CS")
async def station_inoperative_already(csms: SimulatedCsms) -> None:
    """The station is made what it is: inoperative."""
    await unavailable(csms)
    await _change(csms, "Inoperative", "Accepted")


@station_case("TC_G_15_CS")
async def connector_operative_already(csms: SimulatedCsms) -> None:
    """A connector is made what it is: operative."""
    await _change(csms, "Operative", "Accepted", csms.evse_id, csms.connector_id)


@station_case("TC_G_16_CS")
async def connector_inoperative_already(csms: SimulatedCsms) -> None:
    """A connector is made what it is: inoperative."""
    await unavailable(csms, evse_id=csms.evse_id, connector_id=csms.connector_id)
    await _change(csms, "Inoperative", "Accepted", csms.evse_id, csms.connector_id)


async def _unavailable_when_over(csms: SimulatedCsms, connectors: Iterable[tuple[int, int]], first: int) -> None:
    """The transaction is brought to its end, after which the connectors are unavailable."""
    session = csms.session()
    states: tuple[Callable[[SimulatedCsms], Awaitable[object]], ...] = (
        stop_authorized,
        ev_connected_post_session,
        ev_disconnected,
        parking_bay_unoccupied,
    )
    csms.forget("StatusNotification")
    csms.forget("NotifyEvent")
    for number, state in enumerate(states):
        await state(csms)
        if not session.runs():
            await connectors_are(csms, first + 3 * number, "Unavailable", connectors)
            return


@station_case("TC_G_11_CS")
async def evse_after_transaction(csms: SimulatedCsms) -> None:
    """An EVSE becomes inoperative when its transaction is over."""
    await energy_transfer_started(csms)
    await _change(csms, "Inoperative", "Scheduled", csms.evse_id)
    await csms.transaction_duration()
    await _unavailable_when_over(csms, connectors_of(csms, csms.evse_id), 4)


@station_case("TC_G_14_CS")
async def station_after_transaction(csms: SimulatedCsms) -> None:
    """The station becomes inoperative: where there is no transaction at once, elsewhere when it is over."""
    await energy_transfer_started(csms)
    await _change(csms, "Inoperative", "Scheduled")
    others = [one for one in csms.configuration.connectors() if one[0] != csms.evse_id]
    await connectors_are(csms, 3, "Unavailable", others)
    await csms.transaction_duration()
    await _unavailable_when_over(csms, connectors_of(csms, csms.evse_id), 6)


@station_case("TC_G_17_CS")
async def connector_after_transaction(csms: SimulatedCsms) -> None:
    """A connector becomes inoperative when its transaction is over."""
    await energy_transfer_started(csms)
    await _change(csms, "Inoperative", "Scheduled", csms.evse_id, csms.connector_id)
    await csms.transaction_duration()
    await _unavailable_when_over(csms, _here(csms), 4)


@station_case("TC_G_18_CS")
async def evse_persists(csms: SimulatedCsms) -> None:
    """An inoperative EVSE stays so over a reboot."""
    await _change(csms, "Inoperative", "Accepted", csms.evse_id)
    await connectors_are(csms, 3, "Unavailable", connectors_of(csms, csms.evse_id))
    statuses = {
        one: "Unavailable" if one[0] == csms.evse_id else "Available" for one in csms.configuration.connectors()
    }
    await booted(csms, statuses=statuses)


async def _boots_with(csms: SimulatedCsms, unavailable_ones: Iterable[tuple[int, int]]) -> None:
    """Boot, and report these connectors unavailable and all others available."""
    before = await booting(csms)
    csms.accept()
    await csms.reconnected(2, after=before)
    await csms.take(2, "BootNotification", seconds=csms.configuration.reconnect_s)
    concerned = set(unavailable_ones)
    for where in csms.configuration.connectors():
        await connector_is(csms, 4, "Unavailable" if where in concerned else "Available", *where)
    await csms.take(6, "SecurityEventNotification", {"type": ("StartupOfTheDevice", "ResetOrReboot")})


@station_case("TC_G_19_CS")
async def connector_persists(csms: SimulatedCsms) -> None:
    """An inoperative connector stays so over a reboot."""
    await unavailable(csms, evse_id=csms.evse_id, connector_id=csms.connector_id)
    csms.forget()
    await _boots_with(csms, _here(csms))


@station_case("TC_G_21_CS")
async def station_persists(csms: SimulatedCsms) -> None:
    """An inoperative station stays so over a reboot."""
    await unavailable(csms)
    csms.forget()
    await _boots_with(csms, csms.configuration.connectors())
