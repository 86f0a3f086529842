"""The reusable states of Part 6, 2.18, that a station itself is in, after errata: booted, reserved, unavailable.

Each brings the station into a state and checks what it says. Those of a charging session: ``charging_states``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from voltbridge.conformance.configuration import Token
from voltbridge.conformance.failure import StepFailed
from voltbridge.conformance.received import Received
from voltbridge.conformance.station.csms import SimulatedCsms

__all__ = [
    "booted",
    "booting",
    "connector_is",
    "connectors_are",
    "connectors_of",
    "reserved",
    "settled",
    "unavailable",
]


async def connector_is(
    csms: SimulatedCsms,
    step: int | str,
    status: str,
    evse_id: int | None = None,
    connector_id: int | None = None,
    *,
    seconds: float | None = None,
) -> Received:
    """The station tells the status of a connector, by StatusNotificationRequest or NotifyEventRequest.

    The next that it tells of this connector has to be this status.
    """
    evse_id = evse_id or csms.evse_id
    connector_id = connector_id or csms.connector_id
    wait_s = seconds or csms.configuration.message_timeout_s
    found = await csms.inbox.wait(
        lambda one: _status_of(one.action, one.payload, evse_id, connector_id) is not None, wait_s, lambda: False
    )
    csms.check(step)
    where = f"connector {connector_id} of EVSE {evse_id}"
    if found is None:
        raise StepFailed(csms.step(step), f"{status} for {where}", f"no status of it within {wait_s:g} s")
    found.needed = True
    told = _status_of(found.action, found.payload, evse_id, connector_id)
    if told != status:
        raise StepFailed(csms.step(step), f"{status} for {where}", f"{told} in a {found.action}Request")
    return Received(csms.step(step), f"{found.action}Request", found.payload)


async def connectors_are(
    csms: SimulatedCsms, step: int | str, status: str, connectors: Iterable[tuple[int, int]] | None = None
) -> None:
    """As ``connector_is``, for several connectors, by default all."""
    for evse_id, connector_id in csms.configuration.connectors() if connectors is None else connectors:
        await connector_is(csms, step, status, evse_id, connector_id)


async def booting(csms: SimulatedCsms) -> int:
    """The station reboots and has no connection yet; the number of the connection it had."""
    with csms.stage("Booting"):
        csms.refusing = True
        before = csms.connections
        response = await csms.call(2, "Reset", {"type": "Immediate"})
        response.expect("status", "Accepted")
    return before


async def booted(
    csms: SimulatedCsms,
    *,
    reset: str | None = "Immediate",
    statuses: Mapping[tuple[int, int], str] | None = None,
    reason: str | None = None,
) -> Received:
    """The station reboots by a Reset of this type, or (None) by power; its BootNotificationRequest.

    ``statuses`` is what its connectors have to report, by default Available.
    """
    with csms.stage("Booted"):
        csms.forget()
        before = csms.connections
        if reset is None:
            await csms.station.power_cycle()
        else:
            response = await csms.call(2, "Reset", {"type": reset})
            response.expect("status", "Accepted")
        return await _comes_back(csms, before, statuses, reason)


async def _comes_back(
    csms: SimulatedCsms, before: int, statuses: Mapping[tuple[int, int], str] | None, reason: str | None
) -> Received:
    await csms.reconnected(3, after=before)
    boot = await csms.take(3, "BootNotification", seconds=csms.configuration.reconnect_s)
    if reason is not None:
        boot.expect("reason", reason)
    for where in csms.configuration.connectors():
        await connector_is(csms, 5, (statuses or {}).get(where, "Available"), *where)
    await csms.take(7, "SecurityEventNotification", {"type": ("StartupOfTheDevice", "ResetOrReboot")})
    return boot


async def reserved(
    csms: SimulatedCsms,
    *,
    evse_id: int | None = None,
    token: Token | None = None,
    group: Token | None = None,
    seconds: float = 300,
) -> int:
    """An EVSE is reserved for a token, for so many seconds; the id of the reservation."""
    evse_id = evse_id or csms.evse_id
    with csms.stage("Reserved"):
        number = csms.next_id()
        payload: dict[str, Any] = {
            "id": number,
            "expiryDateTime": csms.in_a_while(seconds),
            "idToken": (token or csms.configuration.tokens.valid).wire,
            "evseId": evse_id,
        }
        if group is not None:
            payload["groupIdToken"] = group.wire
        response = await csms.call(2, "ReserveNow", payload)
        response.expect("status", "Accepted")
        for connector in connectors_of(csms, evse_id):
            await connector_is(csms, 3, "Reserved", *connector)
    return number


async def unavailable(csms: SimulatedCsms, *, evse_id: int | None = None, connector_id: int | None = None) -> None:
    """The station (or the EVSE, or the connector) is inoperative."""
    with csms.stage("Unavailable"):
        evse: dict[str, Any] = {} if evse_id is None else {"evse": {"id": evse_id}}
        if connector_id is not None:
            evse["evse"]["connectorId"] = connector_id
        response = await csms.call(2, "ChangeAvailability", {"operationalStatus": "Inoperative", **evse})
        response.expect("status", "Accepted")
        every = list(csms.configuration.connectors())
        concerned = [one for one in every if evse_id in (None, one[0]) and connector_id in (None, one[1])]
        await connectors_are(csms, 3, "Unavailable", concerned)


def connectors_of(csms: SimulatedCsms, evse_id: int) -> list[tuple[int, int]]:
    """(EVSE id, connector id) of the connectors of an EVSE."""
    return [one for one in csms.configuration.connectors() if one[0] == evse_id]


async def settled(csms: SimulatedCsms, evse_id: int) -> None:
    """What the station tells of the connector before the next thing is done belongs to no step; a reset, for one."""
    await csms.quiet()
    for one in csms.inbox.arrivals:
        if _status_of(one.action, one.payload, evse_id, csms.connector_id) is not None:
            one.taken = True


def _status_of(action: str, payload: Any, evse_id: int, connector_id: int) -> str | None:
    """The status this message tells of the connector; None: it is about something else."""
    if action == "StatusNotification":
        here = (payload["evseId"], payload["connectorId"]) == (evse_id, connector_id)
        return str(payload["connectorStatus"]) if here else None
    if action == "NotifyEvent":
        for event in payload["eventData"]:
            evse = event["component"].get("evse", {})
            said = (event["component"]["name"], event["variable"]["name"], event["trigger"])
            here = (evse.get("id"), evse.get("connectorId")) == (evse_id, connector_id)
            if here and said == ("Connector", "AvailabilityState", "Delta"):
                return str(event["actualValue"])
    return None
