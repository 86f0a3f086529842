"""Block G: availability of EVSEs, connectors and the station, and a connector that fails to lock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from voltbridge.conformance.case import csms_case
from voltbridge.conformance.csms.states import (
    energy_transfer_started,
    ev_connected_post_session,
    ev_disconnected,
    stop_authorized,
    unavailable,
)
from voltbridge.conformance.csms.station import SimulatedStation
from voltbridge.conformance.received import ABSENT

__all__: list[str] = []

_PARAMETERS = {"id": "evse_id", "connectorId": "connector_id"}


@csms_case("TC_G_03_CSMS")
async def evse_inoperative(station: SimulatedStation) -> None:
    """An EVSE is made inoperative."""
    await unavailable(station, evse_id=station.evse_id)


@csms_case("TC_G_04_CSMS")
async def evse_operative(station: SimulatedStation) -> None:
    """An EVSE is made operative again."""
    await unavailable(station, evse_id=station.evse_id)
    await _change(station, "Operative", _evse(station), "Accepted")
    await station.report(3, "Available", station.connectors_of(station.evse_id))


@csms_case("TC_G_05_CSMS")
async def station_inoperative(station: SimulatedStation) -> None:
    """The station is made inoperative."""
    await _change(station, "Inoperative", None, "Accepted")
    await station.report(3, "Unavailable")


@csms_case("TC_G_06_CSMS")
async def station_operative(station: SimulatedStation) -> None:
    """The station is made operative again."""
    await unavailable(station, evse_id=None)
    await _change(station, "Operative", None, "Accepted")
    await station.report(3, "Available")


@csms_case("TC_G_07_CSMS")
async def connector_inoperative(station: SimulatedStation) -> None:
    """A connector is made inoperative."""
    await _change(station, "Inoperative", _connector(station), "Accepted")
    await station.report(3, "Unavailable", [_in_use(station)])


@csms_case("TC_G_08_CSMS")
async def connector_operative(station: SimulatedStation) -> None:
    """A connector is made operative again."""
    with station.stage("Memory state"):
        await _change(station, "Inoperative", _connector(station), "Accepted")
        await station.report(3, "Unavailable", [_in_use(station)])
    await _change(station, "Operative", _connector(station), "Accepted")
    await station.report(3, "Available", [_in_use(station)])


@csms_case("TC_G_11_CSMS")
async def evse_inoperative_after_transaction(station: SimulatedStation) -> None:
    """An EVSE with a transaction becomes inoperative once it has ended."""
    await energy_transfer_started(station)
    await _change(station, "Inoperative", _evse(station), "Scheduled")
    await _end_session(station)
    await station.report(6, "Unavailable", station.connectors_of(station.evse_id))


@csms_case("TC_G_14_CSMS")
async def station_inoperative_after_transaction(station: SimulatedStation) -> None:
    """A station with a transaction becomes inoperative at once where it is free, elsewhere once it has ended."""
    await energy_transfer_started(station)
    await _change(station, "Inoperative", None, "Scheduled")
    in_use = _in_use(station)
    free = [one for one in station.configuration.connectors() if one != in_use]
    await station.report(3, "Unavailable", free, event=False)
    await _end_session(station)
    await station.report(8, "Unavailable", [in_use], event=False)


@csms_case("TC_G_17_CSMS")
async def connector_inoperative_after_transaction(station: SimulatedStation) -> None:
    """A connector with a transaction becomes inoperative once it has ended."""
    await energy_transfer_started(station)
    await _change(station, "Inoperative", _connector(station), "Scheduled")
    await _end_session(station)
    await station.report(6, "Unavailable", [_in_use(station)], event=False)


@csms_case("TC_G_20_CSMS")
async def lock_failure(station: SimulatedStation) -> None:
    """A connector that fails to lock is reported."""
    evse = {"id": station.evse_id, "connectorId": station.configuration.connector_id}
    component = {"name": "ConnectorPlugRetentionLock", "evse": evse}
    await station.notify_event(1, "Delta", component, "Problem", "true")


async def _change(station: SimulatedStation, to: str, evse: Mapping[str, Any] | None, status: str) -> None:
    """Steps 1 and 2: the CSMS asks for the change of an EVSE, a connector or (None) the station."""
    where = "the charging station"
    if evse is not None:
        where = f"EVSE {evse['id']}" + (f" connector {evse['connectorId']}" if "connectorId" in evse else "")
    payload = {"operationalStatus": to} if evse is None else {"operationalStatus": to, "evse": evse}
    change = {"status": to, **{_PARAMETERS[name]: number for name, number in (evse or {}).items()}}
    text = f"make {where} {to.lower()}"
    asked = await station.asked(1, text, "ChangeAvailability", payload, command=("change_availability", change))
    asked.expect("operationalStatus", to)
    if evse is None:
        asked.expect("evse", ABSENT)
    else:
        asked.expect("evse.id", evse["id"])
        asked.expect("evse.connectorId", evse.get("connectorId", ABSENT))
    await asked.answer({"status": status})


async def _end_session(station: SimulatedStation) -> None:
    """The steps between the change and its effect."""
    await station.transaction_duration()
    await stop_authorized(station)
    await ev_connected_post_session(station)
    await ev_disconnected(station)


def _evse(station: SimulatedStation) -> dict[str, int]:
    return {"id": station.evse_id}


def _connector(station: SimulatedStation) -> dict[str, int]:
    return {"id": station.evse_id, "connectorId": station.configuration.connector_id}


def _in_use(station: SimulatedStation) -> tuple[int, int]:
    return station.evse_id, station.configuration.connector_id
