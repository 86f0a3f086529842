"""Making a backup, of a system that runs or one that does not.

The database is read as it stands at one moment, so nobody has to wait; files of the data directory are read after that
moment, so that every file a row speaks of is there. What is deleted in between is left out.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final

from voltbridge import __version__
from voltbridge.backup.archive import ArchiveWriter, Manifest
from voltbridge.datadir import KEPT
from voltbridge.storage.snapshot import snapshot

__all__ = ["Made", "Progress", "make_backup", "write_backup"]

Progress = Callable[[str, int], None]
"""Hears what is being worked on and how much more of it is done: rows of a table, bytes of a file."""

_PARTIAL: Final = ".partial"


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was made."""

    manifest: Manifest
    size: int
    """Bytes of the archive."""


def make_backup(
    url: str, data: Path, target: Path, now: datetime, progress: Progress = lambda what, count: None
) -> Made:
    """Write a backup of the database and the data directory to a new file, readable by its owner alone.

    The file appears when it is complete. Raises FileExistsError, OSError, NotFound where there is no database of ours,
    SchemaTooNew, and the driver's error.
    """
    if target.exists():
        raise FileExistsError(target)
    partial = target.with_name(target.name + _PARTIAL)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            os.fchmod(stream.fileno(), 0o600)
            manifest = write_backup(url, data, stream, now, progress)
            stream.flush()
            os.fsync(stream.fileno())
            size = os.fstat(stream.fileno()).st_size
        partial.rename(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return Made(manifest, size)


def write_backup(
    url: str, data: Path, stream: IO[bytes], now: datetime, progress: Progress = lambda what, count: None
) -> Manifest:
    """Write a backup to a stream. Raises as ``make_backup`` does."""
    with snapshot(url) as moment, ArchiveWriter(stream) as writer:
        for table in moment.tables:
            parts = _told(moment.rows(table), table.name, progress)
            writer.add_table(table.name, table.columns, table.key, parts)
        # While the snapshot stands: what is to be read next was there when it was taken.
        for path in _kept_files(data):
            with suppress(FileNotFoundError), path.open("rb") as content:
                entry = writer.add_file(path.relative_to(data).as_posix(), content)
                progress(entry.path, entry.size)
        return writer.finish(
            voltbridge_version=__version__,
            made_at=now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            revision=moment.revision,
            backend=moment.backend,
        )


def _told(parts: Iterator[Sequence[Sequence[Any]]], name: str, progress: Progress) -> Iterator[Sequence[Sequence[Any]]]:
    for part in parts:
        yield part
        progress(name, len(part))


def _kept_files(data: Path) -> Iterator[Path]:
    """Plain files below what is kept, in the order of their paths; links and the like are nobody's business here."""
    for name in KEPT:
        top = data / name
        if _is_plain(top):
            yield top
        elif top.is_dir():
            for directory, directories, files in os.walk(top):
                directories.sort()
                yield from (Path(directory, file) for file in sorted(files) if _is_plain(Path(directory, file)))


def _is_plain(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False
