"""O: display messages for a transaction."""

from __future__ import annotations

import uuid
from typing import Any

from voltbridge.conformance.failure import NotApplicable, StepFailed
from voltbridge.conformance.station.case import station_case
from voltbridge.conformance.station.charging_states import (
    energy_transfer_started,
    parking_bay_unoccupied,
)
from voltbridge.conformance.station.csms import SimulatedCsms
from voltbridge.conformance.station.display import (
    PRIORITIES,
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

__all__: list[str] = []


async def _charging(csms: SimulatedCsms) -> str:
    """EnergyTransferStarted, and nothing on the display; the transaction."""
    await no_messages(csms)
    await energy_transfer_started(csms)
    transaction_id = csms.session().transaction_id
    if transaction_id is None:
        raise StepFailed(csms.step("EnergyTransferStarted"), "a transaction", "none runs")
    return transaction_id


@station_case("TC_O_06_CS")
async def for_a_transaction(csms: SimulatedCsms) -> None:
    """A message is shown while its transaction runs."""
    info = await message(csms, transactionId=await _charging(csms))
    await set_message(csms, info)
    await shown(csms, 2, text_of(info))
    await parking_bay_unoccupied(csms)
    await not_shown(csms, 6, text_of(info))
    await ask_for_messages(csms, 8, "Unknown", id=[info["id"]])


@station_case("TC_O_10_CS")
async def for_an_unknown_transaction(csms: SimulatedCsms) -> None:
    """A message for a transaction that does not run."""
    await set_message(csms, await message(csms, transactionId=str(uuid.uuid4())), "UnknownTransaction")


@station_case("TC_O_27_CS")
async def from_start(csms: SimulatedCsms) -> None:
    """A message for a transaction is shown from its start on."""
    transaction_id = await _charging(csms)
    begins = csms.in_a_while(csms.configuration.display_offset_s)
    info = await message(csms, transactionId=transaction_id, startDateTime=begins)
    await set_message(csms, info)
    await not_shown(csms, 2, text_of(info))
    await until_after(csms, begins)
    await shown(csms, 2, text_of(info))
    await parking_bay_unoccupied(csms)
    await not_shown(csms, 6, text_of(info))
    await ask_for_messages(csms, 8, "Unknown", id=[info["id"]])


@station_case("TC_O_28_CS")
async def until_end(csms: SimulatedCsms) -> None:
    """A message for a transaction is gone at its end."""
    transaction_id = await _charging(csms)
    ends = csms.in_a_while(csms.configuration.display_offset_s)
    info = await message(csms, transactionId=transaction_id, endDateTime=ends)
    await set_message(csms, info)
    await shown(csms, 2, text_of(info))
    await until_after(csms, ends)
    await not_shown(csms, 2, text_of(info))
    await ask_for_messages(csms, 4, "Unknown", id=[info["id"]])


async def _two(csms: SimulatedCsms, priority: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two messages of the priority for the transaction, to be set at steps 1 and 3."""
    if priority not in await supported(csms, "SupportedPriorities", PRIORITIES):
        raise NotApplicable(f"the station does not support {priority}")
    transaction_id = await _charging(csms)
    first = await message(csms, transactionId=transaction_id, priority=priority)
    return first, await message(csms, transactionId=transaction_id, priority=priority)


async def _told(csms: SimulatedCsms, step: int, info: dict[str, Any]) -> None:
    """The station is asked for the message, at this step, and tells it as it was set."""
    number = await ask_for_messages(csms, step, "Accepted", id=[info["id"]])
    told = (await messages_told(csms, step + 1, number)).pick("messageInfo", {"id": (info["id"],)})
    told.expect("transactionId", info["transactionId"])
    told.expect("priority", info["priority"])
    told.expect("message.content", text_of(info))


@station_case("TC_O_30_CS")
async def two_in_front(csms: SimulatedCsms) -> None:
    """Two messages InFront for a transaction take turns."""
    first, second = await _two(csms, "InFront")
    await set_message(csms, first)
    await set_message(csms, second, step=4)
    await shown(csms, 4, text_of(first))
    await shown(csms, 4, text_of(second))
    await _told(csms, 6, first)
    await _told(csms, 10, second)
    await parking_bay_unoccupied(csms)
    await not_shown(csms, 16, text_of(first))
    await not_shown(csms, 16, text_of(second))
    await ask_for_messages(csms, 18, "Unknown", id=[first["id"]])
    await ask_for_messages(csms, 20, "Unknown", id=[second["id"]])


@station_case("TC_O_32_CS")
async def second_always_front(csms: SimulatedCsms) -> None:
    """A second message AlwaysFront for a transaction replaces the first.

    Steps 7 and 15 ask for the second message: the first is gone since step 6.
    """
    first, second = await _two(csms, "AlwaysFront")
    await set_message(csms, first)
    await shown(csms, 2, text_of(first))
    await set_message(csms, second, step=4)
    await not_shown(csms, 4, text_of(first))
    await shown(csms, 4, text_of(second))
    await ask_for_messages(csms, 6, "Unknown", id=[first["id"]])
    await _told(csms, 8, second)
    await parking_bay_unoccupied(csms)
    await not_shown(csms, 14, text_of(second))
    await ask_for_messages(csms, 16, "Unknown", id=[second["id"]])
