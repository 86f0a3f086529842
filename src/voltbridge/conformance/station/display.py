"""Display messages as the cases of block O set, ask for and look at them, after errata 6.2.111.

Which priorities and formats a station supports it tells itself, so nothing of it is configured.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from voltbridge.conformance.failure import NotApplicable, StepFailed
from voltbridge.conformance.received import Received
from voltbridge.conformance.station.csms import SimulatedCsms

__all__ = [
    "FORMATS",
    "PRIORITIES",
    "STATES",
    "ask_for_messages",
    "message",
    "messages_told",
    "no_messages",
    "not_shown",
    "preferred_priority",
    "set_message",
    "shown",
    "supported",
    "text_of",
    "until_after",
]

PRIORITIES: Final = ("NormalCycle", "InFront", "AlwaysFront")
"""Every priority there is, the one a case uses by default first."""
FORMATS: Final = ("UTF8", "ASCII", "HTML", "URI")
"""Every format there is, the one a case uses by default first."""
STATES: Final = ("Charging", "Faulted", "Idle", "Unavailable")
"""Every state of a message that 2.0.1 has."""


async def supported(csms: SimulatedCsms, variable: str, every: tuple[str, ...]) -> tuple[str, ...]:
    """Those of ``every`` that a variable of DisplayMessageCtrlr lists; raises NotApplicable where it lists none."""
    value = await csms.value("DisplayMessageCtrlr", variable)
    listed = {one.strip() for one in (value or "").split(",")}
    found = tuple(one for one in every if one in listed)
    if not found:
        raise NotApplicable(f"DisplayMessageCtrlr.{variable} of the station lists none of {', '.join(every)}")
    return found


async def preferred_priority(csms: SimulatedCsms) -> str:
    """The priority of messages where a case leaves it to the configuration."""
    return (await supported(csms, "SupportedPriorities", PRIORITIES))[0]


async def message(csms: SimulatedCsms, *, id: int | None = None, **given: Any) -> dict[str, Any]:
    """A MessageInfoType of an id not used before, with these fields; its text says which one it is."""
    id = csms.next_id() if id is None else id
    form = (await supported(csms, "SupportedFormats", FORMATS))[0]
    made: dict[str, Any] = {"id": id, "message": {"format": form, "content": f"Voltbridge notice {id}."}}
    if csms.configuration.display_component:
        made["display"] = {"name": csms.configuration.display_component}
    if "priority" not in given:
        made["priority"] = await preferred_priority(csms)
    return made | given


async def set_message(
    csms: SimulatedCsms, info: Mapping[str, Any], answer: str = "Accepted", *, step: int | str = 2
) -> Received:
    """The station answers a SetDisplayMessageRequest so."""
    response = await csms.call(step, "SetDisplayMessage", {"message": info})
    response.expect("status", answer)
    return response


async def ask_for_messages(csms: SimulatedCsms, step: int | str, answer: str, **criteria: Any) -> int:
    """The station answers a GetDisplayMessagesRequest so; the number of the request."""
    number = csms.next_id()
    response = await csms.call(step, "GetDisplayMessages", {"requestId": number, **criteria})
    response.expect("status", answer)
    return number


async def messages_told(csms: SimulatedCsms, step: int | str, request_id: int) -> Received:
    """All that the station tells upon a request, in as many NotifyDisplayMessagesRequests as it needs, as one."""
    infos: list[Any] = []
    while True:
        part = await csms.take(step, "NotifyDisplayMessages")
        part.expect("requestId", request_id)
        told = part.payload.get("messageInfo", [])
        infos.extend(told)
        if part.payload.get("tbc") is not True:
            return Received(part.step, part.name, {"messageInfo": infos})


async def no_messages(csms: SimulatedCsms) -> None:
    """Clear what earlier cases, or the operator, left on the display."""
    with csms.stage("Before"):
        number = csms.next_id()
        response = await csms.call("messages", "GetDisplayMessages", {"requestId": number})
        if response.at("status") != "Accepted":
            return
        told = await messages_told(csms, "messages", number)
        for info in told.at("messageInfo"):
            (await csms.call("clear", "ClearDisplayMessage", {"id": info["id"]})).expect("status", "Accepted")


async def shown(csms: SimulatedCsms, step: int | str, text: str) -> None:
    """Raises StepFailed unless somebody before the station sees the text."""
    if not await csms.station.sees("Is this on the display, alone or in turn with others?", text):
        raise StepFailed(csms.step(step), f"{text!r} on the display", "it is not there")


async def not_shown(csms: SimulatedCsms, step: int | str, text: str) -> None:
    """Raises StepFailed when somebody before the station sees the text, once what just happened has settled."""
    await csms.quiet()
    if await csms.station.sees("Is this on the display, alone or in turn with others?", text):
        raise StepFailed(csms.step(step), f"{text!r} not on the display", "it is there")


def text_of(info: Mapping[str, Any]) -> str:
    """What a MessageInfoType shows."""
    return str(info["message"]["content"])


async def until_after(csms: SimulatedCsms, moment: str) -> None:
    """Let time pass until a second after the moment."""
    ahead = (datetime.fromisoformat(moment) - csms.clock.now()).total_seconds()
    await csms.wait(max(0.0, ahead) + 1.0)
