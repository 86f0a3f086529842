"""Putting a backup in place: all of it, or nothing.

1. The archive is read once and held against its manifest. Nothing has been touched.
2. Everything is made beside its place: files, and an embedded database, in the directory ``restoring`` of the data
   directory; a PostgreSQL database in one transaction, which then commits.
3. A plan of what has to go where is written. From here on a restore that is cut short can be finished, and is by the
   next one before it does anything else.
4. The plan is carried out, and ``restoring`` removed.

While ``restoring`` is there no Voltbridge starts in that directory: whoever was killed in the middle has to run the
restore again, and is told so. What fails before the plan is written leaves everything as it was.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy import make_url

from voltbridge.backup.archive import ArchiveReader, Manifest
from voltbridge.datadir import KEPT, RESTORING, UNTOUCHED
from voltbridge.storage.loading import Loaded, NotEmpty, RowsDoNotFit, is_empty, load
from voltbridge.storage.snapshot import TableColumns

__all__ = ["FinishedEarlier", "Progress", "Restored", "Stage", "restore_backup"]

Stage = str
"""What is being done: ``checking``, then ``loading``."""

Progress = Callable[[Stage, int, int], None]
"""Hears the stage, how much more of it is done, and how much there is: bytes to check, rows to load."""

_PAUSED: Final = "restored from a backup; resume it once no other Voltbridge tells its receiver"
_DATABASE: Final = "database"
_PLAN: Final = "plan.json"
_BESIDE_A_DATABASE: Final = ("-wal", "-shm", "-journal")


class FinishedEarlier(Exception):
    """A restore that was cut short has been finished now, and nothing else was done."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put in place."""

    manifest: Manifest
    loaded: Loaded
    webhooks_paused: int = 0


@dataclass(frozen=True, slots=True)
class _Plan:
    """Absolute paths: what goes for good, and then what was made for which place."""

    goes: tuple[str, ...]
    comes: tuple[tuple[str, str], ...]


def restore_backup(
    archive: Path,
    url: str,
    data: Path,
    *,
    replace: bool = False,
    pause_webhooks_at: datetime | None = None,
    progress: Progress = lambda stage, count, total: None,
) -> Restored:
    """Restore into the data directory, which the caller has claimed, and into the database of the URL.

    With ``pause_webhooks_at`` webhooks are paused from that moment on: receivers have had what they were told since the
    backup was made, and the place that it was made of may be telling them still.

    Raises UnusableArchive, SchemaTooNew and RowsDoNotFit for an archive that cannot be used; NotEmpty when there are
    data already and ``replace`` is not set, FinishedEarlier when they are those of a restore that was cut short;
    OSError, and the driver's error.
    """
    data = data.absolute()
    stage = data / RESTORING
    with ArchiveReader(archive) as reader:
        manifest = reader.manifest
        reader.verify(lambda count: progress("checking", count, manifest.size))
        if (stage / _PLAN).exists():
            _carry_out(stage)
            if not replace:
                raise FinishedEarlier
        embedded = _file_of(url)
        if not replace and not _is_free(url, embedded, data):
            raise NotEmpty
        _remove(stage)
        stage.mkdir(mode=0o700)
        if embedded:
            (stage / UNTOUCHED).touch()
        try:
            webhooks = _Webhooks(pause_webhooks_at)
            loaded = _stage(reader, stage, embedded, url, replace, webhooks, progress)
        except BaseException:
            _remove(stage)
            raise
        _write_plan(stage, _plan(stage, data, embedded))
        _carry_out(stage)
    return Restored(manifest, loaded, webhooks.paused)


