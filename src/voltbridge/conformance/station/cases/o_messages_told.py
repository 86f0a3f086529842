"""O: display messages are asked for and cleared."""

from __future__ import annotations

from typing import Any

from voltbridge.conformance.failure import NotApplicable
from voltbridge.conformance.received import ABSENT
from voltbridge.conformance.station.case import station_case
from voltbridge.conformance.station.csms import SimulatedCsms
from voltbridge.conformance.station.display import (
    PRIORITIES,
    ask_for_messages,
    message,
    messages_told,
    no_messages,
    set_message,
    supported,
)

__all__: list[str] = []


async def _set(csms: SimulatedCsms, **given: Any) -> dict[str, Any]:
    """Memory state SetDisplayMessage."""
    info = await message(csms, **given)
    with csms.stage("SetDisplayMessage"):
        await set_message(csms, info)
    return info


async def _all_told(csms: SimulatedCsms, *infos: dict[str, Any], **criteria: Any) -> None:
    """Steps 1 to 4: the station is asked, and tells exactly these messages."""
    number = await ask_for_messages(csms, 2, "Accepted", **criteria)
    told = await messages_told(csms, 3, number)
    for info in infos:
        as_set: dict[str, tuple[object, ...]] = {
            name: (info[name],) for name in ("id", "priority", "state") if name in info
        }
        told.pick("messageInfo", as_set)
    told.expect(f"messageInfo.{len(infos)}.id", ABSENT)


@station_case("TC_O_02_CS")
async def all_messages(csms: SimulatedCsms) -> None:
    """All messages are asked for."""
    await no_messages(csms)
    await _all_told(csms, await _set(csms), await _set(csms))


@station_case("TC_O_03_CS")
async def no_message_there(csms: SimulatedCsms) -> None:
    """All messages are asked for, and there are none."""
    await no_messages(csms)
    await ask_for_messages(csms, 2, "Unknown")


@station_case("TC_O_04_CS")
async def cleared(csms: SimulatedCsms) -> None:
    """A message is cleared."""
    await no_messages(csms)
    info = await _set(csms)
    (await csms.call(2, "ClearDisplayMessage", {"id": info["id"]})).expect("status", "Accepted")
    await ask_for_messages(csms, 4, "Unknown", id=[info["id"]])


@station_case("TC_O_05_CS")
async def cleared_unknown(csms: SimulatedCsms) -> None:
    """A message is to be cleared that is not there."""
    await no_messages(csms)
    (await csms.call(2, "ClearDisplayMessage", {"id": csms.next_id()})).expect("status", "Unknown")


@station_case("TC_O_07_CS")
async def by_id(csms: SimulatedCsms) -> None:
    """A message is asked for by its id."""
    await no_messages(csms)
    info = await _set(csms)
    await _all_told(csms, info, id=[info["id"]])


@station_case("TC_O_08_CS")
async def by_priority(csms: SimulatedCsms) -> None:
    """Messages are asked for by their priority."""
    await no_messages(csms)
    info = await _set(csms)
    await _all_told(csms, info, priority=info["priority"])


@station_case("TC_O_09_CS")
async def by_state(csms: SimulatedCsms) -> None:
    """Messages are asked for by their state."""
    await no_messages(csms)
    info = await _set(csms, state="Idle")
    await _all_told(csms, info, state="Idle")


@station_case("TC_O_11_CS")
async def unknown_id(csms: SimulatedCsms) -> None:
    """A message is asked for by an id that no message has."""
    await no_messages(csms)
    await _set(csms)
    await ask_for_messages(csms, 2, "Unknown", id=[csms.next_id()])


@station_case("TC_O_33_CS")
async def by_id_without_messages(csms: SimulatedCsms) -> None:
    """A message is asked for by an id, and there are none."""
    await no_messages(csms)
    await ask_for_messages(csms, 2, "Unknown", id=[csms.next_id()])


@station_case("TC_O_34_CS")
async def id_of_other_state(csms: SimulatedCsms) -> None:
    """A message is asked for by its id and a state that it does not have."""
    await no_messages(csms)
    info = await _set(csms, state="Idle")
    await ask_for_messages(csms, 2, "Unknown", id=[info["id"]], state="Charging")


@station_case("TC_O_35_CS")
async def id_of_other_priority(csms: SimulatedCsms) -> None:
    """A message is asked for by its id and a priority that it does not have."""
    priorities = await supported(csms, "SupportedPriorities", PRIORITIES)
    if len(priorities) == 1:
        raise NotApplicable("the station has only one priority")
    await no_messages(csms)
    info = await _set(csms, priority=priorities[0])
    await ask_for_messages(csms, 2, "Unknown", id=[info["id"]], priority=priorities[1])
