"""Keeps files and hands out addresses for them.

An address holds a secret and belongs to one station and one purpose; only the secret's hash is kept, and the secret is
taken out of what is logged (``csms/redaction.py``). A file to fetch may be fetched, in parts and again, until
everything had left for a while, until it is said that it is not needed any more, or until the address expires. A file
to deliver is taken once, whole: what is unfinished is never shown, and may be continued after a restart.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections import Counter, defaultdict
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Final, ParamSpec, TypeVar
from urllib.parse import quote, urlsplit

import structlog

from voltbridge.csms.events import EventLog
from voltbridge.csms.files.disk import Disk
from voltbridge.csms.files.ports import FileBook, GrantBook
from voltbridge.domain.clock import Clock
from voltbridge.domain.errors import InvalidValue, NotFound
from voltbridge.domain.file_transfer import TransferProtocol, choose_protocol, read_protocols
from voltbridge.domain.files import (
    FileFilter,
    FileGrant,
    FileInUse,
    FilePurpose,
    FileTooLarge,
    StorageFull,
    StoredFile,
    TransferWay,
    file_name_problem,
)
from voltbridge.domain.ids import IdSource
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.stations import LiveStation

__all__ = ["FILES_PATH", "SECRET_LENGTH", "AddressRefused", "FileService", "Incoming", "Reaction"]

_log = structlog.stdlib.get_logger(__name__)

FILES_PATH: Final = "/files/"
"""Where addresses begin, after the host."""
SECRET_LENGTH: Final = 32
"""Characters of an address's secret, of which each is one of 64."""

_Ids = list[int]
_P = ParamSpec("_P")
_R = TypeVar("_R")
_THREADS: Final = 4
_CHUNK: Final = 1 << 18
_AGAIN: Final = timedelta(minutes=10)
"""How long a file may still be fetched after all of it had left: its end may be lost on the way."""
_KEPT: Final = timedelta(days=30)
"""How long it is known that an address has expired, so that a station which still uses it is told so."""
_STRANGERS_PER_MINUTE: Final = 10
_LEFT_BEHIND_S: Final = 3600.0
_PRUNED: Final = 200

Reaction = Callable[[FileGrant, StoredFile], Awaitable[None]]
"""Takes note of a file that a station has delivered."""


