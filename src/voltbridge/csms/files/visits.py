"""What somebody who comes by FTP or SFTP may do: log in with one ticket, and move the one file that it is for.

Version and protocol do not matter here: a ``Visit`` is one login, a ``Fetch`` and a ``Delivery`` are a file on its way
out and in. The ticket is the secret of a one-time address cut in two, a user name and a password; every step asks anew
whether it still holds, so that a long session ends with it. What breaks off stays on disk as it does by HTTP, and is
continued behind what is there; it becomes a file only once its sender said that it is whole.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final
from urllib.parse import quote

import structlog

from voltbridge.csms.files.ranges import Span
from voltbridge.csms.files.service import SECRET_LENGTH, AddressRefused, FileService, Incoming
from voltbridge.csms.files.traffic import Displaced, TooManyTransfers, Traffic
from voltbridge.csms.gateway.timing import within
from voltbridge.domain.clock import Clock
from voltbridge.domain.errors import NotFound, StorageUnavailable
from voltbridge.domain.files import FileGrant, FileTooLarge, StorageFull, StoredFile, TransferWay, tame_name

__all__ = ["Delivery", "Fetch", "Guests", "Reception", "Refusal", "Refused", "Seat", "Visit"]

_log = structlog.stdlib.get_logger(__name__)

_MEDIA_TYPE: Final = "application/octet-stream"
_WAITING_CHUNKS: Final = 8
"""Of a delivery, between the socket and the disk."""
_STRANGERS_PER_ADDRESS: Final = 10
_VISITS_PER_TICKET: Final = 4
_SPARE: Final = 50
"""Connections beyond the transfers at a time, of those who have not begun to."""


class Refusal(Enum):
    """Why something was refused; each protocol has its own numbers for it."""

    NOT_ALLOWED = "not allowed"
    NOT_HERE = "not here"
    BUSY = "busy"
    TOO_LARGE = "too large"
    FULL = "full"
    BROKEN_OFF = "broken off"


class Refused(Exception):
    """Something is not done; the text says why."""

    def __init__(self, refusal: Refusal, text: str) -> None:
        super().__init__(text)
        self.refusal = refusal
        self.text = text


class _CutOff(Exception):
    """The content ended before the file did."""


_TOLD: Final = (_CutOff, Displaced, FileTooLarge, Refused, StorageFull, StorageUnavailable, TimeoutError)
"""What a delivery may end with."""


class _Sign(Enum):
    WHOLE = "whole"
    CUT = "cut"


_Done = Callable[["Fetch | Delivery"], None]
_Fresh = Callable[[], Awaitable[FileGrant]]


class Guests:
    """Connections that are there, so that no peer takes the room of all: strangers by address, guests by ticket."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._all = 0
        self._strangers: Counter[str] = Counter()
        self._by_ticket: Counter[str] = Counter()

    def enter(self, address: str) -> Seat | None:
        """A seat for one more from there, if there is room."""
        if self._all >= self._most or self._strangers[address] >= _STRANGERS_PER_ADDRESS:
            return None
        self._all += 1
        self._strangers[address] += 1
        return Seat(self, address)

    def seat(self, address: str, ticket: str) -> bool:
        """A stranger has logged in; whether that many may with this ticket."""
        if self._by_ticket[ticket] >= _VISITS_PER_TICKET:
            return False
        _take(self._strangers, address)
        self._by_ticket[ticket] += 1
        return True

    def leave(self, address: str, ticket: str | None) -> None:
        """One has gone, a stranger if without a ticket."""
        self._all -= 1
        if ticket is None:
            _take(self._strangers, address)
        else:
            _take(self._by_ticket, ticket)


class Seat:
    """Of one connection, from its beginning to its end."""

    def __init__(self, guests: Guests, address: str) -> None:
        self._guests = guests
        self._ticket: str | None = None
        self._left = False
        self.address = address

    def login(self, grant: FileGrant) -> bool:
        """Whether there is room for one more with this ticket; not for who has gone meanwhile."""
        if self._left or not self._guests.seat(self.address, grant.token_hash):
            return False
        self._ticket = grant.token_hash
        return True

    def leave(self) -> None:
        """The connection is over."""
        if not self._left:
            self._left = True
            self._guests.leave(self.address, self._ticket)


@dataclass(frozen=True, slots=True)
class Reception:
    """Where visits begin. ``stall_s``: how long a peer may send or take nothing."""

    files: FileService
    traffic: Traffic
    clock: Clock
    guests: Guests
    stall_s: float = 60.0

    @classmethod
    def opened(cls, files: FileService, traffic: Traffic, clock: Clock, *, stall_s: float = 60.0) -> Reception:
        """One for as many as may transfer at once, and some who have not begun to."""
        return cls(files, traffic, clock, Guests(traffic.at_once + _SPARE), stall_s)

    async def login(self, user: str, password: str, seat: Seat) -> Visit:
        """Raises Refused. A wrong password opens nothing, as the two are one secret."""
        secret = user + password
        if len(user) != SECRET_LENGTH // 2:
            secret = ""  # cut elsewhere it is another pair, and one pair is enough
        grant = await _granted(self.files, secret, seat.address)
        if not seat.login(grant):
            raise Refused(Refusal.BUSY, "too many sessions with this ticket")
        return Visit(self, secret, seat.address, grant)


