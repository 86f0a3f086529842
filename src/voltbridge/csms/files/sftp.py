"""SFTP for stations that speak it (versions 3 to 6 of the protocol): one ticket, one file, and nothing else of SSH.

SSH and the protocol's rules are asyncssh's; what it may touch is a ``Visit``, and never this machine's files: every
operation asyncssh would do on them is replaced or refused. A file is whole when its sender closes it; a session that
ends before leaves it to be continued. Shells, commands, tunnels and every other way of logging in are refused.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import stat
from collections.abc import AsyncIterator, Callable
from typing import Any, Final, NoReturn

import asyncssh
import structlog
from asyncssh.stream import SSHServerStreamSession

from voltbridge.csms.files.visits import Delivery, Fetch, Reception, Refusal, Refused, Seat, Visit
from voltbridge.domain.files import StoredFile

__all__ = ["SftpDoor"]

_log = structlog.stdlib.get_logger(__name__)

_LOGIN_S: Final = 30.0
_ATTEMPTS: Final = 3
_HELD_BYTES: Final = 8 << 20
"""What is kept in memory of a file of which an earlier part is still to come: some clients write in parallel."""
_HANDLES: Final = 8
"""Files that are open at once in a session; there is one, and nobody needs it often."""
_ROOT: Final = b"/"
_ERRORS: Final[dict[Refusal, Callable[[str], asyncssh.SFTPError]]] = {
    Refusal.NOT_ALLOWED: asyncssh.SFTPPermissionDenied,
    Refusal.NOT_HERE: asyncssh.SFTPNoSuchFile,
    Refusal.BUSY: asyncssh.SFTPFailure,
    Refusal.TOO_LARGE: asyncssh.SFTPFailure,
    Refusal.FULL: asyncssh.SFTPFailure,
    Refusal.BROKEN_OFF: asyncssh.SFTPFailure,
}


class SftpDoor:
    """Listens for SFTP, with a host key."""

    def __init__(self, reception: Reception, host_key: asyncssh.SSHKey) -> None:
        # It tells of every connection, with the user, which is half of a ticket.
        logging.getLogger("asyncssh").setLevel(logging.WARNING)
        self._reception = reception
        self._host_key = host_key
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._guests: set[_Guest] = set()
        self._all_gone = asyncio.Event()

    @property
    def port(self) -> int:
        """The port that is listened on."""
        assert self._acceptor is not None, "it listens"
        return self._acceptor.get_port()

    async def listen(self, host: str, port: int) -> None:
        """Take sessions. Raises OSError."""
        self._acceptor = await asyncssh.create_server(
            lambda: _Guest(self._reception, self._guests, self._all_gone),
            host,
            port,
            server_host_keys=[self._host_key],
            server_version="Voltbridge",
            login_timeout=_LOGIN_S,
            keepalive_interval=self._reception.stall_s / 2,
            agent_forwarding=False,
            x11_forwarding=False,
            allow_pty=False,
            compression_algs=None,
        )

    async def stop(self) -> None:
        """End every session."""
        if self._acceptor is not None:
            self._acceptor.close()
        for guest in tuple(self._guests):
            guest.abort()
        while self._guests:
            self._all_gone.clear()
            await self._all_gone.wait()
        if self._acceptor is not None:
            await self._acceptor.wait_closed()


class _Guest(asyncssh.SSHServer):
    """One connection."""

    def __init__(self, reception: Reception, guests: set[_Guest], all_gone: asyncio.Event) -> None:
        self._reception = reception
        self._guests = guests
        self._all_gone = all_gone
        self._connection: asyncssh.SSHServerConnection | None = None
        self._seat: Seat | None = None
        self._failed = 0
        self._visit: Visit | None = None
        self._cancel_idle: Callable[[], None] = lambda: None
        self._ending: asyncio.Task[None] | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._guests.add(self)
        self._seat = self._reception.guests.enter(str(conn.get_extra_info("peername", ("",))[0]))
        if self._seat is None:
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_idle()
        if self._seat is not None:
            self._seat.leave()
        self._ending = asyncio.get_running_loop().create_task(self._end())

    async def _end(self) -> None:
        try:
            if self._visit is not None:
                await self._visit.end()
        finally:
            self._guests.discard(self)
            if not self._guests:
                self._all_gone.set()

    def abort(self) -> None:
        """Let it go at once."""
        if self._connection is not None:
            self._connection.abort()

    # Logging in

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def kbdint_auth_supported(self) -> bool:
        return False

    async def validate_password(self, username: str, password: str) -> bool:
        if self._visit is not None or self._seat is None:
            return False
        try:
            self._visit = await self._reception.login(username, password, self._seat)
        except Refused:
            self._failed += 1
            if self._failed >= _ATTEMPTS:
                self.abort()
            return False
        self.alive()
        return True

    # What is asked for

    def session_requested(self) -> SSHServerStreamSession[Any] | bool:
        if self._visit is None:
            return False
        visit = self._visit
        session: _Session
        session = _Session(lambda channel: _OneFile(channel, visit, self.alive, lambda: session.ended))
        return session

    def alive(self) -> None:
        """Something was done; when nothing is for too long, it is over."""
        self._cancel_idle()
        self._cancel_idle = self._reception.clock.call_later(self._reception.stall_s, self.abort)


class _Session(SSHServerStreamSession[Any]):
    """A channel for SFTP and nothing else; knows when its peer has nothing more to say."""

    def __init__(self, make: Callable[[Any], asyncssh.SFTPServer]) -> None:
        super().__init__(None, make, 3, False)
        self.ended = False

    def eof_received(self) -> bool:
        self.ended = True
        return bool(super().eof_received())

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = True
        super().connection_lost(exc)


class _Outgoing:
    """A file that a peer reads."""

    def __init__(self, fetch: Fetch) -> None:
        self.fetch = fetch

    def seek(self, offset: int, whence: int) -> int:
        """Where the next data, or the next hole, is: there are no holes (asked for by asyncssh's own clients)."""
        size = self.fetch.file.size_bytes
        if offset >= size:
            raise OSError(errno.ENXIO, "nothing is there")
        return offset if whence == os.SEEK_DATA else size


class _Incoming:
    """A file that a peer writes, at whatever offsets."""

    def __init__(self, visit: Visit, path: str, pflags: int) -> None:
        self._visit = visit
        self._path = path
        self._anew = bool(pflags & asyncssh.FXF_TRUNC)
        self._appends = bool(pflags & asyncssh.FXF_APPEND)
        self._delivery: Delivery | None = None
        self._held: dict[int, bytes] = {}

    async def begin(self) -> None:
        """Raises Refused when it cannot be delivered."""
        self._delivery = await self._visit.deliver(self._path, 0 if self._anew else None)

    async def write(self, offset: int, data: bytes) -> None:
        """Raises Refused."""
        delivery = self._delivery
        assert delivery is not None, "begun"
        if self._appends:
            offset = delivery.offset  # whatever was said
        if offset < delivery.offset:
            if delivery.written or self._anew:
                raise Refused(Refusal.NOT_ALLOWED, "what was written stays")
            await delivery.cut()  # goes on before the end of what is here: what is behind is sent again
            self._delivery = delivery = await self._visit.deliver(self._path, offset)
        if offset > delivery.offset:
            if sum(map(len, self._held.values())) + len(data) > _HELD_BYTES:
                raise Refused(Refusal.NOT_ALLOWED, f"write on behind byte {delivery.offset}")
            self._held[offset] = data
            return
        await delivery.write(data)
        while (held := self._held.pop(delivery.offset, None)) is not None:
            await delivery.write(held)

    @property
    def size(self) -> int:
        """What is here."""
        return 0 if self._delivery is None else self._delivery.offset

    async def close(self, whole: bool) -> None:
        """It is over. Raises Refused when it was to be whole, and is not."""
        delivery = self._delivery
        assert delivery is not None, "begun"
        if whole and not self._held:
            await delivery.finish()
            return
        await delivery.cut()
        if whole:
            raise Refused(Refusal.BROKEN_OFF, f"nothing was written at byte {delivery.offset}")


class _OneFile(asyncssh.SFTPServer):
    """What a peer sees: one directory, with the file to fetch in it if the ticket is for that."""

    def __init__(self, channel: Any, visit: Visit, alive: Callable[[], None], ended: Callable[[], bool]) -> None:
        super().__init__(channel)
        self._visit = visit
        self._alive = alive
        self._ended = ended
        self._open: set[_Outgoing | _Incoming] = set()

    async def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        self._alive()
        if len(self._open) >= _HANDLES:
            raise asyncssh.SFTPFailure("too many files are open")
        handle: _Outgoing | _Incoming
        try:
            if not pflags & (asyncssh.FXF_WRITE | asyncssh.FXF_APPEND):
                handle = _Outgoing(await self._visit.fetch(_text(path)))
            else:
                handle = _Incoming(self._visit, _text(path), pflags)
                await handle.begin()
        except Refused as refused:
            raise _told(refused) from None
        self._open.add(handle)
        return handle

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        self._alive()
        if not isinstance(file_obj, _Outgoing):
            raise asyncssh.SFTPPermissionDenied("this ticket is for delivering a file")
        try:
            chunk = await file_obj.fetch.read(offset, size)
        except Refused as refused:
            raise _told(refused) from None
        if chunk:
            file_obj.fetch.leaves(offset, len(chunk))
        return chunk

    async def write(self, file_obj: object, offset: int, data: bytes) -> int:
        self._alive()
        if not isinstance(file_obj, _Incoming):
            raise asyncssh.SFTPPermissionDenied("this ticket is for fetching a file")
        try:
            await file_obj.write(offset, data)
        except Refused as refused:
            raise _told(refused) from None
        return len(data)

    async def close(self, file_obj: object) -> None:
        """Asked for by the peer, or done for it when it has gone."""
        if isinstance(file_obj, _Outgoing):
            self._open.discard(file_obj)
            await file_obj.fetch.left()
            await file_obj.fetch.cut()
        elif isinstance(file_obj, _Incoming):
            self._open.discard(file_obj)
            try:
                await file_obj.close(not self._ended())
            except Refused as refused:
                raise _told(refused) from None

    async def stat(self, path: bytes) -> asyncssh.SFTPAttrs:
        self._alive()
        if not _text(path).strip("/."):
            return _directory()
        try:
            if self._visit.fetches:
                return _made(await self._visit.stored(_text(path)))
            return _file(await self._visit.size(_text(path)))
        except Refused as refused:
            raise _told(refused) from None

    async def lstat(self, path: bytes) -> asyncssh.SFTPAttrs:
        return await self.stat(path)

    async def fstat(self, file_obj: object) -> asyncssh.SFTPAttrs:
        self._alive()
        if isinstance(file_obj, _Outgoing):
            return _made(file_obj.fetch.file)
        return _file(file_obj.size if isinstance(file_obj, _Incoming) else 0)

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        if _text(path).strip("/."):
            raise asyncssh.SFTPNoSuchFile("there is one directory here")
        if self._visit.fetches:
            name = self._visit.file_name
            try:
                file = await self._visit.stored(name)
            except Refused as refused:
                raise _told(refused) from None
            yield asyncssh.SFTPName(name.encode(), attrs=_made(file))

    def realpath(self, path: bytes) -> bytes:
        parts: list[bytes] = []
        for part in path.split(b"/"):
            if part == b"..":
                parts = parts[:-1]
            elif part not in (b"", b"."):
                parts.append(part)
        return _ROOT + b"/".join(parts)

    def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """Times and rights are nobody's business here, and no reason to fail an upload."""
        if attrs.size is not None:
            raise asyncssh.SFTPPermissionDenied("the size is what was written")

    def lsetstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        self.setstat(path, attrs)

    def fsetstat(self, file_obj: object, attrs: asyncssh.SFTPAttrs) -> None:
        self.setstat(b"", attrs)

    def fsync(self, file_obj: object) -> None:
        """A file is made durable when it is whole."""

    def exit(self) -> None:
        """What was open has been closed."""

    # What is not done here

    def open56(self, path: bytes, desired_access: int, flags: int, attrs: asyncssh.SFTPAttrs) -> NoReturn:
        raise _never()

    def remove(self, path: bytes) -> NoReturn:
        raise _never()

    def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> NoReturn:
        raise _never()

    def rmdir(self, path: bytes) -> NoReturn:
        raise _never()

    def rename(self, oldpath: bytes, newpath: bytes) -> NoReturn:
        raise _never()

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> NoReturn:
        raise _never()

    def readlink(self, path: bytes) -> NoReturn:
        raise _never()

    def symlink(self, oldpath: bytes, newpath: bytes) -> NoReturn:
        raise _never()

    def link(self, oldpath: bytes, newpath: bytes) -> NoReturn:
        raise _never()

    def lock(self, file_obj: object, offset: int, length: int, flags: int) -> NoReturn:
        raise _never()

    def unlock(self, file_obj: object, offset: int, length: int) -> NoReturn:
        raise _never()

    def statvfs(self, path: bytes) -> NoReturn:
        raise _never()

    def fstatvfs(self, file_obj: object) -> NoReturn:
        raise _never()

    def map_path(self, path: bytes) -> NoReturn:
        raise _never()

    def reverse_map_path(self, path: bytes) -> bytes:
        return path


def _text(path: bytes) -> str:
    return path.decode("utf-8", "replace")


def _told(refused: Refused) -> asyncssh.SFTPError:
    return _ERRORS[refused.refusal](refused.text)


def _never() -> asyncssh.SFTPError:
    return asyncssh.SFTPPermissionDenied("a ticket is for one file and nothing else")


def _file(size: int) -> asyncssh.SFTPAttrs:
    return asyncssh.SFTPAttrs(type=asyncssh.FILEXFER_TYPE_REGULAR, size=size, permissions=stat.S_IFREG | 0o600)


def _made(file: StoredFile) -> asyncssh.SFTPAttrs:
    """A file to fetch, with the time by which a peer knows that it can go on with what it has."""
    attributes = _file(file.size_bytes)
    attributes.atime = attributes.mtime = int(file.created_at.timestamp())
    return attributes


def _directory() -> asyncssh.SFTPAttrs:
    return asyncssh.SFTPAttrs(type=asyncssh.FILEXFER_TYPE_DIRECTORY, size=0, permissions=stat.S_IFDIR | 0o700)
