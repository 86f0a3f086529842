"""The file that a backup is: a zip archive with a manifest, a JSONL file for each table, and files as they are.

=========================  =====================================================================
``manifest.json``          a ``Manifest``: format, schema, and what the archive must hold
``tables/<name>.jsonl``    a row a line, a JSON array of values in the order of the manifest's columns
``data/<path>``            a file of the data directory
=========================  =====================================================================

Moments are milliseconds since the Unix epoch, as in the tables. The manifest knows the length and the SHA-256 of every
member, and the archive's directory stands at its end, so that a file cut short anywhere is no archive at all.
"""

from __future__ import annotations

import hashlib
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import IO, Any, Final, Protocol, Self

import msgspec

from voltbridge.datadir import KEPT

__all__ = [
    "FORMAT",
    "FORMAT_VERSION",
    "ArchiveReader",
    "ArchiveWriter",
    "Entry",
    "FileEntry",
    "Manifest",
    "TableEntry",
    "UnusableArchive",
]

FORMAT: Final = "voltbridge-backup"
FORMAT_VERSION: Final = 1

_MANIFEST: Final = "manifest.json"
_LARGEST_MANIFEST: Final = 64 * 2**20
_CHUNK: Final = 2**20
_LONGEST_LINE: Final = 256 * 2**20
_LEVEL: Final = 3
"""Little effort: the machine has stations to serve meanwhile."""

_DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,  # encrypted
    UnicodeDecodeError,
)
"""What reading a damaged archive, or a file that is none, may raise."""


class UnusableArchive(Exception):
    """The file is no archive that can be restored; the text is one sentence."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """Something in the archive: how many bytes it has, uncompressed, and their hash."""

    size: int
    sha256: str


class TableEntry(Entry, frozen=True, kw_only=True):
    """A table in the archive."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    rows: int

    @property
    def member(self) -> str:
        """Where its rows are."""
        return f"tables/{self.name}.jsonl"


class FileEntry(Entry, frozen=True, kw_only=True):
    """A file of the data directory in the archive; ``path`` is below that directory, with slashes."""

    path: str

    @property
    def member(self) -> str:
        """Where its content is."""
        return f"data/{self.path}"


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What the archive says of itself."""

    format: str
    format_version: int
    voltbridge_version: str
    made_at: str
    """RFC 3339, in UTC."""
    revision: str
    """Of the schema that the rows are from."""
    backend: str
    """Of the database that they are from: ``sqlite`` or ``postgresql``."""
    tables: tuple[TableEntry, ...]
    files: tuple[FileEntry, ...]

    @property
    def members(self) -> list[tuple[str, Entry]]:
        """All that the archive holds, by where it is."""
        return [(each.member, each) for each in self.tables] + [(each.member, each) for each in self.files]

    @property
    def size(self) -> int:
        """Bytes of all of it, uncompressed."""
        return sum(entry.size for _, entry in self.members)


class _Sink(Protocol):
    def write(self, data: bytes, /) -> Any: ...


class _Counted:
    """Counts and hashes what is written through it."""

    def __init__(self, sink: _Sink) -> None:
        self._sink = sink
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> None:
        self._sink.write(data)
        self._hash.update(data)
        self.size += len(data)

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


class ArchiveWriter:
    """Writes an archive to a stream, which need not be seekable. A context manager; ``finish`` makes it an archive."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL)
        self._encoder = msgspec.json.Encoder()
        self._tables: list[TableEntry] = []
        self._files: list[FileEntry] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._zip.close()
        else:
            with suppress(OSError, ValueError):
                self._zip.close()

    def add_table(
        self, name: str, columns: Sequence[str], key: Sequence[str], parts: Iterable[Sequence[Sequence[Any]]]
    ) -> TableEntry:
        """Write all rows of a table, which come in parts."""
        count = 0
        with self._member(f"tables/{name}.jsonl") as sink:
            for part in parts:
                sink.write(self._encoder.encode_lines(part))
                count += len(part)
        entry = TableEntry(
            name=name, columns=tuple(columns), key=tuple(key), rows=count, size=sink.size, sha256=sink.sha256
        )
        self._tables.append(entry)
        return entry

    def add_file(self, path: str, content: IO[bytes]) -> FileEntry:
        """Write a file of the data directory as it is now."""
        with self._member(f"data/{path}") as sink:
            while chunk := content.read(_CHUNK):
                sink.write(chunk)
        entry = FileEntry(path=path, size=sink.size, sha256=sink.sha256)
        self._files.append(entry)
        return entry

    def finish(self, *, voltbridge_version: str, made_at: str, revision: str, backend: str) -> Manifest:
        """Write the manifest; the archive's end follows when the block ends."""
        manifest = Manifest(
            format=FORMAT,
            format_version=FORMAT_VERSION,
            voltbridge_version=voltbridge_version,
            made_at=made_at,
            revision=revision,
            backend=backend,
            tables=tuple(self._tables),
            files=tuple(self._files),
        )
        with self._member(_MANIFEST) as sink:
            sink.write(msgspec.json.format(self._encoder.encode(manifest), indent=1))
        return manifest

    @contextmanager
    def _member(self, name: str) -> Iterator[_Counted]:
        entry = zipfile.ZipInfo(name)  # with a date of its own, so that no clock is asked here
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o600 << 16
        with self._zip.open(entry, "w", force_zip64=True) as member:
            yield _Counted(member)


