"""Messages on the displays of stations: set, cleared and reported, and what is known of each (O01 to O06).

What a station has is learnt from what it accepts and clears, and put right by its reports: after a report of everything
that some criteria mean, what was not in it is gone. Messages end by themselves with their time, and with the
transaction they belong to; that is noticed when somebody looks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final
from weakref import WeakValueDictionary

from voltbridge.csms.blocks.o_display_message.ports import (
    KnownStations,
    MessageBook,
    Outcomes,
    Transactions,
    Variables,
    Words,
)
from voltbridge.csms.commands.kinds import Answer, answered
from voltbridge.csms.events import EventLog
from voltbridge.domain.clock import Clock
from voltbridge.domain.device_model import Attribute, Component, StationVariable, Variable
from voltbridge.domain.display_messages import (
    PRESENT,
    DisplayMessage,
    MessageCriteria,
    MessageStatus,
    check_message,
    expired,
    matches,
    replaces,
)
from voltbridge.domain.errors import NotFound
from voltbridge.domain.station_calls import CallFailed, CallRefused
from voltbridge.domain.transactions import TransactionState
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version

__all__ = ["REPORT", "DisplayMessageService"]

REPORT: Final = "display_messages"
"""The kind of outcome that reports of messages are."""

_REPORTS_KEPT: Final = 8
"""Reports of one station that may be under way at a time."""
_OVER_KEPT: Final = 200
"""Messages of one station that are kept after their end."""
_MOST: Final = 2000
"""Messages of one station that are kept at all, so that one that reports without end fills nothing."""
_NO_ANSWER: Final = "the station has not answered; get_display_messages tells whether it has the message"

_CONTROLLER: Final = Component("DisplayMessageCtrlr")
_AVAILABLE: Final = Attribute(Variable(_CONTROLLER, "Available"))
_ENABLED: Final = Attribute(Variable(_CONTROLLER, "Enabled"))
_FORMATS: Final = Attribute(Variable(_CONTROLLER, "SupportedFormats"))
_PRIORITIES: Final = Attribute(Variable(_CONTROLLER, "SupportedPriorities"))
_STATES: Final = Attribute(Variable(_CONTROLLER, "SupportedStates"))
_LANGUAGE: Final = Attribute(Variable(_CONTROLLER, "Language"))
"""The default language; its list of values is those supported (2.1)."""

_Call = Callable[[Payload], Awaitable[Any]]


@dataclass(slots=True)
class _Report:
    """A report under way."""

    criteria: MessageCriteria
    asked_at: datetime
    ids: set[int] = field(default_factory=set)


class DisplayMessageService:
    """Everything about messages on displays."""

    def __init__(
        self,
        book: MessageBook,
        stations: KnownStations,
        transactions: Transactions,
        variables: Variables,
        outcomes: Outcomes,
        events: EventLog,
        clock: Clock,
        words: Mapping[Version, Words],
    ) -> None:
        self._book = book
        self._stations = stations
        self._transactions = transactions
        self._variables = variables
        self._outcomes = outcomes
        self._events = events
        self._clock = clock
        self.words = words
        self._reports: dict[str, dict[int, _Report]] = {}
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """By station: held from reading its messages to noting what became of them, so that no news is lost."""

    def now(self) -> datetime:
        """The moment at which something is noted."""
        return self._clock.now()

    async def list(self, station_id: str) -> Sequence[DisplayMessage]:
        """What is known of a station's messages, in the order of their ids. Raises NotFound."""
        if await self._stations.get(station_id) is None:
            raise NotFound("station", station_id)
        return await self._current(station_id)

    async def get(self, station_id: str, id: int) -> DisplayMessage:
        """One message. Raises NotFound."""
        for message in await self.list(station_id):
            if message.id == id:
                return message
        raise NotFound("display message", str(id))

    async def set(self, version: Version, message: DisplayMessage, call: _Call) -> Answer:
        """Have a station show a message. Raises InvalidValue, Unsupported and what ``call`` raises.

        What the station is known not to show is refused as it would refuse it, and not sent.
        """
        check_message(message, self._clock.now())
        request = self.words[version].set_request(message)
        info = {"message_id": message.id}
        unfit = await self._unfit(message)
        if unfit is not None:
            return replace(unfit, info=info)
        there = {one.id: one for one in await self._current(message.station_id)}
        # While it is not known that the new one is there, the old one of the same id is.
        anew = message.id not in there or there[message.id].status not in PRESENT
        asked = replace(message, requested_at=self._clock.now())
        if anew:
            await self._note(asked, MessageStatus.REQUESTED)
        try:
            response = await call(request)
        except CallRefused as refusal:
            if anew:
                await self._note(asked, MessageStatus.REJECTED, str(refusal))
            raise
        except CallFailed:
            if anew:
                await self._note(asked, MessageStatus.REQUESTED, _NO_ANSWER)
            raise
        except Exception:
            if anew:
                await self._book.forget(asked.station_id, [asked.id])
            raise
        answer = replace(answered(response), info=info)
        if answer.accepted:
            await self._accepted(asked, [one for one in there.values() if replaces(asked, one)])
        else:
            reason = answer.status if answer.reason is None else f"{answer.status}: {answer.reason}"
            if anew:
                await self._note(asked, MessageStatus.REJECTED, reason)
            self._tell("rejected", asked, reason=reason)
        return answer

    async def cleared(self, station_id: str, id: int, answer: Answer) -> None:
        """A station was asked to clear a message (O05). Unknown: it has no such message, so neither may we."""
        if not answer.accepted and answer.status != "Unknown":
            return
        now = self._clock.now()
        async with self._turn(station_id):
            for message in await self._read(station_id):
                if message.id == id and message.status in PRESENT:
                    if answer.accepted:
                        await self._book.put([message.noted(MessageStatus.CLEARED, now)])
                        self._tell("cleared", message)
                    else:
                        reason = "the station does not know it"
                        await self._book.put([message.noted(MessageStatus.NOT_REPORTED, now, reason)])

    def report_expected(self, station_id: str, request_id: int, criteria: MessageCriteria) -> None:
        """A report is about to be asked for."""
        reports = self._reports.setdefault(station_id, {})
        reports[request_id] = _Report(criteria, self._clock.now())
        while len(reports) > _REPORTS_KEPT:
            del reports[next(iter(reports))]

    async def report_answered(self, station_id: str, request_id: int, answer: Answer) -> None:
        """Unknown: the station has none of those asked for (O03.FR.06, O04.FR.02)."""
        if answer.accepted:
            return
        report = self._reports.get(station_id, {}).pop(request_id, None)
        if report is not None and answer.status == "Unknown":
            await self._note_missing(station_id, report)

    async def reported(
        self,
        station_id: str,
        request_id: int,
        messages: Sequence[DisplayMessage],
        *,
        more: bool,
        data: Mapping[str, Any],
    ) -> None:
        """A part of a report; the last one (not ``more``) ends it (O03.FR.04). Later parts are taken in as well."""
        self._events.emit("display_messages.reported", station_id, **data)
        await self._take(station_id, messages)
        reports = self._reports.get(station_id, {})
        report = reports.get(request_id)
        if report is not None:
            report.ids.update(one.id for one in messages)
        told = {"messages": len(report.ids) if report is not None else len(messages)}
        if more:
            self._outcomes.progress(station_id, REPORT, str(request_id), told)
            return
        if report is not None:
            del reports[request_id]
            await self._note_missing(station_id, report)
        self._outcomes.conclude(station_id, REPORT, str(request_id), True, told)

    async def _accepted(self, message: DisplayMessage, replaced: Sequence[DisplayMessage]) -> None:
        now = self._clock.now()
        reason = f"message {message.id} is always in front now"
        async with self._turn(message.station_id):
            there = {one.id: one for one in await self._book.of_station(message.station_id)}
            still = [there[one.id] for one in replaced if one.id in there and there[one.id].status in PRESENT]
            gone = [one.noted(MessageStatus.REPLACED, now, reason) for one in still]
            await self._book.put([message.noted(MessageStatus.ACCEPTED, now), *gone])
        self._tell("set", message)
        for one in gone:
            self._tell("replaced", one, reason=reason)

    async def _take(self, station_id: str, messages: Sequence[DisplayMessage]) -> None:
        """Note what a station says it has."""
        async with self._turn(station_id):
            known = {one.id: one for one in await self._book.of_station(station_id)}
            now = self._clock.now()
            changed = []
            for one in messages:
                former = known.get(one.id)
                if former is None and len(known) >= _MOST:
                    continue
                ours = former is not None and former.requested_at is not None
                status = MessageStatus.ACCEPTED if ours else MessageStatus.REPORTED
                requested_at = former.requested_at if former is not None else None
                known[one.id] = noted = replace(one.noted(status, now), requested_at=requested_at)
                changed.append(noted)
            await self._book.put(changed)

    async def _note_missing(self, station_id: str, report: _Report) -> None:
        """What a complete report should have had and did not have is not there, unless it was set meanwhile."""
        async with self._turn(station_id):
            now = self._clock.now()
            missing = [
                one.noted(MessageStatus.NOT_REPORTED, now, "a report of the station did not have it")
                for one in await self._read(station_id)
                if one.status in PRESENT
                and matches(one, report.criteria)
                and one.id not in report.ids
                and (one.noted_at is None or one.noted_at <= report.asked_at)
            ]
            await self._book.put(missing)
        for one in missing:
            self._tell("missing", one)

    def _turn(self, station_id: str) -> asyncio.Lock:
        return self._turns.setdefault(station_id, asyncio.Lock())

    async def _current(self, station_id: str) -> Sequence[DisplayMessage]:
        """The messages as they are now: those that have ended by themselves are noted as such."""
        async with self._turn(station_id):
            return await self._read(station_id)

    async def _read(self, station_id: str) -> Sequence[DisplayMessage]:
        """As ``_current``, for whoever has the turn."""
        now = self._clock.now()
        current, ended, over = [], [], []
        for message in await self._book.of_station(station_id):
            reason = await self._ended(message, now)
            if reason is not None:
                message = message.noted(MessageStatus.EXPIRED, now, reason)
                ended.append(message)
            current.append(message)
            if message.status not in PRESENT:
                over.append(message)
        await self._book.put(ended)
        for message in ended:
            self._tell("expired", message, reason=message.reason)
        if len(over) > _OVER_KEPT:
            over.sort(key=lambda one: one.noted_at or now)
            forgotten = {one.id for one in over[:-_OVER_KEPT]}
            await self._book.forget(station_id, sorted(forgotten))
            current = [one for one in current if one.id not in forgotten]
        return current

    async def _ended(self, message: DisplayMessage, now: datetime) -> str | None:
        if expired(message, now):
            return "its end has come"
        if message.transaction_id is None or message.status not in PRESENT:
            return None
        transaction = await self._transactions.find(message.station_id, message.transaction_id)
        if transaction is None or transaction.state is TransactionState.ACTIVE:
            return None
        return "its transaction has ended"

    async def _unfit(self, message: DisplayMessage) -> Answer | None:
        """The refusal to expect from a station whose display is known not to do it (O01.FR.01 to FR.03, FR.18)."""
        attributes = [_AVAILABLE, _ENABLED, _FORMATS, _PRIORITIES, _STATES, _LANGUAGE]
        known = await self._variables.known(message.station_id, attributes)
        values = {key: one.value for key, one in known.items() if one.value}
        for attribute in (_AVAILABLE, _ENABLED):
            if values.get(attribute.key, "").casefold() == "false":
                return Answer(False, "Rejected", f"not sent: {attribute.variable} is false")
        texts = (message.message, *message.extra)
        formats = {one.format.value for one in texts}
        languages = {one.language for one in texts if one.language is not None}
        wanted: tuple[tuple[str, Attribute, set[str]], ...] = (
            ("NotSupportedMessageFormat", _FORMATS, formats),
            ("NotSupportedPriority", _PRIORITIES, {message.priority.value}),
            ("NotSupportedState", _STATES, {message.state.value} if message.state is not None else set()),
            ("LanguageNotSupported", _LANGUAGE, languages),
        )
        for status, attribute, needed in wanted:
            told = known.get(attribute.key)
            supported = _supported(told, with_value=attribute is not _LANGUAGE)
            if supported and not {one.casefold() for one in needed} <= {one.casefold() for one in supported}:
                return Answer(False, status, f"not sent: the station supports {', '.join(supported)}")
        return None

    async def _note(self, message: DisplayMessage, status: MessageStatus, reason: str | None = None) -> None:
        async with self._turn(message.station_id):
            await self._book.put([message.noted(status, self._clock.now(), reason)])

    def _tell(self, what: str, message: DisplayMessage, **more: Any) -> None:
        self._events.emit(
            f"display_message.{what}",
            message.station_id,
            id=message.id,
            priority=message.priority.value,
            transaction_id=message.transaction_id,
            **more,
        )


def _supported(told: StationVariable | None, *, with_value: bool) -> list[str]:
    """What a variable lists: its value where that is a list, else the values it may have; nothing when unknown."""
    if told is None:
        return []
    found = [one.strip() for one in (told.value or "").split(",") if one.strip()] if with_value else []
    return found or (list(told.characteristics.values) if told.characteristics is not None else [])
