"""The display of a station: which message stands there at which moment (2.0.1 O01 to O06).

1. A message AlwaysFront stands there alone, whatever else there is; there is one at most (O01.FR.15, FR.16).
2. What the station has to warn of comes next; then those InFront take turns (O01.FR.13, FR.14).
3. In the normal cycle the station's own words (prices) take their turn with the others (O01.FR.12).
4. A message counts from its start to its end, in its state of the station, while its transaction runs; then it is gone
   (O01.FR.06, FR.07, O02.FR.02).
5. The driver's language is chosen where it is known and there, else English, else what there is (O01.FR.08, FR.09).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec
import structlog

from voltbridge.domain.clock import Cancel
from voltbridge.station.blocks.g_availability.service import Availability
from voltbridge.station.context import Context
from voltbridge.station.display_messages import DisplayMessage
from voltbridge.station.facts import ConnectorState, DisplayMessagesFact

__all__ = ["DisplayMessages", "DisplayStatus"]

_NAMESPACE: Final = "display-messages"
_MOST: Final = 50
_TURN_S: Final = 10.0
_PER_REPORT: Final = 10


class DisplayStatus(StrEnum):
    """What becomes of a message (DisplayMessageStatusEnumType)."""

    ACCEPTED = "Accepted"
    NOT_SUPPORTED_MESSAGE_FORMAT = "NotSupportedMessageFormat"
    NOT_SUPPORTED_PRIORITY = "NotSupportedPriority"
    NOT_SUPPORTED_STATE = "NotSupportedState"
    REJECTED = "Rejected"
    UNKNOWN_TRANSACTION = "UnknownTransaction"


class DisplayMessages:
    """Keeps the messages, over restarts too, and shows them."""

    def __init__(self, context: Context, availability: Availability, is_running: Callable[[str], bool]) -> None:
        """``is_running``: whether a transaction of this name (2.x) runs."""
        self._context = context
        self._availability = availability
        self._is_running = is_running
        self._messages: dict[int, DisplayMessage] = {}
        log = structlog.get_logger("voltbridge.station").bind(station=context.configuration.identity)
        for key, kept in context.store.all(_NAMESPACE).items():
            try:
                message = msgspec.json.decode(kept, type=DisplayMessage)
            except msgspec.DecodeError as error:
                log.error("a kept display message cannot be read and is dropped", error=str(error))
                context.store.delete(_NAMESPACE, key)
            else:
                self._messages[message.id] = message
        self._own = ""
        self._warning = ""
        self._shown = ""
        self._turn = 0
        self._cancel: Cancel | None = None
        self._stopped = False
        self.language: str | None = None
        """Of whoever stands there, where it is known."""
        context.device_model.provide("DisplayMessageCtrlr.DisplayMessages", lambda: str(len(self._messages)))
        availability.on_change(lambda evse_id, connector_id, state: self._look_soon())

    def start(self) -> None:
        """Show what there is."""
        self._look()

    def stop(self) -> None:
        """The engine stops; messages stay on disk."""
        self._stopped = True
        self._stop_timer()
        self._context.hardware.display("")

    # What the CSMS wants

    async def put(self, message: DisplayMessage) -> tuple[DisplayStatus, str]:
        """Keep a message, in place of one with its id (O06). Why not, in plain words."""
        status, why = self._judge(message)
        if status is not DisplayStatus.ACCEPTED:
            return status, why
        if message.priority == "AlwaysFront":
            for other in [each.id for each in self._messages.values() if each.priority == "AlwaysFront"]:
                self._forget(other)
        self._messages[message.id] = message
        self._context.store.put(_NAMESPACE, str(message.id), msgspec.json.encode(message))
        await self._context.store.committed()
        self._look()
        return status, ""

    async def clear(self, message_id: int) -> bool:
        """Forget a message; False when there is none (O05)."""
        if message_id not in self._messages:
            return False
        self._forget(message_id)
        await self._context.store.committed()
        self._look()
        return True

    def find(
        self, ids: Iterable[int] | None = None, priority: str | None = None, state: str | None = None
    ) -> list[DisplayMessage]:
        """The messages that fit everything asked for (O03, O04)."""
        self._tidy(self._context.clock.now())
        wanted = None if ids is None else set(ids)
        return [
            each
            for each in self._messages.values()
            if (wanted is None or each.id in wanted)
            and (priority is None or each.priority == priority)
            and (state is None or each.state == state)
        ]

    async def report(self, request_id: int, found: list[DisplayMessage]) -> None:
        """Tell them, in parts (O03.FR.03 to FR.05)."""
        for first in range(0, len(found), _PER_REPORT):
            part = tuple(found[first : first + _PER_REPORT])
            more = first + _PER_REPORT < len(found)
            self._context.outbox.tell(
                DisplayMessagesFact(request_id=request_id, messages=part, to_be_continued=more), triggered=True
            )

    def say(self, text: str) -> None:
        """Words of the station's own, until there are others; empty: none."""
        if text != self._own:
            self._own = text
            self._look()

    def warn(self, text: str) -> None:
        """Something is wrong with the station; empty: not any more."""
        if text != self._warning:
            self._warning = text
            self._look()

    # What stands there

    def _judge(self, message: DisplayMessage) -> tuple[DisplayStatus, str]:
        settings, now = self._context.settings, self._context.clock.now()
        self._tidy(now)
        if message.priority not in settings.items("DisplayMessageCtrlr.SupportedPriorities"):
            return DisplayStatus.NOT_SUPPORTED_PRIORITY, ""
        if message.state is not None and message.state not in settings.items("DisplayMessageCtrlr.SupportedStates"):
            return DisplayStatus.NOT_SUPPORTED_STATE, ""
        formats = settings.items("DisplayMessageCtrlr.SupportedFormats")
        if any(content.format not in formats for content in message.contents):
            return DisplayStatus.NOT_SUPPORTED_MESSAGE_FORMAT, ""
        if message.transaction is not None and not self._is_running(message.transaction):
            return DisplayStatus.UNKNOWN_TRANSACTION, ""
        if not settings.flag("DisplayMessageCtrlr.Enabled"):
            return DisplayStatus.REJECTED, "display messages are switched off"
        if message.ends_at is not None and message.ends_at <= max(now, message.starts_at or now):
            return DisplayStatus.REJECTED, "it would never be shown: its end is before its start, or past"
        if message.id not in self._messages and len(self._messages) >= _MOST:
            return DisplayStatus.REJECTED, f"there are {_MOST} messages already"
        return DisplayStatus.ACCEPTED, ""

    def _look_soon(self) -> None:
        """After whatever changes just now has changed."""
        if self._stopped:
            return
        self._stop_timer()
        self._cancel = self._context.clock.call_later(0.0, self._look)

    def _look(self) -> None:
        """Show what belongs there now, and look again when that may change."""
        if self._stopped:
            return  # the display is the next life's
        self._stop_timer()
        now = self._context.clock.now()
        self._tidy(now)
        texts = self._texts(now)
        text = texts[self._turn % len(texts)] if texts else ""
        if text != self._shown:
            self._shown = text
            self._context.hardware.display(text)
        self._wake(now, turns=len(texts) > 1)

    def _texts(self, now: datetime) -> list[str]:
        """What takes turns now."""
        states = self._states()
        due = [
            each
            for each in self._messages.values()
            if (each.starts_at is None or each.starts_at <= now) and (each.state is None or each.state in states)
        ]
        always, front = (
            [self._text(each) for each in due if each.priority == priority] for priority in ("AlwaysFront", "InFront")
        )
        if always or self._warning:
            return always or [self._warning]
        if front:
            return front
        return [self._text(each) for each in due] + ([self._own] if self._own else [])

    def _text(self, message: DisplayMessage) -> str:
        for wanted in (self.language, "en"):
            if wanted:
                for content in message.contents:
                    if _speaks(content.language, wanted):
                        return content.content
        return message.contents[0].content

    def _states(self) -> set[str]:
        """The states of the station, seen by whoever stands before it; several where it has several EVSEs."""
        places = self._context.configuration.connectors
        state = self._availability.state
        found = {state(evse_id, connector_id) for evse_id, connector_id in places}
        states = set()
        if ConnectorState.CHARGING in found:
            states.add("Charging")
        else:
            states.add("Idle")
        if found & {ConnectorState.SUSPENDED_EV, ConnectorState.SUSPENDED_EVSE}:
            states.add("Suspended")
        if ConnectorState.FAULTED in found | {state(0, 0)}:
            states.add("Faulted")
        if found == {ConnectorState.UNAVAILABLE} or state(0, 0) is ConnectorState.UNAVAILABLE:
            states.add("Unavailable")
        return states

    def _tidy(self, now: datetime) -> None:
        """Forget what is over."""
        for each in list(self._messages.values()):
            over = each.ends_at is not None and each.ends_at <= now
            if over or (each.transaction is not None and not self._is_running(each.transaction)):
                self._forget(each.id)

    def _forget(self, message_id: int) -> None:
        del self._messages[message_id]
        self._context.store.delete(_NAMESPACE, str(message_id))

    def _wake(self, now: datetime, *, turns: bool) -> None:
        moments = [
            (moment - now).total_seconds()
            for each in self._messages.values()
            for moment in (each.starts_at, each.ends_at)
            if moment is not None and moment > now
        ]
        if turns:
            moments.append(_TURN_S)
        if moments:
            self._cancel = self._context.clock.call_later(min(moments), self._next_turn)

    def _next_turn(self) -> None:
        self._turn += 1
        self._look()

    def _stop_timer(self) -> None:
        if self._cancel is not None:
            self._cancel()
            self._cancel = None


def _speaks(language: str | None, wanted: str) -> bool:
    """en-US speaks to who wants en, and en to who wants en-GB."""
    if not language:
        return False
    return language.casefold().split("-")[0] == wanted.casefold().split("-")[0]
