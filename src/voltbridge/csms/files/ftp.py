"""FTP for stations that speak nothing better (RFC 959, 2389, 2428, 3659): one ticket, one file, passive mode only.

The protocol's rules are aioftp's; what it may touch is a ``Visit``. There is no active mode, so that nobody has this
server connect anywhere, and a data connection is taken from the peer of the session alone. FTP does not say that an
upload is whole: the end of a data connection counts as that only while the session behind it is still there, since
both end together when a station restarts or a program dies.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import logging
import socket
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC
from typing import Any, Final

import structlog
from aioftp import Connection, Server, StreamIO
from aioftp.errors import NoAvailablePort

from voltbridge.csms.files.visits import Reception, Refusal, Refused, Seat, Visit
from voltbridge.csms.gateway.timing import within

__all__ = ["FtpDoor"]

_log = structlog.stdlib.get_logger(__name__)

_BLOCK: Final = 1 << 16
_LOGIN_S: Final = 30.0
_ATTEMPTS: Final = 3
"""Logins that may fail in one session."""
_DATA_S: Final = 10.0
"""How long a peer may take to open the data connection it asked for."""
_GONE_S: Final = 0.3
"""How long the end of a session may be behind the end of its data connection."""
_CODES: Final = {
    Refusal.NOT_ALLOWED: "550",
    Refusal.NOT_HERE: "550",
    Refusal.BUSY: "450",
    Refusal.TOO_LARGE: "552",
    Refusal.FULL: "452",
    Refusal.BROKEN_OFF: "426",
}
_GONE: Final = "the peer has gone"
"""A command that nobody can send, as it has spaces in it."""
_BEFORE_LOGIN: Final = frozenset({_GONE, "user", "pass", "quit", "feat", "noop", "syst", "opts"})
_FEATURES: Final = ("Extensions:", "EPSV", "MDTM", "PASV", "REST STREAM", "SIZE", "UTF8")

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
"""In listings, whatever language this machine speaks."""

_Command = Callable[[Connection, str], Awaitable[bool]]


class FtpDoor(Server):
    """Listens for FTP. ``public_host``: what is told in answers to PASV, behind an address translation."""

    def __init__(
        self, reception: Reception, *, public_host: str | None = None, data_ports: Iterable[int] | None = None
    ) -> None:
        super().__init__(users=[], block_size=_BLOCK, socket_timeout=reception.stall_s)
        # What peers do wrong is no error of this program, and aioftp has no other word for it.
        logging.getLogger("aioftp.server").setLevel(logging.CRITICAL)
        self._reception = reception
        self._public_host = public_host
        self._data_ports = tuple(data_ports or (0,))
        self._visits: dict[asyncio.Task[Any], Visit] = {}
        """By the task of the session, as are the seats."""
        self._seats: dict[asyncio.Task[Any], Seat] = {}
        commands: dict[str, _Command] = {
            "abor": self.abor,
            "allo": self._fine,
            "appe": self._append,
            "cdup": self._change_directory,
            "cwd": self._change_directory,
            "epsv": self.epsv,
            "feat": self._features,
            "list": self._list,
            "mdtm": self._modified,
            "nlst": self._names,
            "noop": self._fine,
            "opts": self._fine,
            "pass": self._password,
            "pasv": self.pasv,
            "pwd": self._directory,
            "quit": self.quit,
            "rest": self.rest,
            "retr": self._retrieve,
            "size": self._size,
            "stor": self._store,
            "syst": self.syst,
            "type": self._type,
            "user": self._user,
            _GONE: self._gone,
        }
        self.commands_mapping = {name: self._guarded(name, command) for name, command in commands.items()}

    @property
    def port(self) -> int:
        """The port of sessions."""
        return self.server_port

    async def listen(self, host: str, port: int) -> None:
        """Take sessions. Raises OSError."""
        await self.start(host, port)

    async def stop(self) -> None:
        """End every session."""
        await self.close()

    # Sessions

    async def dispatcher(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One session, from its beginning to its end."""
        address = str(writer.get_extra_info("peername", ("",))[0])
        seat = self._reception.guests.enter(address)
        if seat is None:
            with contextlib.suppress(OSError):
                writer.write(b"421 too many connections\r\n")
            writer.close()
            return
        task = asyncio.current_task()
        assert task is not None, "a session is a task"
        self._seats[task] = seat

        def come_in() -> None:
            if task not in self._visits:
                task.cancel()

        cancel = self._reception.clock.call_later(_LOGIN_S, come_in)
        try:
            await super().dispatcher(reader, writer)
        except asyncio.CancelledError:
            writer.close()
        finally:
            cancel()
            visit = self._visits.pop(task, None)
            if visit is not None:
                await visit.end()
            del self._seats[task]
            seat.leave()

    async def parse_command(self, stream: StreamIO, censor_commands: tuple[str] = ("pass",)) -> tuple[str, str]:
        """The next command; a session in which nothing happens for too long ends."""
        connection = self.connections[stream]
        if "leaving" in connection:
            await asyncio.get_running_loop().create_future()  # nothing is said after QUIT; that the peer goes is fine
        while True:
            try:
                command, rest = await within(
                    self._reception.clock, self._reception.stall_s, super().parse_command(stream, censor_commands)
                )
            except TimeoutError:
                if not connection.extra_workers:
                    return "quit", ""
            except (ConnectionError, ValueError):  # the peer has gone, or what it says is no line of text
                return _GONE, ""
            else:
                return command.strip(), rest

    def _guarded(self, name: str, command: _Command) -> _Command:
        """A command as it is called: by whom may do it, and with an answer when it is refused."""

        async def guarded(connection: Connection, rest: str) -> bool:
            if name not in _BEFORE_LOGIN and self._visit(connection) is None:
                connection.response("530", "not logged in")
                return True
            try:
                return await command(connection, rest)
            except Refused as refused:
                connection.response(_CODES[refused.refusal], refused.text)
                return True

        return guarded

    async def _user(self, connection: Connection, rest: str) -> bool:
        if self._visit(connection) is not None:
            connection.response("503", "already logged in")
            return True
        connection.ticket = rest
        connection.response("331", "password, please")
        return True

    async def _password(self, connection: Connection, rest: str) -> bool:
        if self._visit(connection) is not None or not connection.future.ticket.done():
            connection.response("503", "the user comes first, and once")
            return True
        try:
            visit = await self._reception.login(connection.ticket, rest, self._seats[connection._dispatcher])
        except Refused as refused:
            if refused.refusal is Refusal.BUSY:
                connection.response("421", refused.text)
                return False
            failed = (connection.failed_logins if "failed_logins" in connection else 0) + 1
            connection.failed_logins = failed
            connection.response("530", refused.text)
            return failed < _ATTEMPTS
        self._visits[connection._dispatcher] = visit
        connection.logged = True
        connection.response("230", "logged in, for one file")
        return True

    async def quit(self, connection: Connection, rest: object) -> bool:
        """End the session, once the transfer that is under way is over (RFC 959, 4.1.1)."""
        connection.leaving = True
        if connection.extra_workers:
            await asyncio.wait(connection.extra_workers)
        connection.response("221", "bye")
        return False

    async def _gone(self, connection: Connection, rest: str) -> bool:
        return False

    async def response_writer(self, stream: StreamIO, response_queue: asyncio.Queue[Any]) -> None:
        """Write answers as they come; for a peer that has gone they are dropped."""
        while True:
            answer = await response_queue.get()
            try:
                if not stream.writer.is_closing():
                    await self.write_response(stream, *answer)
            except (OSError, RuntimeError) as error:  # uvloop's for a transport that closed between two lines
                _log.debug("an answer was not read", error=str(error))
            finally:
                response_queue.task_done()

    def _visit(self, connection: Connection) -> Visit | None:
        return self._visits.get(connection._dispatcher)

    def _visited(self, connection: Connection) -> Visit:
        visit = self._visit(connection)
        assert visit is not None, "commands are for those who have logged in"
        return visit

    # Small talk

    async def _fine(self, connection: Connection, rest: str) -> bool:
        connection.response("200", "fine")
        return True

    async def _features(self, connection: Connection, rest: str) -> bool:
        connection.response("211", [*_FEATURES, "End"], True)
        return True

    async def _directory(self, connection: Connection, rest: str) -> bool:
        connection.response("257", '"/"')
        return True

    async def _change_directory(self, connection: Connection, rest: str) -> bool:
        if rest.strip("/.") or ".." in rest:
            raise Refused(Refusal.NOT_HERE, "there is one directory here")
        connection.response("250", "you are there")
        return True

    async def _type(self, connection: Connection, rest: str) -> bool:
        known = rest.upper() in ("I", "A", "L 8", "A N")  # what comes in lines is kept as it comes, too
        connection.response("200" if known else "504", "fine" if known else "I is the type of files here")
        return True

    async def _size(self, connection: Connection, rest: str) -> bool:
        connection.response("213", str(await self._visited(connection).size(rest)))
        return True

    async def _modified(self, connection: Connection, rest: str) -> bool:
        """When the file to fetch was made, by which a peer knows that it can go on with what it has (RFC 3659, 3)."""
        visit = self._visited(connection)
        if not visit.fetches:
            raise Refused(Refusal.NOT_HERE, "nothing here has a time")
        made = (await visit.stored(rest)).created_at.astimezone(UTC)
        connection.response("213", f"{made:%Y%m%d%H%M%S}.{made.microsecond // 1000:03d}")
        return True

    # Data connections

    async def _start_passive_server(
        self,
        connection: Connection,
        handler_callback: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    ) -> asyncio.Server:
        async def from_the_peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            """Nobody else may fetch, or deliver in its place."""
            if writer.get_extra_info("peername", ("",))[0] != connection.client_host:
                writer.close()
                return
            await handler_callback(reader, writer)

        for port in self._data_ports:
            try:
                return await asyncio.start_server(from_the_peer, connection.server_host, port)
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise NoAvailablePort from error
        raise NoAvailablePort

    async def epsv(self, connection: Connection, rest: object) -> bool:
        """As PASV, of the family that the session has (RFC 2428, 3)."""
        if str(rest).upper() == "ALL":
            connection.response("200", "fine")
            return True
        return await super().epsv(connection, "")

    async def pasv(self, connection: Connection, rest: object) -> bool:
        """Open a port for data, and tell where (RFC 959, 4.1.2)."""
        if self._public_host is not None:
            self.ipv4_pasv_forced_response_address = await _address_of(self._public_host)
        return await super().pasv(connection, "")

    async def _list(self, connection: Connection, rest: str) -> bool:
        return await self._tell_names(connection, rest, "-r--r--r-- 1 voltbridge voltbridge {size} {day} {name}")

    async def _names(self, connection: Connection, rest: str) -> bool:
        return await self._tell_names(connection, rest, "{name}")

    async def _tell_names(self, connection: Connection, rest: str, line: str) -> bool:
        """The one file to fetch; who delivers sees nothing."""
        visit = self._visited(connection)
        path = "" if rest.startswith("-") else rest.strip("/.")
        if path and not visit.fetches:
            raise Refused(Refusal.NOT_HERE, "there is one directory here, and nothing to see in it")
        lines = ""
        if visit.fetches:
            file = await visit.stored(path or visit.file_name)
            made = file.created_at.astimezone(UTC)
            day = f"{_MONTHS[made.month - 1]} {made.day:2d}  {made.year}"
            lines = line.format(size=file.size_bytes, name=file.name, day=day) + "\r\n"

        async def tell(data: StreamIO) -> None:
            await self._write(data, lines.encode())

        return await self._transfer(connection, tell, _nothing)

    async def _retrieve(self, connection: Connection, rest: str) -> bool:
        offset = connection.restart_offset
        connection.restart_offset = 0
        fetch = await self._visited(connection).fetch(rest)

        async def send(data: StreamIO) -> None:
            at = offset
            while chunk := await fetch.read(at, _BLOCK):
                fetch.leaves(at, len(chunk))
                await self._write(data, chunk)
                at += len(chunk)
            await fetch.left()

        return await self._transfer(connection, send, fetch.cut)

    async def _append(self, connection: Connection, rest: str) -> bool:
        connection.restart_offset = 0
        return await self._take_in(connection, rest, None)

    async def _store(self, connection: Connection, rest: str) -> bool:
        offset = connection.restart_offset
        connection.restart_offset = 0
        return await self._take_in(connection, rest, offset)

    async def _take_in(self, connection: Connection, path: str, offset: int | None) -> bool:
        delivery = await self._visited(connection).deliver(path, offset)

        async def take(data: StreamIO) -> None:
            while chunk := await within(self._reception.clock, self._reception.stall_s, data.reader.read(_BLOCK)):
                await delivery.write(chunk)
            # Cancelled here when the session ends at the same time: then the peer has gone, and it is not whole.
            await self._reception.clock.sleep(_GONE_S)
            await delivery.finish()

        return await self._transfer(connection, take, delivery.cut)

    async def _write(self, data: StreamIO, chunk: bytes) -> None:
        # Past aioftp's own timeouts: those of Python 3.11 lose a cancellation that comes just then.
        if data.writer.is_closing():
            raise ConnectionResetError
        data.writer.write(chunk)
        await within(self._reception.clock, self._reception.stall_s, data.writer.drain())

    async def _transfer(
        self,
        connection: Connection,
        work: Callable[[StreamIO], Awaitable[None]],
        end: Callable[[], Awaitable[None]],
    ) -> bool:
        """Do the work over the data connection, beside the session; then ``end`` whatever is left of it."""

        async def transfer() -> bool:
            try:
                code, text = await self._over_data(connection, work)
            finally:
                await asyncio.shield(end())
            connection.response(code, text)
            return True

        problem = None
        if connection.extra_workers:
            problem = "450", "one transfer after the other"
        elif not connection.future.passive_server.done():
            problem = "425", "PASV or EPSV first"
        if problem is not None:
            await end()
            connection.response(*problem)
            return True
        connection.response("150", "here it goes")
        connection.extra_workers.add(asyncio.create_task(transfer()))
        return True

    async def _over_data(self, connection: Connection, work: Callable[[StreamIO], Awaitable[None]]) -> tuple[str, str]:
        """The answer when it is over."""
        try:
            data: StreamIO = await within(self._reception.clock, _DATA_S, _opened(connection))
        except TimeoutError:
            return "425", "no data connection has come"
        del connection.data_connection
        whole = False
        try:
            await work(data)
            whole = True
        except Refused as refused:
            return _CODES[refused.refusal], refused.text
        except TimeoutError:
            return "426", f"nothing came or went for {self._reception.stall_s:g} s"
        except OSError:
            return "426", "the data connection broke off"
        except asyncio.CancelledError:
            connection.response("426", "the transfer was broken off")
            return "226", "as you asked"
        finally:
            if whole:
                data.close()
            else:
                data.writer.transport.abort()
        return "226", "done"


async def _nothing() -> None:
    pass


async def _opened(connection: Connection) -> StreamIO:
    opened: StreamIO = await asyncio.shield(connection.future.data_connection)
    return opened


async def _address_of(host: str) -> str | None:
    """An address as PASV can tell it, looked up each time as it may change."""
    with contextlib.suppress(ValueError):
        return str(ipaddress.IPv4Address(host))
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, family=socket.AF_INET)
    except OSError:
        _log.warning("the public host of FTP has no IPv4 address", host=host)
        return None
    return str(found[0][4][0])
