"""O: display messages are set, shown, replaced and refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from voltbridge.conformance.failure import NotApplicable, StepFailed
from voltbridge.conformance.received import ABSENT, Received
from voltbridge.conformance.station.case import station_case
from voltbridge.conformance.station.charging_states import (
    authorized,
    energy_transfer_started,
    ev_connected_pre_session,
    parking_bay_occupied,
    parking_bay_unoccupied,
)
from voltbridge.conformance.station.csms import SimulatedCsms
from voltbridge.conformance.station.display import (
    FORMATS,
    PRIORITIES,
    STATES,
    ask_for_messages,
    message,
    messages_told,
    no_messages,
    not_shown,
    set_message,
    shown,
    supported,
    text_of,
    until_after,
)
from voltbridge.conformance.station.inbox import Arrival
from voltbridge.conformance.station.states import (
    booted,
    connectors_are,
    unavailable,
)

__all__: list[str] = []


async def _told(csms: SimulatedCsms, step: int, info: Mapping[str, Any]) -> Received:
    """The station is asked for a message by its id, at this step, and tells it at the next."""
    number = await ask_for_messages(csms, step, "Accepted", id=[info["id"]])
    told = await messages_told(csms, step + 1, number)
    return told.pick("messageInfo", {"id": (info["id"],)})


def _as_set(told: Received, info: Mapping[str, Any]) -> None:
    told.expect("priority", info["priority"])
    told.expect("message.format", info["message"]["format"])
    told.expect("message.content", text_of(info))


@station_case("TC_O_01_CS")
async def set_and_shown(csms: SimulatedCsms) -> None:
    """A message is set."""
    await no_messages(csms)
    info = await message(csms)
    await set_message(csms, info)
    await shown(csms, 2, text_of(info))
    _as_set(await _told(csms, 4, info), info)


@station_case("TC_O_12_CS")
async def replaced(csms: SimulatedCsms) -> None:
    """A message takes the place of one with the same id."""
    await no_messages(csms)
    first = await message(csms)
    with csms.stage("SetDisplayMessage"):
        await set_message(csms, first)
    other = {**first["message"], "content": "Voltbridge notice in its place."}
    second = first | {"message": other}
    await set_message(csms, second)
    await shown(csms, 2, text_of(second))
    await not_shown(csms, 2, text_of(first))


@station_case("TC_O_13_CS")
async def shown_from_start(csms: SimulatedCsms) -> None:
    """A message is shown from its start on."""
    await no_messages(csms)
    begins = csms.in_a_while(csms.configuration.display_offset_s)
    info = await message(csms, startDateTime=begins)
    await set_message(csms, info)
    told = await _told(csms, 4, info)
    if told.at("startDateTime") is ABSENT:
        told.expect("startDateTime", begins)
    await not_shown(csms, 5, text_of(info))
    await until_after(csms, begins)
    await shown(csms, 5, text_of(info))


@station_case("TC_O_14_CS")
async def removed_at_end(csms: SimulatedCsms) -> None:
    """A message is shown until its end, and gone then."""
    await no_messages(csms)
    ends = csms.in_a_while(csms.configuration.display_offset_s)
    info = await message(csms, endDateTime=ends)
    await set_message(csms, info)
    told = await _told(csms, 4, info)
    if told.at("endDateTime") is ABSENT:
        told.expect("endDateTime", ends)
    await shown(csms, 5, text_of(info))
    await until_after(csms, ends)
    await not_shown(csms, 5, text_of(info))
    await ask_for_messages(csms, 8, "Unknown", id=[info["id"]])


@station_case("TC_O_17_CS")
async def priority_not_supported(csms: SimulatedCsms) -> None:
    """A message of a priority the station does not have."""
    known = await supported(csms, "SupportedPriorities", PRIORITIES)
    unknown = [one for one in PRIORITIES if one not in known]
    if not unknown:
        raise NotApplicable("the station supports every priority")
    await set_message(csms, await message(csms, priority=unknown[0]), "NotSupportedPriority")


@station_case("TC_O_18_CS")
async def state_not_supported(csms: SimulatedCsms) -> None:
    """A message for a state the station does not have."""
    known = await supported(csms, "SupportedStates", STATES)
    unknown = [one for one in STATES if one not in known]
    if not unknown:
        raise NotApplicable("the station supports every state")
    await set_message(csms, await message(csms, state=unknown[0]), "NotSupportedState")


@station_case("TC_O_19_CS")
async def format_not_supported(csms: SimulatedCsms) -> None:
    """A message of a format the station does not have."""
    known = await supported(csms, "SupportedFormats", FORMATS)
    unknown = [one for one in FORMATS if one not in known]
    if not unknown:
        raise NotApplicable("the station supports every format")
    content = {"format": unknown[0], "content": "https://example.com/notice"}
    await set_message(csms, await message(csms, message=content), "NotSupportedMessageFormat")


@station_case("TC_O_20_CS")
async def persists(csms: SimulatedCsms) -> None:
    """A message stays over a reboot."""
    await no_messages(csms)
    info = await message(csms)
    await set_message(csms, info)
    await booted(csms)
    _as_set(await _told(csms, 5, info), info)


@station_case("TC_O_22_CS")
async def two_in_front(csms: SimulatedCsms) -> None:
    """Two messages InFront take turns."""
    if "InFront" not in await supported(csms, "SupportedPriorities", PRIORITIES):
        raise NotApplicable("the station does not support InFront")
    await no_messages(csms)
    first, second = await message(csms, priority="InFront"), await message(csms, priority="InFront")
    await set_message(csms, first)
    await set_message(csms, second, step=4)
    await _told(csms, 6, first)
    await _told(csms, 10, second)
    await shown(csms, 11, text_of(first))
    await shown(csms, 11, text_of(second))


@station_case("TC_O_24_CS")
async def second_always_front(csms: SimulatedCsms) -> None:
    """A second message AlwaysFront replaces the first."""
    if "AlwaysFront" not in await supported(csms, "SupportedPriorities", PRIORITIES):
        raise NotApplicable("the station does not support AlwaysFront")
    await no_messages(csms)
    first, second = await message(csms, priority="AlwaysFront"), await message(csms, priority="AlwaysFront")
    await set_message(csms, first)
    await set_message(csms, second, step=4)
    await ask_for_messages(csms, 6, "Unknown", id=[first["id"]])
    await _told(csms, 8, second)
    await not_shown(csms, 9, text_of(first))
    await shown(csms, 9, text_of(second))


async def _set_for(csms: SimulatedCsms, state: str) -> dict[str, Any]:
    """Steps 1 and 2 of the cases about messages for a state of the station."""
    await no_messages(csms)
    info = await message(csms, state=state)
    await set_message(csms, info)
    return info


async def _charges(csms: SimulatedCsms) -> None:
    await parking_bay_occupied(csms)
    await authorized(csms)
    await ev_connected_pre_session(csms)
    await energy_transfer_started(csms)


@station_case("TC_O_36_CS")
async def while_charging(csms: SimulatedCsms) -> None:
    """A message for the time of charging."""
    info = await _set_for(csms, "Charging")
    await not_shown(csms, 2, text_of(info))
    await _charges(csms)
    await shown(csms, 6, text_of(info))
    await parking_bay_unoccupied(csms)
    await not_shown(csms, 10, text_of(info))
    (await _told(csms, 12, info)).expect("state", "Charging")


@station_case("TC_O_37_CS")
async def while_idle(csms: SimulatedCsms) -> None:
    """A message for the time when nothing is charged."""
    info = await _set_for(csms, "Idle")
    await shown(csms, 2, text_of(info))
    await _charges(csms)
    await not_shown(csms, 6, text_of(info))
    await parking_bay_unoccupied(csms)
    await shown(csms, 10, text_of(info))
    (await _told(csms, 12, info)).expect("state", "Idle")


@station_case("TC_O_38_CS")
async def while_unavailable(csms: SimulatedCsms) -> None:
    """A message for the time when the station is inoperative."""
    info = await _set_for(csms, "Unavailable")
    await not_shown(csms, 2, text_of(info))
    await unavailable(csms)
    await shown(csms, 3, text_of(info))
    response = await csms.call(5, "ChangeAvailability", {"operationalStatus": "Operative"})
    response.expect("status", "Accepted")
    await connectors_are(csms, 6, "Available")
    await not_shown(csms, 7, text_of(info))
    (await _told(csms, 9, info)).expect("state", "Unavailable")


async def _tells(csms: SimulatedCsms, step: int, of_the_station: str, *of_the_connector: str) -> None:
    """The station tells that its connector, or that itself, has this status now."""
    where = (csms.evse_id, csms.connector_id)

    def told(one: Arrival) -> bool:
        if one.action == "StatusNotification":
            here = (one.payload["evseId"], one.payload["connectorId"]) == where
            return here and one.payload["connectorStatus"] in of_the_connector
        if one.action != "NotifyEvent":
            return False
        event = one.payload["eventData"][0]
        component, evse = event["component"]["name"], event["component"].get("evse", {})
        if (event["trigger"], event["variable"]["name"]) != ("Delta", "AvailabilityState"):
            return False
        if component == "ChargingStation":
            return bool(event["actualValue"] == of_the_station)
        here = component == "Connector" and (evse.get("id"), evse.get("connectorId")) == where
        return here and event["actualValue"] in of_the_connector

    wait_s = csms.configuration.message_timeout_s
    found = await csms.inbox.wait(told, wait_s, lambda: False)
    csms.check(step)
    if found is None:
        wanted = " or ".join(of_the_connector)
        raise StepFailed(csms.step(step), f"{wanted} for the connector or the station", f"none within {wait_s:g} s")
    found.needed = True


@station_case("TC_O_39_CS")
async def while_faulted(csms: SimulatedCsms) -> None:
    """A message for the time when the station is faulted."""
    info = await _set_for(csms, "Faulted")
    await not_shown(csms, 2, text_of(info))
    await csms.station.fault(csms.evse_id, csms.connector_id)
    await _tells(csms, 3, "Faulted", "Faulted", "Unavailable")
    await shown(csms, 4, text_of(info))
    await csms.station.mend(csms.evse_id, csms.connector_id)
    await _tells(csms, 5, "Available", "Available")
    await not_shown(csms, 6, text_of(info))
    (await _told(csms, 8, info)).expect("state", "Faulted")
