"""Keeps the local lists of stations: what they should have, sending it, and finding out that they have something else.

A list is sent as differences while the station tells the version it was given last, and whole otherwise (D01.FR.03):
the first message replaces the list, those after it add to it. The version is asked for before and after. Whatever goes
wrong on the way leaves the versions apart, so that the next time all is sent; what the station has is noted only when
it took everything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from weakref import WeakValueDictionary

import structlog

from voltbridge.csms.blocks.d_local_auth_list.messages import Limits, cut, limits_of
from voltbridge.csms.blocks.d_local_auth_list.ports import (
    Calls,
    Connected,
    KnownStations,
    ListBook,
    ListWords,
    TokenBook,
    Variables,
)
from voltbridge.csms.events import EventLog
from voltbridge.domain.clock import Clock
from voltbridge.domain.commands import CommandAnswer
from voltbridge.domain.errors import NotFound, StorageUnavailable
from voltbridge.domain.local_lists import (
    LARGEST_VERSION,
    ListChange,
    LocalList,
    LocalListState,
    TokenSelection,
    changes_between,
    entry_of,
)
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.station_calls import CallFailed, CallRefused
from voltbridge.domain.stations import LiveStation, RegistrationStatus
from voltbridge.domain.tokens import Token, TokenFilter
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version

__all__ = ["Call", "LocalListService"]

_log = structlog.stdlib.get_logger(__name__)

Call = Callable[[Payload], Awaitable[Any]]
"""Sends a request to the station at hand. Raises a CallFailed."""

_PAGE: Final = 500
_GATHER_S: Final = 2.0
"""How long changes of tokens are gathered before stations are told."""
_AT_ONCE: Final = 8
"""Stations brought up to date at a time because tokens changed."""
_NO_LISTS: Final = frozenset({"NotImplemented", "NotSupported"})
_ACCEPTED: Final = "Accepted"


@dataclass(slots=True)
class _Progress:
    """One list on its way to a station."""

    call: Call
    words: ListWords
    limits: Limits
    version: int
    """The last one that was used."""
    messages: int = 0


class LocalListService:
    """Everything about local lists. ``words`` has the messages of each version."""

    def __init__(
        self,
        book: ListBook,
        tokens: TokenBook,
        stations: KnownStations,
        connected: Connected,
        calls: Calls,
        variables: Variables,
        words: Mapping[Version, ListWords],
        events: EventLog,
        clock: Clock,
    ) -> None:
        self._book = book
        self._tokens = tokens
        self._stations = stations
        self._connected = connected
        self._calls = calls
        self._variables = variables
        self._words = words
        self._events = events
        self._clock = clock
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._changes = 0
        """How often tokens changed; a list that was sent meanwhile is stale at once."""
        self._behind: set[str] = set()
        self._catching_up: asyncio.Task[None] | None = None

    # What the operator wants

    async def get(self, station_id: str) -> LocalList:
        """A station's list. Raises NotFound."""
        one = await self._book.get(station_id)
        if one is None:
            raise NotFound("local list of station", station_id)
        return one

    async def entries(self, station_id: str) -> Sequence[Token]:
        """The tokens that the station has, as far as known; none where no list is kept for it. Raises NotFound."""
        if await self._stations.get(station_id) is None:
            raise NotFound("station", station_id)
        return await self._book.entries(station_id)

    async def list(self, state: LocalListState | None, page: PageRequest) -> Page[LocalList]:
        """All lists, or those in a state. Raises InvalidCursor."""
        return await self._book.list(state, page)

    async def put(self, station_id: str, selection: TokenSelection, *, automatic: bool) -> tuple[LocalList, bool]:
        """Say which tokens a station is to have, and whether that was said for the first time. Raises NotFound."""
        if await self._stations.get(station_id) is None:
            raise NotFound("station", station_id)
        async with self._lock(station_id):
            known = await self._book.get(station_id)
            now = self._clock.now()
            if known is None:
                one = LocalList(station_id=station_id, selection=selection, automatic=automatic, updated_at=now)
            else:
                one = replace(known, selection=selection, automatic=automatic, updated_at=now)
                if known.state is LocalListState.CURRENT and known.selection != selection:
                    one = replace(one, state=LocalListState.STALE)
            added = await self._book.put(one)
        self._events.emit("local_list.selected", station_id, state=one.state.value)
        if automatic:
            self._catch_up(station_id)
        return one, added

    async def leave_out(self, station_id: str, id_token: str, type: str) -> bool:
        """Take a token off the list of a station that has it: whether it had. The station is told in a moment.

        That is how a customer is forgotten whom the station was to forget (N10.FR.02).
        """
        key = id_token.casefold()
        async with self._lock(station_id):
            one = await self._book.get(station_id)
            if one is None:
                return False
            if not any((token.key, token.type) == (key, type) for token in await self._book.entries(station_id)):
                return False
            without = (*one.selection.without_id_tokens, id_token)
            stale = LocalListState.STALE if one.state is LocalListState.CURRENT else one.state
            selection = replace(one.selection, without_id_tokens=without)
            await self._book.put(replace(one, selection=selection, updated_at=self._clock.now(), state=stale))
        self._events.emit("local_list.selected", station_id, state=stale.value)
        self._catch_up(station_id)
        return True

    async def delete(self, station_id: str) -> None:
        """Look after the station's list no longer; the station keeps what it has. Raises NotFound."""
        async with self._lock(station_id):
            if not await self._book.delete(station_id):
                raise NotFound("local list of station", station_id)

    # What happens meanwhile

    async def token_changed(self, before: Token | None, after: Token | None) -> None:
        """Mark the lists that have the token, or should have it."""
        self._changes += 1
        for one in await self._book.up_to_date():
            named = any(token is not None and one.selection.names(token) for token in (before, after))
            if named and await self._book.mark_stale(one.station_id):
                self._events.emit("local_list.stale", one.station_id, version=one.version)
                if one.automatic:
                    self._catch_up(one.station_id)

    async def booted(self, live: LiveStation) -> None:
        """Look whether a station that has just booted still has its list, and bring it up to date."""
        if live.registered is not RegistrationStatus.ACCEPTED:
            return
        try:
            if await self._book.get(live.station_id) is not None:
                await self.sync(live, self._caller(live))
        except (CallFailed, NotFound, StorageUnavailable) as error:
            _log.info("a local list was not brought up to date", station=live.station_id, why=str(error))

    async def told_version(self, station_id: str, version: int | None) -> None:
        """Note which version the station says that it has; None: it knows no lists."""
        async with self._lock(station_id):
            one = await self._book.get(station_id)
            if one is None:
                return
            if version is None:
                await self._failed(one, LocalListState.NOT_SUPPORTED, "the station has no local lists")
            elif self._agrees(one, version):
                await self._book.put(replace(one, verified_at=self._clock.now()))
            elif one.state in (LocalListState.CURRENT, LocalListState.STALE):
                await self._drifted(one, version)

    async def close(self) -> None:
        """Stop telling stations of changes."""
        if self._catching_up is not None:
            self._catching_up.cancel()
            await asyncio.gather(self._catching_up, return_exceptions=True)

    # Sending

    async def sync(self, live: LiveStation, call: Call, *, full: bool = False) -> CommandAnswer:
        """Bring the station's list up to date. Raises NotFound (no list is kept for it) and a CallFailed."""
        async with self._lock(live.station_id):
            one = await self.get(live.station_id)
            try:
                return await self._sync(one, live, call, full)
            except CallRefused as error:
                if error.code not in _NO_LISTS:
                    await self._failed(one, LocalListState.FAILED, str(error))
                    raise
                await self._failed(one, LocalListState.NOT_SUPPORTED, "the station has no local lists")
                return CommandAnswer(False, "NotSupported", "the station has no local lists", {})
            except CallFailed as error:
                await self._failed(one, LocalListState.FAILED, str(error))
                raise

    async def _sync(self, one: LocalList, live: LiveStation, call: Call, full: bool) -> CommandAnswer:
        protocol = Version(live.report.protocol or "")
        words = self._words[protocol]
        told = words.version_of(await call(words.version_request()))
        if told is None:
            return await self._refused(one, LocalListState.NOT_SUPPORTED, "NotSupported", "it has no local lists")
        changes_before = self._changes
        has = self._keyed(words, await self._book.entries(one.station_id))
        selected = await self._selected(one)
        wanted = self._keyed(words, selected)
        agrees = self._agrees(one, told)
        if not agrees and one.state in (LocalListState.CURRENT, LocalListState.STALE):
            self._events.emit("local_list.drifted", one.station_id, expected=one.version, told=told)
        whole = full or not agrees or one.version == 0 or one.protocol != protocol
        changes = [] if whole else changes_between(has, wanted)
        limits = Limits()
        if whole or changes:
            limits = await limits_of(live, call, words, self._variables)
            if limits.entries is not None and len(wanted) > limits.entries:
                problem = f"{len(wanted)} tokens are selected, and its list takes {limits.entries}"
                return await self._refused(one, LocalListState.FAILED, "TooManyTokens", problem)
        sending = _Progress(call, words, limits, max(one.version, told))
        status, reason = _ACCEPTED, None
        everything = [ListChange(token) for token in wanted.values()]
        if changes:
            status, reason = await self._send(sending, changes, full=False)
            whole = status != _ACCEPTED  # D01.FR.03
        if whole:
            status, reason = await self._send(sending, everything, full=True)
        if status != _ACCEPTED:
            state = LocalListState.NOT_SUPPORTED if status in _NO_LISTS else LocalListState.FAILED
            return await self._refused(one, state, status, reason)
        now = self._clock.now()
        done = replace(
            one,
            state=LocalListState.CURRENT if changes_before == self._changes else LocalListState.STALE,
            problem=None,
            version=sending.version if sending.messages else one.version,
            protocol=protocol,
            entries=len(wanted),
            sent_at=now if sending.messages else one.sent_at,
            verified_at=now,
        )
        if sending.messages:
            told = words.version_of(await call(words.version_request()))
            await self._book.put(done, list(wanted.values()))
            if told is None or not self._agrees(done, told):
                await self._drifted(done, told or 0)
                problem = f"it took version {done.version} and tells {told or 0} afterwards"
                return CommandAnswer(False, "VersionMismatch", problem, {"version": told or 0})
        else:
            await self._book.put(done)
        info = {
            "version": done.version,
            "entries": done.entries,
            "messages": sending.messages,
            "full": whole,
            "left_out": len(selected) - len(wanted),
        }
        if done.state is LocalListState.STALE and done.automatic:
            self._catch_up(done.station_id)
        if sending.messages:
            self._events.emit("local_list.updated", one.station_id, **info)
        return CommandAnswer(True, _ACCEPTED, None, info)

    async def _send(self, sending: _Progress, changes: Sequence[ListChange], *, full: bool) -> tuple[str, str | None]:
        """Send the changes in as many messages as it takes: the status and the reason of the last answer."""
        words = sending.words
        parts = list(cut(changes, sending.limits, words)) or [[]]
        if full and sending.version > LARGEST_VERSION - len(parts):
            sending.version = 0  # a whole list may begin again
        status, reason = _ACCEPTED, None
        for number, part in enumerate(parts):
            if sending.version >= LARGEST_VERSION:
                return "VersionMismatch", "there are no larger versions"
            sending.version += 1
            sending.messages += 1
            request = words.send_request(sending.version, full and number == 0, part)
            status, reason = words.send_answer(await sending.call(request))
            if status != _ACCEPTED:
                break
        return status, reason

    async def _selected(self, one: LocalList) -> Sequence[Token]:
        now = self._clock.now()
        found: list[Token] = []
        page = PageRequest(limit=_PAGE)
        while True:
            tokens = await self._tokens.list(TokenFilter(), page)
            entries = (entry_of(token, one.selection, one.station_id, now) for token in tokens.items)
            found += [entry for entry in entries if entry is not None]
            if tokens.next is None:
                return found
            page = PageRequest(limit=_PAGE, cursor=tokens.next)

    def _keyed(self, words: ListWords, tokens: Sequence[Token]) -> dict[str, Token]:
        """By what tells them apart; of two that the version cannot tell apart the first, cards before others."""
        found: dict[str, Token] = {}
        for token in sorted(tokens, key=lambda token: not token.type.startswith("ISO")):
            key = words.key(token)
            if key is not None:
                found.setdefault(key, token)
        return found

    def _agrees(self, one: LocalList, told: int) -> bool:
        """Whether the station tells the version it was given; for an empty list it may as well tell 0 (1.6 6.28)."""
        return told == one.version or (told == 0 and one.entries == 0)

    async def _refused(self, one: LocalList, state: LocalListState, status: str, reason: str | None) -> CommandAnswer:
        await self._failed(one, state, status if reason is None else f"{status}: {reason}")
        return CommandAnswer(False, status, reason, {})

    async def _failed(self, one: LocalList, state: LocalListState, problem: str) -> None:
        await self._book.put(replace(one, state=state, problem=problem))
        self._events.emit("local_list.failed", one.station_id, state=state.value, problem=problem)

    async def _drifted(self, one: LocalList, told: int) -> None:
        problem = f"the station tells version {told}, not {one.version}"
        await self._book.put(replace(one, state=LocalListState.DRIFTED, problem=problem))
        self._events.emit("local_list.drifted", one.station_id, expected=one.version, told=told)

    def _catch_up(self, station_id: str) -> None:
        """Bring the station up to date in a moment, with others whose tokens change meanwhile."""
        self._behind.add(station_id)
        if self._catching_up is None or self._catching_up.done():
            self._catching_up = asyncio.create_task(self._catch_up_all())

    async def _catch_up_all(self) -> None:
        while self._behind:
            await self._clock.sleep(_GATHER_S)
            behind, self._behind = sorted(self._behind), set()
            room = asyncio.Semaphore(_AT_ONCE)

            async def one(station_id: str, room: asyncio.Semaphore = room) -> None:
                async with room:
                    try:
                        live = self._connected.get(station_id)
                        if live is not None:
                            await self.booted(live)
                    except Exception:
                        # Whatever it is, the others' lists have nothing to do with it.
                        _log.exception("a local list was not brought up to date", station=station_id)

            await asyncio.gather(*(one(station_id) for station_id in behind))

    def _lock(self, station_id: str) -> asyncio.Lock:
        return self._locks.setdefault(station_id, asyncio.Lock())

    def _caller(self, live: LiveStation) -> Call:
        version = Version(live.report.protocol or "")

        async def call(request: Payload) -> Any:
            return await self._calls.call(live, version, request)

        return call
