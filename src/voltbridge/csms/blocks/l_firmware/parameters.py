"""What firmware management is asked for with, whatever the version (2.0.1 block L; 1.6 5.19 and its whitepaper)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final
from urllib.parse import urlsplit

from msgspec import Meta

from voltbridge.csms.commands.kinds import Parameters
from voltbridge.domain.errors import InvalidValue
from voltbridge.domain.file_transfer import TransferProtocol

__all__ = [
    "PublishFirmware",
    "PublishOrder",
    "UnpublishFirmware",
    "UpdateFirmware",
    "UpdateOrder",
    "check_location",
    "check_protocol",
]

_Id = Annotated[str, Meta(pattern="^[0-9]{1,19}$")]
_Location = Annotated[str, Meta(min_length=1, max_length=2000)]
_Moment = Annotated[datetime, Meta(tz=True)]
_Count = Annotated[int, Meta(ge=0, le=1_000_000)]
_Tries = Annotated[
    _Count | None,
    Meta(description="How often the station tries to fetch it before it gives up; null leaves it to the station."),
]
_Interval = Annotated[
    _Count | None, Meta(description="After how many seconds it tries again; null leaves it to the station.")
]
_Md5 = Annotated[str, Meta(pattern="^[0-9a-fA-F]{32}$")]
_TRIES: Final = 3
_INTERVAL_S: Final = 60
"""Many stations that are told no number give up at the first interruption of a mobile connection."""
_SCHEMES: Final = frozenset({"http", "https", "ftp", "ftps", "sftp"})


class UpdateFirmware(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Have the station fetch and install firmware: an image kept here, or a file that is kept elsewhere."""

    firmware_id: _Id | None = None
    location: _Location | None = None
    """Where the station fetches it; None: here. With an image: a copy of it, such as a local controller's."""
    protocol: TransferProtocol | None = None
    """The only one by which it may be fetched here; None: one that the station tells, HTTP if it can."""
    version: Annotated[str, Meta(min_length=1, max_length=50)] | None = None
    """What the station will tell when it boots with it; None: the image's, or not known."""
    signature: Annotated[str, Meta(min_length=1, max_length=800)] | None = None
    """Of a file that is kept elsewhere, as is ``signing_certificate``."""
    signing_certificate: Annotated[str, Meta(min_length=1, max_length=5500)] | None = None
    signed: bool | None = None
    """Whether the signature is sent; None: where there is one. 1.6 has a message of its own for it."""
    retrieve_at: _Moment | None = None
    """From when on it may be fetched; None: now."""
    install_at: _Moment | None = None
    retries: _Tries = _TRIES
    """How often the station tries to fetch it before it gives up; None: as often as it likes, which may be once."""
    retry_interval_s: _Interval = _INTERVAL_S
    """After how long it tries again; None: as it likes."""
    any_model: bool = False
    """Send an image to a station that tells another vendor or model than it is for, too."""
    finish_within_s: Annotated[float, Meta(gt=0, le=31_536_000)] = 86_400.0
    """After how long, counted from when it may begin, silence counts as failure."""


class PublishFirmware(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Have a local controller fetch firmware and publish it for the stations of its site."""

    firmware_id: _Id | None = None
    location: _Location | None = None
    protocol: TransferProtocol | None = None
    """The only one by which it may be fetched here; None: one that the controller tells, HTTP if it can."""
    checksum: _Md5 | None = None
    """MD5 of a file that is kept elsewhere."""
    retries: _Count | None = None
    retry_interval_s: _Count | None = None


class UnpublishFirmware(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Have a local controller publish firmware no longer."""

    firmware_id: _Id | None = None
    checksum: _Md5 | None = None
    """MD5 of a file that is kept elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateOrder:
    """All that goes into the message."""

    request_id: int
    location: str
    retrieve_at: datetime
    install_at: datetime | None = None
    retries: int | None = None
    retry_interval_s: int | None = None
    signature: str | None = None
    signing_certificate: str | None = None

    @property
    def signed(self) -> bool:
        """Whether it says who made the firmware."""
        return self.signature is not None and self.signing_certificate is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishOrder:
    """All that goes into the message."""

    request_id: int
    location: str
    checksum: str
    retries: int | None = None
    retry_interval_s: int | None = None


def check_location(location: str | None, field: str = "location") -> None:
    """Raises InvalidValue for an address that no station can use."""
    if location is None:
        return
    try:
        parts = urlsplit(location)
        usable = parts.scheme.lower() in _SCHEMES and bool(parts.hostname) and location.isprintable()
    except ValueError:
        usable = False
    if not usable or " " in location:
        raise InvalidValue(field, f"must be a URL that begins with {', '.join(sorted(_SCHEMES))} and names a host")


def check_protocol(
    protocol: TransferProtocol | None, location: str | None, speaks: Callable[[TransferProtocol], bool]
) -> None:
    """Raises InvalidValue for a protocol by which nothing can be transferred, whatever the station tells."""
    if protocol is None:
        return
    if location is not None:
        raise InvalidValue("protocol", "is for addresses made here; the location says its own, leave out one of them")
    if not speaks(protocol):
        raise InvalidValue("protocol", f"{protocol} is not spoken here; start with --{protocol.lower()}-port")