class AddressRefused(Exception):
    """An address is of no use. ``status`` is HTTP's: 404 unknown, 409 in use by another, 410 used up."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Incoming:
    """A file on its way in, of which the content follows."""

    key: str
    """Of the unfinished file."""
    offset: int = 0
    """What is there already and is kept."""


@dataclass(frozen=True, slots=True)
class _Door:
    """Where a protocol besides HTTP is spoken."""

    port: int
    public_host: str | None


class FileService:
    """Everything about files. ``public_url`` is where stations reach this server, if not where they connected."""

    def __init__(
        self,
        book: FileBook,
        grants: GrantBook,
        disk: Disk,
        events: EventLog,
        ids: IdSource,
        clock: Clock,
        *,
        largest_bytes: int = 1 << 30,
        public_url: str | None = None,
    ) -> None:
        self._book = book
        self._grants = grants
        self._disk = disk
        self._events = events
        self._ids = ids
        self._clock = clock
        self._public_url = public_url
        self.largest_bytes = largest_bytes
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="voltbridge-files")
        self._reactions: defaultdict[FilePurpose, list[Reaction]] = defaultdict(list)
        self._users: list[Callable[[int], Awaitable[str | None]]] = []
        self._doors: dict[TransferProtocol, _Door] = {}
        self._told: Callable[[str], Awaitable[str | None]] | None = None
        self._refusals: tuple[int, Counter[str]] = (0, Counter())
        """The minute, and refusals told in it, by the hash of the address, empty for those nobody knows."""

    def close(self) -> None:
        """Use no thread any more."""
        self._threads.shutdown(cancel_futures=True)

    def on_delivery(self, purpose: FilePurpose, react: Reaction) -> None:
        """Have ``react`` called with every file of the purpose that a station has delivered, once it is kept."""
        self._reactions[purpose].append(react)

    def used_by(self, find: Callable[[int], Awaitable[str | None]]) -> None:
        """Ask ``find`` who needs a file before it is deleted: a few words, or None."""
        self._users.append(find)

    # For operators

    async def add(
        self,
        name: str,
        purpose: FilePurpose,
        media_type: str,
        content: AsyncIterable[bytes],
        *,
        length: int | None = None,
    ) -> StoredFile:
        """Keep a file. Raises InvalidValue, FileTooLarge and StorageFull; nothing is kept then."""
        problem = file_name_problem(name)
        if problem is not None:
            raise InvalidValue("name", problem)
        incoming = Incoming(f"operator-{secrets.token_hex(8)}")
        try:
            await self.receive(incoming, content, length=length)
            return await self._keep(incoming.key, name, purpose, media_type, None)
        except BaseException:
            await self._run(self._disk.drop_part, incoming.key)
            raise

    async def get(self, id: int) -> StoredFile:
        """One file. Raises NotFound."""
        file = await self._book.get(id)
        if file is None:
            raise NotFound("file", str(id))
        return file

    async def list(self, wanted: FileFilter, page: PageRequest) -> Page[StoredFile]:
        """Files, newest first. Raises InvalidCursor."""
        return await self._book.list(wanted, page)

    async def delete(self, id: int) -> None:
        """Forget a file. Raises NotFound, FileInUse."""
        await self.get(id)
        for find in self._users:
            user = await find(id)
            if user is not None:
                raise FileInUse(id, user)
        if not await self._book.delete(id):
            raise NotFound("file", str(id))
        await self._run(self._disk.remove, id)
        self._events.emit("file.deleted", None, id=str(id))

    def path(self, file: StoredFile) -> Path:
        """Where its content is."""
        return self._disk.path(file.id)

    async def read(self, file: StoredFile, offset: int, size: int) -> bytes:
        """Some of its content. Raises NotFound when it was deleted meanwhile."""
        try:
            return await self._run(self._disk.read, file.id, offset, size)
        except FileNotFoundError:
            raise NotFound("file", str(file.id)) from None

    # Addresses

    def base_of(self, live: LiveStation) -> str:
        """Where a station reaches this server. Raises InvalidValue when nobody knows."""
        base = self._public_url or live.base_url
        if base is None:
            raise InvalidValue("location", "is needed: the station did not tell by which name it reaches this server")
        return base.rstrip("/")

    def listen(self, protocol: TransferProtocol, port: int, public_host: str | None = None) -> None:
        """Another protocol is spoken here; ``public_host`` if stations reach it by another name than their own port."""
        self._doors[protocol] = _Door(port, public_host)

    def speaks(self, protocol: TransferProtocol) -> bool:
        """Whether a protocol is spoken here."""
        return protocol is TransferProtocol.HTTP or protocol in self._doors

    def told_by(self, find: Callable[[str], Awaitable[str | None]]) -> None:
        """Ask ``find`` for the list of protocols that a station tells, None where it tells none."""
        self._told = find

    async def offer(
        self,
        live: LiveStation,
        file: StoredFile,
        reference: str,
        expires_at: datetime,
        protocol: TransferProtocol | None = None,
    ) -> str:
        """An address at which the station can fetch the file.

        ``protocol`` is the only one allowed; otherwise it is one that the station tells, HTTP if it can. Raises
        InvalidValue when there is none.
        """
        chosen = await self._chosen(live, protocol)
        secret, grant = self._granted(live, TransferWay.DOWNLOAD, file.purpose, file.name, reference, expires_at)
        await self._grants.put(replace(grant, file_id=file.id))
        return self._address(live, chosen, secret) + quote(file.name)

    async def expect(
        self,
        live: LiveStation,
        purpose: FilePurpose,
        name: str,
        reference: str,
        expires_at: datetime,
        protocol: TransferProtocol | None = None,
    ) -> str:
        """An address at which the station can deliver a file, as itself or as the directory of what it is called.

        For ``protocol`` see ``offer``.
        """
        chosen = await self._chosen(live, protocol)
        secret, grant = self._granted(live, TransferWay.UPLOAD, purpose, name, reference, expires_at)
        await self._grants.put(grant)
        return self._address(live, chosen, secret)

    async def _chosen(self, live: LiveStation, wanted: TransferProtocol | None) -> TransferProtocol:
        told = None if self._told is None else read_protocols(await self._told(live.station_id))
        spoken = (TransferProtocol.HTTP, *self._doors)
        return choose_protocol(told, spoken, wanted, urlsplit(self.base_of(live)).scheme)

    def _address(self, live: LiveStation, protocol: TransferProtocol, secret: str) -> str:
        """Where the ticket's directory is; by FTP and SFTP its secret is a user and a password."""
        base = self.base_of(live)
        door = self._doors.get(protocol)
        if door is None:
            return f"{base}{FILES_PATH}{secret}/"
        host = door.public_host or urlsplit(base).hostname or ""
        host = f"[{host}]" if ":" in host else host
        half = SECRET_LENGTH // 2
        return f"{protocol.lower()}://{secret[:half]}:{secret[half:]}@{host}:{door.port}/"

    async def close_addresses(self, reference: str) -> None:
        """Nothing more is to be fetched or delivered on this behalf."""
        await self._grants.close(reference, self._clock.now())

    async def delivered_for(self, reference: str) -> StoredFile | None:
        """The file that was delivered on this behalf, if any."""
        id = await self._grants.delivered(reference)
        return None if id is None else await self._book.get(id)

    def _granted(
        self,
        live: LiveStation,
        way: TransferWay,
        purpose: FilePurpose,
        name: str,
        reference: str,
        expires_at: datetime,
    ) -> tuple[str, FileGrant]:
        self.base_of(live)
        secret = secrets.token_urlsafe(SECRET_LENGTH * 3 // 4)
        grant = FileGrant(
            token_hash=_hash(secret),
            way=way,
            station_id=live.station_id,
            purpose=purpose,
            name=name,
            reference=reference,
            created_at=self._clock.now(),
            expires_at=expires_at,
        )
        return secret, grant

    # For stations

    async def grant(self, secret: str, remote_address: str) -> FileGrant:
        """What may be done at an address. Raises AddressRefused."""
        grant = await self._grants.get(_hash(secret))
        if grant is None:
            if self._is_news("", _STRANGERS_PER_MINUTE):
                self._events.emit("file.address_refused", None, reason="unknown", remote_address=remote_address)
            raise AddressRefused(404, "there is nothing at this address")
        now = self._clock.now()
        if grant.expires_at <= now:
            raise self._refused(grant, "it has expired")
        if grant.closed_at is not None:
            raise self._refused(grant, "it is not needed any more")
        if grant.completed_at is not None and (grant.way is TransferWay.UPLOAD or grant.completed_at + _AGAIN <= now):
            raise self._refused(grant, "it has been used")
        return grant

    def _refused(self, grant: FileGrant, reason: str) -> AddressRefused:
        if self._is_news(grant.token_hash, 1):
            self._events.emit("file.address_refused", grant.station_id, reason=reason, **_about(grant))
        return AddressRefused(410, reason)

    def _is_news(self, key: str, per_minute: int) -> bool:
        """Whether a refusal is told: whoever tries again and again, or guesses, must not fill the log of events."""
        minute = self._clock.now_ms() // 60_000
        if self._refusals[0] != minute:
            self._refusals = (minute, Counter())
        told = self._refusals[1]
        told[key] += 1
        return told[key] <= per_minute

    async def fetched(self, grant: FileGrant) -> None:
        """All of a file has left for the station."""
        if grant.completed_at is None:
            await self._grants.put(replace(grant, completed_at=self._clock.now()))
            self._events.emit("file.fetched", grant.station_id, file_id=str(grant.file_id), **_about(grant))

    async def received_bytes(self, grant: FileGrant) -> int:
        """How much of a file that is being delivered is here."""
        return await self._run(self._disk.part_size, grant.token_hash)

    async def receive(self, incoming: Incoming, content: AsyncIterable[bytes], *, length: int | None = None) -> int:
        """Write content behind what is there; the bytes there are then.

        ``length`` is how much is said to come. What has come stays when the content breaks off. Raises FileTooLarge
        and StorageFull, and then nothing stays.
        """
        written = incoming.offset
        try:
            if length is not None and written + length > self.largest_bytes:
                raise FileTooLarge(self.largest_bytes)
            await self._run(self._disk.check_room, length or 0)
            part = await self._opened(incoming)
            try:
                async for chunk in _gathered(content):
                    written += len(chunk)
                    if written > self.largest_bytes:
                        raise FileTooLarge(self.largest_bytes)
                    await self._run(self._disk.check_room, len(chunk))
                    await self._run(self._disk.write, part, chunk)
            finally:
                await asyncio.shield(self._run(self._disk.close_part, part))
        except (FileTooLarge, StorageFull):
            await self._run(self._disk.drop_part, incoming.key)
            raise
        return written

    async def _opened(self, incoming: Incoming) -> BinaryIO:
        """The unfinished file. A thread opens it even when the delivery is given up; then it is closed again."""
        opening = asyncio.ensure_future(self._run(self._disk.open_part, incoming.key, incoming.offset))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            # Waited for, since a newer delivery may open the same file as soon as this one is over.
            await asyncio.wait([opening])
            if opening.exception() is None:
                await self._run(self._disk.close_part, opening.result())
            raise

    async def delivered(self, grant: FileGrant, name: str, media_type: str) -> StoredFile:
        """A file has been delivered whole: keep it, and tell whoever waits for it. Raises StorageFull."""
        file = await self._keep(grant.token_hash, name, grant.purpose, media_type, grant)
        for react in self._reactions[grant.purpose]:
            try:
                await react(grant, file)
            except Exception:
                # The file is kept and the station must not deliver it again.
                _log.exception("a delivered file was not taken note of", station=grant.station_id, file=file.id)
        return file

    async def _keep(
        self, key: str, name: str, purpose: FilePurpose, media_type: str, grant: FileGrant | None
    ) -> StoredFile:
        id = self._ids.next()
        digests = await self._run(self._disk.finish, key, id)
        now = self._clock.now()
        file = StoredFile(
            id=id,
            name=name,
            purpose=purpose,
            media_type=media_type,
            size_bytes=digests.size_bytes,
            sha256=digests.sha256,
            md5=digests.md5,
            created_at=now,
            station_id=None if grant is None else grant.station_id,
        )
        await self._book.add(file, None if grant is None else replace(grant, file_id=id, completed_at=now))
        shown = {"size_bytes": file.size_bytes, "sha256": file.sha256, "name": name, "purpose": purpose.value}
        what = "file.added" if grant is None else "file.delivered"
        self._events.emit(what, file.station_id, id=str(id), **shown)
        return file

    # Tidying

    async def tidy(self, delivered_before: datetime | None) -> int:
        """Forget old files of stations (before a moment, if given), old addresses, and what lies on disk unknown.

        How many files of stations there were.
        """
        forgotten = 0
        while delivered_before is not None and (old := await self._book.delivered_before(delivered_before, _PRUNED)):
            for id in old:
                await self._book.delete(id)
                await self._run(self._disk.remove, id)
                forgotten += 1
        now = self._clock.now()
        await self._grants.prune(now - _KEPT)
        left = await self._run(self._disk.ids, _LEFT_BEHIND_S, self._clock.now_ms() / 1000)
        for id in await self._unknown(left):
            await self._run(self._disk.remove, id)
        for key in await self._run(self._disk.parts):
            grant = await self._grants.get(key)
            ended = grant is None or grant.expires_at <= now or grant.completed_at is not None
            if ended and not key.startswith("operator-"):
                await self._run(self._disk.drop_part, key)
        return forgotten

    async def start(self) -> None:
        """Forget what operators had not finished to send when the program ended."""
        for key in await self._run(self._disk.parts):
            if key.startswith("operator-"):
                await self._run(self._disk.drop_part, key)

    async def _unknown(self, ids: _Ids) -> _Ids:
        found: _Ids = []
        for first in range(0, len(ids), _PRUNED):
            some = ids[first : first + _PRUNED]
            known = await self._book.known(some)
            found += [id for id in some if id not in known]
        return found

    async def _run(self, work: Callable[_P, _R], *arguments: _P.args, **named: _P.kwargs) -> _R:
        def run() -> _R:
            return work(*arguments, **named)

        return await asyncio.get_running_loop().run_in_executor(self._threads, run)


async def _gathered(content: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """The same content in larger chunks, for each costs a turn of a thread."""
    gathered = bytearray()
    try:
        async for chunk in content:
            gathered += chunk
            if len(gathered) >= _CHUNK:
                yield bytes(gathered)
                gathered.clear()
    except Exception:
        # What came before the content broke off is kept, so that it can be continued.
        if gathered:
            yield bytes(gathered)
        raise
    if gathered:
        yield bytes(gathered)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def _about(grant: FileGrant) -> dict[str, str]:
    return {"way": grant.way.value, "purpose": grant.purpose.value, "name": grant.name, "reference": grant.reference}