class ArchiveReader:
    """An archive that was opened; a context manager. Making it raises UnusableArchive."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except _DAMAGE as error:
            raise UnusableArchive(f"{path} is no backup of Voltbridge, or was cut short when it was copied") from error
        except OSError as error:
            raise UnusableArchive(f"{path} cannot be read: {error.strerror or error}") from error
        try:
            self.manifest = self._read_manifest()
            self._check_members()
        except BaseException:
            self._zip.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()

    def verify(self, progress: Callable[[int], None] = lambda count: None) -> None:
        """Read every member once and hold it against the manifest; ``progress`` hears how many bytes more were read.

        Raises UnusableArchive.
        """
        for name, entry in self.manifest.members:
            size, hashed = 0, hashlib.sha256()
            with self._opened(name) as member:
                while chunk := member.read(_CHUNK):
                    size += len(chunk)
                    hashed.update(chunk)
                    progress(len(chunk))
                    if size > entry.size:
                        break
            if (size, hashed.hexdigest()) != (entry.size, entry.sha256):
                raise self._damaged(name)

    def rows(self, name: str) -> Iterator[Sequence[Any]]:
        """The rows of a table. Raises UnusableArchive."""
        (entry,) = (each for each in self.manifest.tables if each.name == name)
        decode = msgspec.json.Decoder(list[Any]).decode
        count = 0
        with self._opened(entry.member) as member:
            while line := member.readline(_LONGEST_LINE):
                count += 1
                try:
                    yield decode(line)
                except (msgspec.DecodeError, RecursionError) as error:
                    raise UnusableArchive(f"{self.path}: row {count} of {entry.member} cannot be read") from error
        if count != entry.rows:
            raise self._damaged(entry.member)

    def copy(self, entry: FileEntry, target: IO[bytes]) -> None:
        """Write a file's content. Raises UnusableArchive."""
        with self._opened(entry.member) as member:
            shutil.copyfileobj(member, target, _CHUNK)

    def _read_manifest(self) -> Manifest:
        if _MANIFEST not in self._zip.namelist() or self._zip.getinfo(_MANIFEST).file_size > _LARGEST_MANIFEST:
            raise UnusableArchive(f"{self.path} is a zip file, but no backup of Voltbridge: it has no {_MANIFEST}")
        with self._opened(_MANIFEST) as member:
            content = member.read()
        try:
            format, version = msgspec.json.decode(content, type=_Format).both
            if format != FORMAT:
                raise UnusableArchive(f"{self.path} is no backup of Voltbridge, but says it is {format!r}")
            if version > FORMAT_VERSION:
                raise UnusableArchive(
                    f"{self.path} has format {version} of a newer Voltbridge; restore it with that release"
                )
            manifest = msgspec.json.decode(content, type=Manifest)
        except (msgspec.DecodeError, RecursionError) as error:
            raise UnusableArchive(f"the {_MANIFEST} of {self.path} cannot be read: {error}") from error
        for entry in manifest.files:
            path = PurePosixPath(entry.path)
            if path.is_absolute() or ".." in path.parts or "\\" in entry.path or str(path) != entry.path:
                raise UnusableArchive(f"{self.path} has a file that lies outside the data directory: {entry.path!r}")
            if path.parts[0] not in KEPT:
                raise UnusableArchive(f"{self.path} has a file that is nothing of an operator's: {entry.path!r}")
        return manifest

    def _check_members(self) -> None:
        wanted = [name for name, _ in self.manifest.members]
        if len(set(wanted)) != len(wanted):
            raise UnusableArchive(f"the {_MANIFEST} of {self.path} names something twice")
        there = set(self._zip.namelist())
        for member in wanted:
            if member not in there:
                raise UnusableArchive(f"{self.path} is damaged: {member} is missing")

    @contextmanager
    def _opened(self, member: str) -> Iterator[IO[bytes]]:
        try:
            with self._zip.open(member) as opened:
                yield opened
        except _DAMAGE as error:
            raise self._damaged(member) from error

    def _damaged(self, member: str) -> UnusableArchive:
        return UnusableArchive(f"{self.path} is damaged: {member} is not what was written; use another backup")


class _Format(msgspec.Struct):
    """The part of a manifest that stays as it is whatever the version."""

    format: str
    format_version: int

    @property
    def both(self) -> tuple[str, int]:
        return self.format, self.format_version
