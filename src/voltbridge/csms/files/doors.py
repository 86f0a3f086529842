"""FTP and SFTP beside HTTP: opened only where they are asked for, by libraries that are loaded only then."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from voltbridge.csms.files.visits import Reception
from voltbridge.domain.file_transfer import TransferProtocol

if TYPE_CHECKING:
    from voltbridge.csms.files.ftp import FtpDoor
    from voltbridge.csms.files.sftp import SftpDoor

__all__ = ["CannotOpen", "DoorOptions", "Doors", "PortTaken"]

_log = structlog.stdlib.get_logger(__name__)


class CannotOpen(Exception):
    """A door stays shut; the text is one sentence that says what to do."""


class PortTaken(Exception):
    """A port cannot be listened on; ``error`` is why. ``protocol`` is ``ftp`` or ``sftp``."""

    def __init__(self, protocol: str, port: int, error: OSError) -> None:
        super().__init__(str(error))
        self.protocol = protocol
        self.port = port
        self.error = error


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorOptions:
    """What the operator wants. A port that is None is not opened, 0 is any free one."""

    host: str
    ftp_port: int | None = None
    sftp_port: int | None = None
    passive_ports: Sequence[int] | None = None
    """For data connections of FTP; None: any free ones."""
    public_host: str | None = None
    """By what name stations reach this server; None: by that of the stations' port."""
    host_key_file: Path


class Doors:
    """The doors that are open. ``fingerprint`` is that of the SFTP host key."""

    def __init__(self) -> None:
        self._ftp: FtpDoor | None = None
        self._sftp: SftpDoor | None = None
        self.fingerprint: str | None = None

    @property
    def ftp_port(self) -> int | None:
        """Where FTP listens, if it does."""
        return None if self._ftp is None else self._ftp.port

    @property
    def sftp_port(self) -> int | None:
        """Where SFTP listens, if it does."""
        return None if self._sftp is None else self._sftp.port

    async def open(self, options: DoorOptions, reception: Reception) -> None:
        """Open what is wanted. Raises CannotOpen and PortTaken."""
        if options.ftp_port is not None:
            await self._open_ftp(options, options.ftp_port, reception)
        if options.sftp_port is not None:
            await self._open_sftp(options, options.sftp_port, reception)

    async def stop(self) -> None:
        """Take nobody any more, and end what is under way; it can be continued."""
        for door in (self._ftp, self._sftp):
            if door is not None:
                await door.stop()
        self._ftp = self._sftp = None

    async def _open_ftp(self, options: DoorOptions, port: int, reception: Reception) -> None:
        try:
            from voltbridge.csms.files.ftp import FtpDoor
        except ModuleNotFoundError as error:
            raise _lacking("ftp", error) from None
        door = FtpDoor(reception, public_host=options.public_host, data_ports=options.passive_ports)
        try:
            await door.listen(options.host, port)
        except OSError as error:
            raise PortTaken("ftp", port, error) from None
        self._ftp = door
        reception.files.listen(TransferProtocol.FTP, door.port, options.public_host)
        _log.info("ftp listens", host=options.host, port=door.port)

    async def _open_sftp(self, options: DoorOptions, port: int, reception: Reception) -> None:
        try:
            from voltbridge.csms.files.host_key import UnusableHostKey, fingerprint, read_or_make
            from voltbridge.csms.files.sftp import SftpDoor
        except ModuleNotFoundError as error:
            raise _lacking("sftp", error) from None
        try:
            key = await asyncio.to_thread(read_or_make, options.host_key_file)
        except UnusableHostKey as error:
            raise CannotOpen(str(error)) from None
        door = SftpDoor(reception, key)
        try:
            await door.listen(options.host, port)
        except OSError as error:
            raise PortTaken("sftp", port, error) from None
        self._sftp = door
        self.fingerprint = fingerprint(key)
        reception.files.listen(TransferProtocol.SFTP, door.port, options.public_host)
        _log.info("sftp listens", host=options.host, port=door.port, host_key=self.fingerprint)


def _lacking(protocol: str, error: ModuleNotFoundError) -> CannotOpen:
    what = f"{protocol.upper()} needs the package {error.name}"
    return CannotOpen(f"{what}; install voltbridge[ftp], or start without --{protocol}-port")
