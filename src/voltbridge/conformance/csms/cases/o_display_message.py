"""Block O: messages that the CSMS sets on the display, asks for and clears.

Where the document leaves a value to the configuration, the CSMS is told it and held to it; ids that it leaves to the
CSMS are whatever the CSMS makes them.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from voltbridge.conformance.case import csms_case
from voltbridge.conformance.csms.states import energy_transfer_started, ev_disconnected
from voltbridge.conformance.csms.station import Asked, SimulatedStation
from voltbridge.conformance.failure import StepFailed
from voltbridge.conformance.received import ABSENT

__all__: list[str] = []

_SET: Final = "SetDisplayMessage"
_GET: Final = "GetDisplayMessages"
_CLEAR: Final = "ClearDisplayMessage"
_ID: Final = 7
_PRIORITY: Final = "NormalCycle"
_STATE: Final = "Idle"
_FORMAT: Final = "UTF8"
_SOON_S: Final = 60.0
_LATER_S: Final = 3600.0
_ACCEPTED: Final = {"status": "Accepted"}


@csms_case("TC_O_01_CSMS")
async def set_message(station: SimulatedStation) -> None:
    """A message is set; it belongs to no transaction."""
    asked = await _set(station, state=_STATE)
    asked.expect("message.priority", _PRIORITY)
    asked.expect("message.message.format", _FORMAT)
    asked.expect("message.state", _STATE)
    asked.expect("message.transactionId", ABSENT)
    await asked.answer(_ACCEPTED)


@csms_case("TC_O_02_CSMS")
async def all_messages(station: SimulatedStation) -> None:
    """All messages are asked for and reported."""
    id = await _configured(station)
    await _reported(station, {}, id)


@csms_case("TC_O_03_CSMS")
async def no_messages(station: SimulatedStation) -> None:
    """All messages are asked for, and there are none."""
    asked = await _get(station, {})
    await asked.answer({"status": "Unknown"})


@csms_case("TC_O_04_CSMS")
async def cleared(station: SimulatedStation) -> None:
    """A message is cleared."""
    id = await _configured(station)
    asked = await _clear(station, id)
    asked.expect("id", id)
    await asked.answer(_ACCEPTED)


@csms_case("TC_O_05_CSMS")
async def unknown_cleared(station: SimulatedStation) -> None:
    """A message that the station does not know is to be cleared."""
    asked = await _clear(station, _ID)
    await asked.answer({"status": "Unknown"})


@csms_case("TC_O_06_CSMS")
async def of_a_transaction(station: SimulatedStation) -> None:
    """A message for the transaction that runs."""
    await energy_transfer_started(station)
    running = station.session().transaction_id
    asked = await _set(station, transaction_id=running)
    asked.expect("message.transactionId", running)
    asked.expect("message.priority", _PRIORITY)
    await asked.answer(_ACCEPTED)
    await ev_disconnected(station)


@csms_case("TC_O_07_CSMS")
async def message_of_an_id(station: SimulatedStation) -> None:
    """A message is asked for by its id."""
    id = await _configured(station)
    await _reported(station, {"id": [id]}, id)


@csms_case("TC_O_08_CSMS")
async def messages_of_a_priority(station: SimulatedStation) -> None:
    """Messages of a priority are asked for."""
    id = await _configured(station)
    await _reported(station, {"priority": _PRIORITY}, id)


@csms_case("TC_O_09_CSMS")
async def messages_of_a_state(station: SimulatedStation) -> None:
    """Messages of a state are asked for."""
    id = await _configured(station, state=_STATE)
    await _reported(station, {"state": _STATE}, id)


@csms_case("TC_O_10_CSMS")
async def of_an_unknown_transaction(station: SimulatedStation) -> None:
    """A message for a transaction that the station does not know."""
    await energy_transfer_started(station)
    asked = await _set(station, transaction_id=str(uuid.uuid4()))
    _given(asked, "transactionId")
    asked.expect("message.priority", _PRIORITY)
    await asked.answer({"status": "UnknownTransaction"})


@csms_case("TC_O_11_CSMS")
async def unknown_message(station: SimulatedStation) -> None:
    """A message is asked for by an id that the station does not know."""
    other = await _configured(station) + 1
    asked = await _get(station, {"id": [other]})
    asked.expect("id", [other])
    await asked.answer({"status": "Unknown"})


@csms_case("TC_O_12_CSMS")
async def replaced(station: SimulatedStation) -> None:
    """A message is replaced by another of its id."""
    id = await _configured(station)
    asked = await _set(station, id=id)
    asked.expect("message.id", id)
    asked.expect("message.priority", _PRIORITY)
    await asked.answer(_ACCEPTED)


@csms_case("TC_O_13_CSMS")
async def with_a_start(station: SimulatedStation) -> None:
    """A message that is shown from a moment on."""
    start = station.in_a_while(_SOON_S)
    asked = await _set(station, start=start)
    _at(asked, "startDateTime", start)
    await asked.answer(_ACCEPTED)


@csms_case("TC_O_14_CSMS")
async def with_an_end(station: SimulatedStation) -> None:
    """A message that is shown until a moment."""
    end = station.in_a_while(_LATER_S)
    asked = await _set(station, end=end)
    _at(asked, "endDateTime", end)
    await asked.answer(_ACCEPTED)


@csms_case("TC_O_17_CSMS")
async def priority_not_supported(station: SimulatedStation) -> None:
    """The station does not support the priority."""
    asked = await _set(station, priority="InFront")
    asked.expect("message.priority", "InFront")
    await asked.answer({"status": "NotSupportedPriority"})


@csms_case("TC_O_18_CSMS")
async def state_not_supported(station: SimulatedStation) -> None:
    """The station does not support the state."""
    asked = await _set(station, state="Faulted")
    asked.expect("message.state", "Faulted")
    await asked.answer({"status": "NotSupportedState"})


@csms_case("TC_O_19_CSMS")
async def format_not_supported(station: SimulatedStation) -> None:
    """The station does not support the format."""
    asked = await _set(station, format="HTML")
    await asked.answer({"status": "NotSupportedMessageFormat"})


@csms_case("TC_O_25_CSMS")
async def while_charging(station: SimulatedStation) -> None:
    """A message of a given id that is shown while the station charges."""
    asked = await _set(station, id=_ID, state="Charging")
    asked.expect("message.id", _ID)
    asked.expect("message.state", "Charging")
    await asked.answer(_ACCEPTED)


@csms_case("TC_O_26_CSMS")
async def rejected(station: SimulatedStation) -> None:
    """The station rejects a message."""
    asked = await _set(station)
    asked.expect("message.priority", _PRIORITY)
    await asked.answer({"status": "Rejected"})


@csms_case("TC_O_27_CSMS")
async def of_a_transaction_with_a_start(station: SimulatedStation) -> None:
    """A message for the transaction that runs, shown from a moment on."""
    await energy_transfer_started(station)
    start, running = station.in_a_while(_SOON_S), station.session().transaction_id
    asked = await _set(station, start=start, transaction_id=running)
    _at(asked, "startDateTime", start)
    asked.expect("message.endDateTime", ABSENT)
    asked.expect("message.state", ABSENT)
    asked.expect("message.transactionId", running)
    await asked.answer(_ACCEPTED)


@csms_case("TC_O_28_CSMS")
async def of_a_transaction_with_an_end(station: SimulatedStation) -> None:
    """A message for the transaction that runs, shown until a moment."""
    await energy_transfer_started(station)
    end, running = station.in_a_while(_LATER_S), station.session().transaction_id
    asked = await _set(station, end=end, transaction_id=running)
    asked.expect("message.priority", _PRIORITY)
    _at(asked, "endDateTime", end)
    asked.expect("message.startDateTime", ABSENT)
    asked.expect("message.state", ABSENT)
    asked.expect("message.transactionId", running)
    await asked.answer(_ACCEPTED)


async def _set(
    station: SimulatedStation,
    *,
    id: int | None = None,
    priority: str = _PRIORITY,
    format: str = _FORMAT,
    state: str | None = None,
    start: str | None = None,
    end: str | None = None,
    transaction_id: str | None = None,
) -> Asked:
    """Have the CSMS set a message; without an id it makes one itself."""
    content = f"Message {uuid.uuid4().hex[:8]}"
    more = {"state": state, "startDateTime": start, "endDateTime": end, "transactionId": transaction_id}
    given = {name: value for name, value in more.items() if value is not None}
    message = {"id": _ID if id is None else id, "priority": priority, **given}
    message["message"] = {"format": format, "content": content}
    parameters: dict[str, Any] = {"priority": priority, "message": {"format": format, "content": content}}
    if id is not None:
        parameters["id"] = id
    names = {"state": "state", "startDateTime": "start_at", "endDateTime": "end_at", "transactionId": "transaction_id"}
    parameters |= {names[name]: value for name, value in given.items()}
    said = ", ".join([f"priority {priority}", f"format {format}", *(f"{name} {given[name]}" for name in given)])
    which = "a message" if id is None else f"message {id}"
    text = f"show {which} on the display: {content!r} with {said}"
    return await station.asked(1, text, _SET, {"message": message}, command=("set_display_message", parameters))


async def _configured(station: SimulatedStation, *, state: str | None = None) -> int:
    """The station has a message that the CSMS has set; its id."""
    with station.stage("Memory state"):
        asked = await _set(station, state=state)
        await asked.answer(_ACCEPTED)
    id: int = asked.request.at("message.id")
    return id


async def _get(station: SimulatedStation, criteria: Mapping[str, Any]) -> Asked:
    what = ", ".join(f"{name} {value}" for name, value in criteria.items()) or "no criteria"
    parameters = {"ids" if name == "id" else name: value for name, value in criteria.items()}
    return await station.asked(
        1,
        f"ask for the display messages with {what}",
        _GET,
        {"requestId": 1, **criteria},
        command=("get_display_messages", parameters),
    )


async def _reported(station: SimulatedStation, criteria: Mapping[str, Any], id: int) -> None:
    """Messages are asked for by these criteria alone, and reported."""
    asked = await _get(station, criteria)
    for name in ("id", "priority", "state"):
        asked.expect(name, criteria.get(name, ABSENT))
    await asked.answer(_ACCEPTED)
    message = {"id": id, "priority": _PRIORITY, "message": {"format": _FORMAT, "content": "Hello"}}
    if "state" in criteria:
        message["state"] = criteria["state"]
    report = {"requestId": asked.request.at("requestId"), "messageInfo": [message], "tbc": False}
    await station.call(3, "NotifyDisplayMessages", report)


async def _clear(station: SimulatedStation, id: int) -> Asked:
    text = f"clear the display message {id}"
    return await station.asked(1, text, _CLEAR, {"id": id}, command=("clear_display_message", {"id": id}))


def _given(asked: Asked, name: str) -> None:
    if asked.request.at(f"message.{name}") is ABSENT:
        raise StepFailed(asked.request.step, f"{asked.request.name}.message.{name}", "no such field")


def _at(asked: Asked, name: str, moment: str) -> None:
    """The moment, however it is written."""
    _given(asked, name)
    said = asked.request.at(f"message.{name}")
    if datetime.fromisoformat(said) != datetime.fromisoformat(moment):
        raise StepFailed(asked.request.step, f"{asked.request.name}.message.{name} {moment}", said)
