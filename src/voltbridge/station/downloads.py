"""A file on its way, on disk and never whole in memory: what has come of it stays for the next try.

Whoever fetches it has a ``Writer``. A newer writer, or the end of its own, makes one powerless: a thread that is slow
to notice that nobody wants its file any more writes nothing between what another fetches.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import BinaryIO, Final, Self

__all__ = ["Download", "NoLongerWanted", "Writer", "chunks", "digest_of"]

_CHUNK: Final = 1 << 18


class NoLongerWanted(Exception):
    """Somebody else writes the file now, or nobody: leave it alone."""


class Download:
    """One file, from one address. ``path``: where it goes; None: in the system's directory for temporary files."""

    __slots__ = ("_lock", "_path", "_wanted", "_writer", "size", "version")

    def __init__(self, path: Path | None = None) -> None:
        self._wanted = path
        self._path = path
        self._lock = Lock()
        self._writer: Writer | None = None
        self.size = 0
        """Bytes that have come."""
        self.version = ""
        """By what its server tells one content from another; empty: by nothing, so that a later try begins anew."""

    @property
    def path(self) -> Path:
        """Where it is, once somebody has begun to write it."""
        if self._path is None:
            raise FileNotFoundError("nothing has come yet")
        return self._path

    def writer(self) -> Writer:
        """Go on behind what has come. Raises OSError."""
        with self._lock:
            self._supersede()
            if self._path is None:
                number, name = tempfile.mkstemp(prefix="voltbridge-", suffix=".part")
                self._path = Path(name)
            else:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                number = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
            file = os.fdopen(number, "r+b", buffering=0)
            self._writer = writer = Writer(self, file, self._lock)
            if file.seek(0, os.SEEK_END) < self.size:
                self.size, self.version = 0, ""  # somebody tidied up
            file.truncate(self.size)
            return writer

    def remove(self) -> None:
        """Nobody needs it any more; harmless when it is gone. Raises OSError."""
        with self._lock:
            self._supersede()
            path, self._path = self._path, self._wanted
            self.size, self.version = 0, ""
            if path is not None:
                path.unlink(missing_ok=True)

    def _supersede(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.end()


class Writer:
    """Writes a download for as long as no other does. May be used on any thread."""

    __slots__ = ("_download", "_file", "_lock", "_over")

    def __init__(self, download: Download, file: BinaryIO, lock: Lock) -> None:
        self._download = download
        self._file = file
        self._lock = lock
        self._over = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self.end()

    @property
    def size(self) -> int:
        """Bytes that have come."""
        return self._download.size

    @property
    def version(self) -> str:
        """See ``Download``."""
        return self._download.version

    def write(self, chunk: bytes) -> None:
        """Go on with these bytes. Raises NoLongerWanted, OSError."""
        with self._lock:
            self._check()
            self._file.seek(self._download.size)
            rest = memoryview(chunk)
            while rest:
                written = self._file.write(rest)
                self._download.size += written
                rest = rest[written:]

    def clear(self) -> None:
        """Begin anew. Raises NoLongerWanted, OSError."""
        with self._lock:
            self._check()
            self._download.size, self._download.version = 0, ""
            self._file.truncate(0)

    def is_of(self, version: str) -> None:
        """What comes is of this version; what has come of another is worth nothing. Raises NoLongerWanted, OSError."""
        if self.version and version != self.version:
            self.clear()
        with self._lock:
            self._check()
            self._download.version = version

    def end(self) -> None:
        """From now on nothing is written. Under the lock only."""
        self._over = True
        self._file.close()

    def _check(self) -> None:
        if self._over:
            raise NoLongerWanted


def chunks(path: Path) -> Iterator[bytes]:
    """A file's content, piece by piece. Blocks. Raises OSError."""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def digest_of(path: Path, algorithm: str) -> bytes:
    """A digest over a whole file, as evidence of nothing but that it is whole. Blocks. Raises OSError."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    for chunk in chunks(path):
        digest.update(chunk)
    return digest.digest()