class Visit:
    """One login with one ticket. It must be ended."""

    def __init__(self, reception: Reception, secret: str, address: str, grant: FileGrant) -> None:
        self._reception = reception
        self._secret = secret
        self._address = address
        self.grant = grant
        self._open: set[Fetch | Delivery] = set()
        self._gone = False
        self._delivered: tuple[str, int] | None = None
        """The name and the size of what was delivered in this visit."""

    @property
    def fetches(self) -> bool:
        """Whether the ticket is for a file from here."""
        return self.grant.way is TransferWay.DOWNLOAD

    @property
    def file_name(self) -> str:
        """Of the file to fetch, as the address has it."""
        return self.grant.name

    async def end(self) -> None:
        """The peer has gone: what it was sending is cut, and what it had just asked for does not begin."""
        self._gone = True
        for each in tuple(self._open):
            await each.cut()

    async def size(self, path: str) -> int:
        """Bytes of the file to fetch, or of what is here of the one to deliver. Raises Refused."""
        if self._delivered is not None and path.strip("/") == self._delivered[0]:
            return self._delivered[1]  # many look whether all has come
        grant = await self._fresh()
        if grant.way is TransferWay.DOWNLOAD:
            return (await self._file(grant, path)).size_bytes
        _plain_name(path)
        received = await self._reception.files.received_bytes(grant)
        if not received:
            raise Refused(Refusal.NOT_HERE, "nothing is here yet")
        return received

    async def stored(self, path: str) -> StoredFile:
        """The file to fetch. Raises Refused."""
        return await self._file(await self._fresh(), path)

    async def fetch(self, path: str) -> Fetch:
        """Begin to fetch the file. Raises Refused."""
        grant = await self._fresh()
        file = await self._file(grant, path)
        self._check_here()
        fetch = Fetch(self._reception, grant, file, self._open.discard)
        self._open.add(fetch)
        return fetch

    async def deliver(self, path: str, offset: int | None = 0) -> Delivery:
        """Begin to deliver a file, or go on behind ``offset`` (None: behind all that is here). Raises Refused."""
        grant = await self._fresh()
        if grant.way is not TransferWay.UPLOAD:
            raise Refused(Refusal.NOT_ALLOWED, "this ticket is for fetching a file")
        name = _plain_name(path)
        here = await self._reception.files.received_bytes(grant)
        if offset is None:
            offset = here
        if offset > here:
            raise Refused(Refusal.NOT_HERE, f"{here} bytes are here; go on behind them")
        self._check_here()
        delivery = Delivery(self._reception, grant, self._fresh, name, offset, self._over)
        self._open.add(delivery)
        return delivery

    def _check_here(self) -> None:
        """Nobody would give back the place of a transfer that begins after the end."""
        if self._gone:
            raise Refused(Refusal.BROKEN_OFF, "the session has ended")

    def _over(self, delivery: Fetch | Delivery) -> None:
        self._open.discard(delivery)
        if isinstance(delivery, Delivery) and delivery.whole:
            self._delivered = delivery.name, delivery.offset

    async def _fresh(self) -> FileGrant:
        """The grant as it is now."""
        return await _granted(self._reception.files, self._secret, self._address)

    async def _file(self, grant: FileGrant, path: str) -> StoredFile:
        if grant.way is not TransferWay.DOWNLOAD:
            raise Refused(Refusal.NOT_ALLOWED, "this ticket is for delivering a file")
        # Some clients hand on the address as it is written, with its percent signs.
        if _plain_name(path) not in (grant.name, quote(grant.name)):
            raise Refused(Refusal.NOT_HERE, "nothing but the file of this ticket is here")
        try:
            return await self._reception.files.get(grant.file_id or 0)
        except (NotFound, StorageUnavailable):
            raise Refused(Refusal.NOT_HERE, "the file is not there") from None


class Fetch:
    """A file on its way out."""

    def __init__(self, reception: Reception, grant: FileGrant, file: StoredFile, done: _Done) -> None:
        self._reception = reception
        self._grant = grant
        self._done = done
        self.file = file
        self._place = contextlib.ExitStack()
        _enter(self._place, reception.traffic, grant)

    async def read(self, offset: int, size: int) -> bytes:
        """Some of it; nothing behind its end. Raises Refused when it was deleted meanwhile."""
        try:
            return await self._reception.files.read(self.file, offset, size)
        except NotFound:
            raise Refused(Refusal.NOT_HERE, "the file is not there any more") from None

    def leaves(self, offset: int, size: int) -> None:
        """These bytes are handed to the socket: the peer may have them, even if the connection is lost just then."""
        self._reception.traffic.sent(self._grant, self.file.size_bytes).add(Span(offset, offset + size))

    async def left(self) -> None:
        """What was handed to the socket has left; once all has, the file was fetched."""
        if self._reception.traffic.sent(self._grant, self.file.size_bytes).complete:
            self._reception.traffic.all_sent(self._grant)
            with contextlib.suppress(StorageUnavailable):
                await self._reception.files.fetched(self._grant)

    async def cut(self) -> None:
        """No more of it is sent."""
        self._place.close()
        self._done(self)