class _Webhooks:
    """Pauses webhooks on their way into the database, so that none is ever there that is not."""

    def __init__(self, at: datetime | None) -> None:
        self._at = at
        self.paused = 0

    def rows(self, table: TableColumns, rows: Iterable[Sequence[Any]]) -> Iterable[Sequence[Any]]:
        """The rows of a table as they are to be there."""
        if self._at is None or table.name != "webhooks" or "progress" not in table.columns:
            yield from rows
            return
        place = table.columns.index("progress")
        for row in rows:
            try:
                progress = msgspec.json.decode(row[place], type=dict[str, Any])
            except (msgspec.MsgspecError, TypeError) as error:
                raise RowsDoNotFit(f"webhooks: how far one has come cannot be read: {error}") from None
            if progress.get("paused_at") is None:
                self.paused += 1
                progress |= {"paused_at": self._at, "pause_reason": _PAUSED}
            changed = list(row)
            changed[place] = msgspec.json.encode(progress).decode()
            yield changed


def _stage(
    reader: ArchiveReader,
    stage: Path,
    embedded: Path | None,
    url: str,
    replace: bool,
    webhooks: _Webhooks,
    progress: Progress,
) -> Loaded:
    """Make everything beside its place; a PostgreSQL database comes last, for it is in its place at once."""
    for entry in reader.manifest.files:
        path = stage / entry.path
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as target:
            reader.copy(entry, target)
    _make_durable(stage)
    rows = sum(entry.rows for entry in reader.manifest.tables)
    tables = {entry.name: TableColumns(entry.name, entry.columns, entry.key) for entry in reader.manifest.tables}
    loaded = load(
        f"sqlite:///{stage / _DATABASE}" if embedded else url,
        reader.manifest.revision,
        list(tables.values()),
        lambda name: webhooks.rows(tables[name], reader.rows(name)),
        replace=replace,
        progress=lambda _table, count: progress("loading", count, rows),
    )
    _make_durable(stage)
    return loaded


def _plan(stage: Path, data: Path, embedded: Path | None) -> _Plan:
    goes = [data / name for name in KEPT]
    comes = [(stage / name, data / name) for name in KEPT if (stage / name).exists()]
    if embedded:
        # The log of the database that goes must not be taken for that of the one that comes.
        goes += [embedded, *(embedded.with_name(embedded.name + end) for end in _BESIDE_A_DATABASE)]
        comes.append((stage / _DATABASE, embedded))
    return _Plan(tuple(map(str, goes)), tuple((str(made), str(place)) for made, place in comes))


def _write_plan(stage: Path, plan: _Plan) -> None:
    draft = stage / f"{_PLAN}.draft"
    draft.write_bytes(msgspec.json.encode(plan))
    _make_durable(stage)
    (stage / UNTOUCHED).unlink(missing_ok=True)
    draft.rename(stage / _PLAN)
    _make_durable(stage)


def _carry_out(stage: Path) -> None:
    """Do what the plan says, or what is left of it."""
    plan = msgspec.json.decode((stage / _PLAN).read_bytes(), type=_Plan)
    waiting = {place: made for made, place in plan.comes if Path(made).exists()}
    arrived = {place for _, place in plan.comes} - waiting.keys()
    for place in plan.goes:
        if place not in arrived:
            _remove(Path(place))
    for place, made in waiting.items():
        Path(place).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(made, place)
        _make_durable(Path(place).parent, below=False)
    _make_durable(stage.parent, below=False)
    _remove(stage)
    _make_durable(stage.parent, below=False)


def _file_of(url: str) -> Path | None:
    """The file of an embedded database, None when it is PostgreSQL."""
    parsed = make_url(url)
    return Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None


def _is_free(url: str, embedded: Path | None, data: Path) -> bool:
    for name in KEPT:
        place = data / name
        if place.is_dir() and not any(place.iterdir()):
            continue
        if place.exists():
            return False
    return not embedded.exists() if embedded else is_empty(url)


def _make_durable(top: Path, *, below: bool = True) -> None:
    """Have the directory, and all that is in it unless ``below`` is false, written to the disk."""
    paths = [Path(directory, name) for directory, _, names in os.walk(top) for name in ("", *names)] if below else [top]
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _remove(path: Path) -> None:
    """Remove a file, or a directory with all that is in it; nothing where there is nothing."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
