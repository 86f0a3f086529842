"""Files on disk: named by our own ids, never by what anybody called them; complete ones apart from unfinished ones.

Everything here blocks and is called on threads (``FileService``).
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from voltbridge.domain.files import StorageFull

__all__ = ["Digests", "Disk"]

_CHUNK: Final = 1 << 20
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_DIGITS: Final = frozenset("0123456789")


@dataclass(frozen=True, slots=True)
class Digests:
    """What a file's content amounts to."""

    size_bytes: int
    sha256: str
    md5: str


class Disk:
    """A directory of files. ``reserve_bytes`` are left free for others, such as the database."""

    def __init__(self, root: Path, reserve_bytes: int = 256 << 20) -> None:
        self._root = root
        self._parts = root / "incoming"
        self._reserve_bytes = reserve_bytes

    def path(self, id: int) -> Path:
        """Where the content of a complete file is."""
        return self._root / str(id)

    def check_room(self, size_bytes: int) -> None:
        """Raises StorageFull when that much more would not leave the reserve free."""
        self._make()
        if shutil.disk_usage(self._root).free - size_bytes < self._reserve_bytes:
            raise StorageFull

    def open_part(self, key: str, offset: int) -> BinaryIO:
        """An unfinished file, cut at ``offset`` and ready to be written on. Raises StorageFull."""
        self._make()
        path = self._parts / key
        try:
            part = path.open("r+b" if path.exists() else "w+b")
        except OSError as error:
            raise _told(error) from error
        part.truncate(offset)
        part.seek(offset)
        return part

    def write(self, part: BinaryIO, chunk: bytes) -> None:
        """Write on. Raises StorageFull."""
        try:
            part.write(chunk)
        except OSError as error:
            raise _told(error) from error

    def close_part(self, part: BinaryIO) -> None:
        """Write out what is buffered. Raises StorageFull."""
        try:
            part.close()
        except OSError as error:
            raise _told(error) from error

    def part_size(self, key: str) -> int:
        """Bytes of an unfinished file; 0 when there is none."""
        try:
            return (self._parts / key).stat().st_size
        except FileNotFoundError:
            return 0

    def drop_part(self, key: str) -> None:
        """Forget an unfinished file; it need not be there."""
        (self._parts / key).unlink(missing_ok=True)

    def finish(self, key: str, id: int) -> Digests:
        """Make an unfinished file the complete one of this id, durably. Raises StorageFull."""
        path = self._parts / key
        sha256, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
        try:
            with path.open("r+b") as part:
                while chunk := part.read(_CHUNK):
                    sha256.update(chunk)
                    md5.update(chunk)
                    size += len(chunk)
                os.fsync(part.fileno())
            path.rename(self.path(id))
            for directory in (self._root, self._parts):
                _sync(directory)
        except OSError as error:
            raise _told(error) from error
        return Digests(size, sha256.hexdigest(), md5.hexdigest())

    def remove(self, id: int) -> None:
        """Forget a complete file; it need not be there."""
        self.path(id).unlink(missing_ok=True)

    def read(self, id: int, offset: int, size: int) -> bytes:
        """Bytes of a complete file. Raises FileNotFoundError."""
        with self.path(id).open("rb") as file:
            file.seek(offset)
            return file.read(size)

    def ids(self, older_than_s: float, now_s: float) -> list[int]:
        """Complete files that lie here unchanged for that long."""
        return [
            int(entry.name)
            for entry in _entries(self._root)
            if _DIGITS.issuperset(entry.name) and entry.stat().st_mtime < now_s - older_than_s
        ]

    def parts(self) -> list[str]:
        """The keys of unfinished files."""
        return [entry.name for entry in _entries(self._parts)]

    def _make(self) -> None:
        self._parts.mkdir(mode=0o700, parents=True, exist_ok=True)


def _entries(directory: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(directory) as entries:
            return [entry for entry in entries if entry.is_file(follow_symlinks=False)]
    except FileNotFoundError:
        return []


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _told(error: OSError) -> Exception:
    return StorageFull(str(error)) if error.errno in _FULL else error