class Delivery:
    """A file on its way in. It ends by ``finish`` or by ``cut``; what was cut off can be continued."""

    def __init__(
        self, reception: Reception, grant: FileGrant, fresh: _Fresh, name: str, offset: int, done: _Done
    ) -> None:
        self._reception = reception
        self._grant = grant
        self._fresh = fresh
        self.name = name
        self._done = done
        self._start = self.offset = offset
        """``offset``: how much is here, with what is still on its way to the disk."""
        self.written = self.whole = False
        self._chunks: asyncio.Queue[bytes | _Sign] = asyncio.Queue(_WAITING_CHUNKS)
        self._place = contextlib.ExitStack()
        _enter(self._place, reception.traffic, grant)
        self._task = asyncio.create_task(reception.traffic.alone(grant, self._receive))
        self._task.add_done_callback(self._ended)

    async def write(self, chunk: bytes) -> None:
        """Go on with these bytes. Raises Refused when it is over."""
        await self._put(chunk)
        self.offset += len(chunk)
        self.written = True

    async def finish(self) -> StoredFile:
        """It is whole: keep it. Raises Refused."""
        with contextlib.suppress(Refused):
            await self._put(_Sign.WHOLE)
        return await self._result()

    async def cut(self) -> None:
        """It broke off: what has come is kept to be continued. It may be over already."""
        with contextlib.suppress(Refused):
            await self._put(_Sign.CUT)
        with contextlib.suppress(Refused):
            await self._result()

    async def _put(self, item: bytes | _Sign) -> None:
        if self._task.done():
            await self._result()
            raise Refused(Refusal.NOT_ALLOWED, "the file has been delivered")
        if not self._chunks.full():
            self._chunks.put_nowait(item)
            return
        putting = asyncio.ensure_future(self._chunks.put(item))
        try:
            await asyncio.wait((putting, self._task), return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not putting.done():
                putting.cancel()
        if not putting.done():
            await self._result()

    async def _result(self) -> StoredFile:
        try:
            return await asyncio.shield(self._task)
        except FileTooLarge as error:
            raise Refused(Refusal.TOO_LARGE, f"no more than {error.limit_bytes} bytes are taken") from None
        except StorageFull:
            raise Refused(Refusal.FULL, "there is no room for it") from None
        except Displaced:
            raise Refused(Refusal.BUSY, "a newer delivery with this ticket has begun") from None
        except (_CutOff, TimeoutError):
            raise Refused(Refusal.BROKEN_OFF, "the content broke off") from None
        except StorageUnavailable:
            raise Refused(Refusal.BUSY, "nothing can be kept at the moment") from None

    async def _receive(self, displaces: bool) -> StoredFile:
        grant = self._grant
        files = self._reception.files
        if displaces:
            grant = await self._fresh()
            if self._start > (here := await files.received_bytes(grant)):
                raise Refused(Refusal.NOT_HERE, f"{here} bytes are here; go on behind them")
        await files.receive(Incoming(grant.token_hash, self._start), self._content())
        return await files.delivered(grant, tame_name(self.name, grant.name), _MEDIA_TYPE)

    async def _content(self) -> AsyncIterator[bytes]:
        while True:
            item = await within(self._reception.clock, self._reception.stall_s, self._chunks.get())
            if item is _Sign.WHOLE:
                return
            if isinstance(item, _Sign):
                raise _CutOff
            yield item

    def _ended(self, task: asyncio.Task[StoredFile]) -> None:
        error = None if task.cancelled() else task.exception()
        if isinstance(error, _TOLD):
            _log.info("an upload broke off", station=self._grant.station_id, why=type(error).__name__)
        elif error is None:
            self.whole = not task.cancelled()
        else:
            _log.error("an upload failed", station=self._grant.station_id, exc_info=error)
        self._place.close()
        self._done(self)


def _enter(place: contextlib.ExitStack, traffic: Traffic, grant: FileGrant) -> None:
    try:
        place.enter_context(traffic.place(grant))
    except TooManyTransfers:
        raise Refused(Refusal.BUSY, "too many transfers at once; come back later") from None


async def _granted(files: FileService, secret: str, address: str) -> FileGrant:
    try:
        return await files.grant(secret, address)
    except AddressRefused as refused:
        raise Refused(Refusal.NOT_ALLOWED, refused.reason) from None
    except StorageUnavailable:
        raise Refused(Refusal.BUSY, "nothing can be looked up at the moment") from None


def _plain_name(path: str) -> str:
    """The name in a path; there are no directories here."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if len(parts) != 1 or parts[0] == ".." or "\0" in path:
        raise Refused(Refusal.NOT_HERE, "there is one directory here, and no way out of it")
    return parts[0]


def _take(counter: Counter[str], key: str) -> None:
    counter[key] -= 1
    if counter[key] <= 0:
        del counter[key]
