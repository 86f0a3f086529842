"""What a backup holds comes back whole, in either database, from this release or an older one."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import insert
from tests.backup.conftest import NOW, content, counted_up, fill

from voltbridge.backup.archive import ArchiveReader
from voltbridge.backup.making import make_backup
from voltbridge.backup.restoring import restore_backup
from voltbridge.datadir import RESTORING, SECRETS_KEY
from voltbridge.domain.errors import NotFound
from voltbridge.domain.webhooks import WebhookProgress
from voltbridge.storage import migrations
from voltbridge.storage.database import open_database
from voltbridge.storage.loading import PASSED_OVER, NotEmpty
from voltbridge.storage.migrations import HEAD, upgrade
from voltbridge.storage.snapshot import tables_at
from voltbridge.storage.sql.webhooks import webhooks

REVISIONS = sorted(script.stem[:4] for script in Path(migrations.__file__).parent.glob("versions/[0-9]*.py"))


def data_directory(path: Path) -> Path:
    """One with an admin key and files, and with what belongs to a process."""
    path.mkdir(mode=0o700, exist_ok=True)
    (path / "admin.key").write_text("a-key-of-more-than-twenty-letters\n")
    (path / "admin.key").chmod(0o600)
    (path / "files" / "ab").mkdir(parents=True)
    (path / "files" / "ab" / "firmware 1.bin").write_bytes(os.urandom(3_000_000))
    (path / "files" / "empty").touch()
    (path / "lock").write_text("1\n")
    (path / "files" / "link").symlink_to("/etc/passwd")
    return path


def test_every_value_of_every_table_comes_back_in_either_database(source: str, target: str, tmp_path: Path) -> None:
    fill(source)
    data = data_directory(tmp_path / "source")
    archive = tmp_path / "backup.zip"
    made = make_backup(source, data, archive, NOW)
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    assert made.size == archive.stat().st_size
    assert made.manifest.made_at == "2026-05-01T12:00:00.000Z"
    before = content(source)
    assert min(len(rows) for rows in before.values()) >= 3
    there = tmp_path / "target"
    seen: dict[str, int] = {}
    totals: dict[str, int] = {}

    def progress(stage: str, count: int, total: int) -> None:
        seen[stage] = seen.get(stage, 0) + count
        totals[stage] = total

    restored = restore_backup(archive, target, there, progress=progress)
    assert content(target) == counted_up(before, PASSED_OVER)
    assert content(source) == before
    assert seen == totals == {"checking": made.manifest.size, "loading": sum(map(len, before.values()))}
    assert restored.loaded.rows == {name: len(rows) for name, rows in before.items()}
    for name in ("admin.key", "files/ab/firmware 1.bin", "files/empty"):
        assert (there / name).read_bytes() == (data / name).read_bytes()
        assert stat.S_IMODE((there / name).stat().st_mode) == 0o600
    kept = {path.name for path in there.iterdir()}
    assert kept - {"voltbridge.db"} == {"admin.key", "files"}
    assert not (there / "files" / "link").exists()


@pytest.mark.parametrize("revision", REVISIONS)
def test_an_older_release_s_backup_is_brought_up_to_date(revision: str, tmp_path: Path) -> None:
    _from_older(revision, f"sqlite:///{tmp_path / 'target' / 'voltbridge.db'}", tmp_path)


def test_the_first_release_s_backup_goes_to_either_database(target: str, tmp_path: Path) -> None:
    _from_older(REVISIONS[0], target, tmp_path)


def _from_older(revision: str, target: str, tmp_path: Path) -> None:
    (tmp_path / "target").mkdir(exist_ok=True)
    old = f"sqlite:///{tmp_path / 'old.db'}"
    fill(old, revision)
    archive = tmp_path / "backup.zip"
    made = make_backup(old, tmp_path / "nothing", archive, NOW)
    assert made.manifest.revision == revision
    assert {table.name for table in made.manifest.tables} == {table.name for table in tables_at(revision)}
    restore_backup(archive, target, tmp_path / "target")
    found = content(target)
    assert found.keys() == {table.name for table in tables_at(HEAD)}
    before = counted_up(content(old), PASSED_OVER)
    for name in ("transactions", "meter_values", "tokens", "counters"):
        assert len(found[name]) >= len(before[name]), name
    with ArchiveReader(archive) as reader:
        assert reader.manifest.backend == "sqlite"


@pytest.mark.parametrize("going_on", [False, True])
def test_webhooks_come_back_paused_unless_they_are_to_go_on(
    source: str, target: str, tmp_path: Path, going_on: bool
) -> None:
    upgrade(source)
    running, paused = '{"cursor":5}', '{"cursor":6,"paused_at":"2026-01-01T00:00:00Z","pause_reason":"gone"}'
    database = open_database(source)
    with database.writer.begin() as connection:
        for id, progress in ((1, running), (2, paused)):
            connection.execute(insert(webhooks).values(id=id, webhook="{}", progress=progress))
    database.dispose()
    data = data_directory(tmp_path / "source")
    (data / SECRETS_KEY).write_bytes(bytes(32))
    make_backup(source, data, tmp_path / "backup.zip", NOW)
    there = tmp_path / "target"
    at = None if going_on else NOW
    restored = restore_backup(tmp_path / "backup.zip", target, there, pause_webhooks_at=at)
    found = {row[0]: msgspec.json.decode(row[2], type=WebhookProgress) for row in content(target)["webhooks"]}
    assert found[2] == msgspec.json.decode(paused, type=WebhookProgress)
    assert restored.webhooks_paused == (0 if going_on else 1)
    assert (found[1].cursor, found[1].paused_at) == (5, at)
    assert going_on or "resume" in str(found[1].pause_reason)
    assert (there / SECRETS_KEY).read_bytes() == bytes(32)


def test_a_text_that_postgresql_cannot_hold_is_told_of(tmp_path: Path, target: str) -> None:
    import sqlite3

    url = f"sqlite:///{tmp_path / 'odd.db'}"
    fill(url)
    with sqlite3.connect(tmp_path / "odd.db") as file:
        file.execute("UPDATE messages SET frame = 'a' || char(0) || 'b' WHERE id = (SELECT min(id) FROM messages)")
    file.close()
    make_backup(url, tmp_path, tmp_path / "backup.zip", NOW)
    restored = restore_backup(tmp_path / "backup.zip", target, tmp_path / "target")
    frames = {row[-1] for row in content(target)["messages"]}
    embedded = target.startswith("sqlite")
    assert ("a\0b" if embedded else "a?b") in frames
    assert restored.loaded.replaced_texts == (0 if embedded else 1)


def test_data_that_are_there_are_kept_unless_they_may_be_replaced(source: str, target: str, tmp_path: Path) -> None:
    fill(source, rows=4)
    archive = tmp_path / "backup.zip"
    make_backup(source, data_directory(tmp_path / "source"), archive, NOW)
    there = tmp_path / "target"
    fill(target, rows=9)
    (there / "admin.key").write_text("another")
    (there / "files").mkdir()
    (there / "files" / "old").touch()
    before = content(target)
    with pytest.raises(NotEmpty):
        restore_backup(archive, target, there)
    assert content(target) == before
    assert (there / "admin.key").read_text() == "another"
    restore_backup(archive, target, there, replace=True)
    assert content(target) == counted_up(content(source), PASSED_OVER)
    assert sorted(path.name for path in (there / "files").iterdir()) == ["ab", "empty"]
    assert (there / "admin.key").read_text() != "another"
    assert not (there / RESTORING).exists()


def test_a_key_alone_is_data_too(source: str, target: str, tmp_path: Path) -> None:
    fill(source)
    make_backup(source, tmp_path / "source", tmp_path / "backup.zip", NOW)
    (tmp_path / "target" / "admin.key").write_text("another")
    with pytest.raises(NotEmpty):
        restore_backup(tmp_path / "backup.zip", target, tmp_path / "target")
    assert (tmp_path / "target" / "admin.key").read_text() == "another"


def test_no_database_no_backup(source: str, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        make_backup(source, tmp_path, tmp_path / "backup.zip", NOW)
    assert not list(tmp_path.glob("backup*"))


def test_a_file_that_is_there_is_not_written_over(source: str, tmp_path: Path) -> None:
    fill(source)
    (tmp_path / "backup.zip").write_text("precious")
    with pytest.raises(FileExistsError):
        make_backup(source, tmp_path, tmp_path / "backup.zip", NOW)
    assert (tmp_path / "backup.zip").read_text() == "precious"
