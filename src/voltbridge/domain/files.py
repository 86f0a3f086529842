"""Files that are kept here, and the one-time addresses by which stations fetch and deliver them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from urllib.parse import unquote

__all__ = [
    "LONGEST_NAME",
    "FileFilter",
    "FileGrant",
    "FileInUse",
    "FilePurpose",
    "FileTooLarge",
    "StorageFull",
    "StoredFile",
    "TransferWay",
    "file_name_problem",
    "tame_name",
]

LONGEST_NAME: Final = 200
"""Characters of a file's name."""


class FilePurpose(StrEnum):
    """What a file is for."""

    FIRMWARE = "Firmware"
    LOG = "Log"
    OTHER = "Other"


class TransferWay(StrEnum):
    """What a station may do at an address."""

    DOWNLOAD = "Download"
    UPLOAD = "Upload"


class FileTooLarge(Exception):
    """There is more than may be kept. ``limit_bytes`` is what is allowed."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"the file is larger than {limit_bytes} bytes")
        self.limit_bytes = limit_bytes


class StorageFull(Exception):
    """The disk has no room for the file; nothing of it was kept."""


class FileInUse(Exception):
    """A file cannot be deleted while ``user`` needs it."""

    def __init__(self, id: int, user: str) -> None:
        super().__init__(f"file {id} is used by {user}")
        self.id = id
        self.user = user


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A complete file. Its content never changes."""

    id: int
    name: str
    purpose: FilePurpose
    media_type: str
    size_bytes: int
    sha256: str
    """In hexadecimal digits, as is ``md5``."""
    md5: str
    created_at: datetime
    station_id: str | None = None
    """The station that delivered it; None: the operator."""


@dataclass(frozen=True, slots=True)
class FileFilter:
    """Which files to list; what is None does not matter."""

    purpose: FilePurpose | None = None
    station_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileGrant:
    """What a station may do at one address. The address itself is known to the station alone."""

    token_hash: str
    """SHA-256 of the secret part of the address, in hexadecimal digits."""
    way: TransferWay
    station_id: str
    purpose: FilePurpose
    name: str
    """What the file is called; a station that delivers one may call it otherwise."""
    reference: str
    """On whose behalf: several addresses may have the same."""
    created_at: datetime
    expires_at: datetime
    file_id: int | None = None
    """The file to fetch, or the one that was delivered."""
    completed_at: datetime | None = None
    """When everything had been fetched or delivered."""
    closed_at: datetime | None = None
    """When it was said that the address is not needed any more."""


def file_name_problem(name: str) -> str | None:
    """What is wrong with a name that an operator chose; continues a sentence that begins with the field."""
    if not 0 < len(name) <= LONGEST_NAME:
        return f"must have 1 to {LONGEST_NAME} characters"
    if not name.isprintable() or "/" in name or "\\" in name:
        return "must be a plain file name: printable, without slashes"
    if name.strip(". ") == "":
        return "must have more in it than dots and spaces"
    return None


def tame_name(said: str, otherwise: str) -> str:
    """The harmless part of a name that a station chose, or ``otherwise`` when nothing of it is left."""
    last = unquote(said, errors="replace").replace("\\", "/").rpartition("/")[2]
    name = "".join(each for each in last if each.isprintable() and each != "\ufffd")[:LONGEST_NAME].strip()
    return otherwise if file_name_problem(name) else name
