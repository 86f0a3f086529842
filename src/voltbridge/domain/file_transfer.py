"""By which protocol a station fetches or delivers a file here: what it told that it can, what this server speaks."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Final

from voltbridge.domain.errors import InvalidValue

__all__ = ["TransferProtocol", "choose_protocol", "read_protocols"]


class TransferProtocol(StrEnum):
    """A way of transferring files that this server can speak. HTTP is also HTTPS, where the stations' port is that."""

    HTTP = "HTTP"
    FTP = "FTP"
    SFTP = "SFTP"


_PREFERRED: Final = (TransferProtocol.HTTP, TransferProtocol.SFTP, TransferProtocol.FTP)
"""HTTP has ranges, lengths and one port; of the others, the one that hides what it carries comes first."""


def read_protocols(told: str | None) -> frozenset[str] | None:
    """What a station's list of protocols has (FileTransferProtocols, SupportedFileTransferProtocols); None: nothing."""
    names = frozenset(name.strip().upper() for name in (told or "").split(",") if name.strip())
    return names or None


def choose_protocol(
    told: Collection[str] | None,
    spoken: Collection[TransferProtocol],
    wanted: TransferProtocol | None,
    web_scheme: str,
) -> TransferProtocol:
    """The protocol of an address. Raises InvalidValue when there is none, with what to do.

    ``told``: what the station says that it can; None: it does not say, and can HTTP, as every version expects.
    ``wanted``: the only one allowed. ``web_scheme``: ``http`` or ``https``, of the stations' port.
    """
    usable = [one for one in _PREFERRED if one in spoken and (told is None or _fits(one, told, web_scheme))]
    if wanted is not None:
        if wanted not in spoken:
            raise InvalidValue("protocol", f"{wanted} is not spoken here; start with --{wanted.lower()}-port")
        if wanted not in usable:
            raise InvalidValue("protocol", f"{_named(wanted, web_scheme)} is none the station tells: {_listed(told)}")
        return wanted
    if told is None:
        return TransferProtocol.HTTP
    if not usable:
        here = ", ".join(_named(one, web_scheme) for one in _PREFERRED if one in spoken)
        raise InvalidValue(
            "protocol",
            f"fits none: the station tells {_listed(told)}, and {here} is spoken here; "
            "start with --ftp-port or --sftp-port, or give a location",
        )
    return usable[0]


def _fits(protocol: TransferProtocol, told: Collection[str], web_scheme: str) -> bool:
    if protocol is not TransferProtocol.HTTP:
        return protocol.value in told
    # Whoever reached this port by TLS can do so again, however it words what it can.
    return "HTTP" in told or (web_scheme == "https" and "HTTPS" in told)


def _named(protocol: TransferProtocol, web_scheme: str) -> str:
    return web_scheme.upper() if protocol is TransferProtocol.HTTP else protocol.value


def _listed(told: Collection[str] | None) -> str:
    return ", ".join(sorted(told or ()))
