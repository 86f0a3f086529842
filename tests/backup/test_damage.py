"""Archives that are cut short, damaged, foreign or ahead of us are refused in one sentence, and nothing is touched."""

from __future__ import annotations

import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.backup.conftest import NOW, content, fill

from voltbridge.backup.archive import ArchiveReader, ArchiveWriter, UnusableArchive
from voltbridge.backup.making import make_backup
from voltbridge.backup.restoring import restore_backup
from voltbridge.domain.errors import SchemaTooNew
from voltbridge.storage.loading import RowsDoNotFit
from voltbridge.storage.migrations import HEAD
from voltbridge.storage.snapshot import tables_at


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    url = f"sqlite:///{tmp_path / 'source.db'}"
    fill(url)
    data = tmp_path / "data"
    (data / "files").mkdir(parents=True)
    (data / "admin.key").write_text("a-key-of-more-than-twenty-letters")
    (data / "files" / "image").write_bytes(random.Random(1).randbytes(20_000))
    make_backup(url, data, tmp_path / "backup.zip", NOW)
    return tmp_path / "backup.zip"


def refused(archive: Path, tmp_path: Path, *errors: type[Exception]) -> str:
    """What is said of it; a target with data of its own stays as it is."""
    there = tmp_path / "there"
    there.mkdir()
    url = f"sqlite:///{there / 'voltbridge.db'}"
    fill(url, rows=3)
    (there / "admin.key").write_text("another")
    before = content(url)
    with pytest.raises(errors or UnusableArchive) as raised:
        restore_backup(archive, url, there, replace=True)
    assert content(url) == before
    assert (there / "admin.key").read_text() == "another"
    assert {path.name for path in there.iterdir()} == {"voltbridge.db", "admin.key"}
    said = str(raised.value)
    assert "\n" not in said
    return said


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.9, 0.999])
def test_cut_short(archive: Path, tmp_path: Path, share: float) -> None:
    whole = archive.read_bytes()
    archive.write_bytes(whole[: int(len(whole) * share)])
    assert refused(archive, tmp_path) == f"{archive} is no backup of Voltbridge, or was cut short when it was copied"


def test_no_flipped_bit_goes_unnoticed(archive: Path, tmp_path: Path) -> None:
    """Wherever it is in what counts: an archive either is refused, or holds exactly what was written."""
    whole = archive.read_bytes()
    chances = random.Random(2)
    with ArchiveReader(archive) as reader:
        manifest = reader.manifest
        rows = {table.name: list(reader.rows(table.name)) for table in manifest.tables}
    noticed = 0
    for _ in range(300):
        broken = bytearray(whole)
        broken[chances.randrange(len(broken))] ^= 1 << chances.randrange(8)
        archive.write_bytes(broken)
        try:
            with ArchiveReader(archive) as reader:
                reader.verify()
                assert reader.manifest == manifest
                assert {table.name: list(reader.rows(table.name)) for table in manifest.tables} == rows
        except UnusableArchive as error:
            assert "\n" not in str(error)
            noticed += 1
    assert noticed > 200


@pytest.mark.parametrize("written", [b"", b"SQLite format 3\0" + bytes(2000), b"PK\5\6" + bytes(18)])
def test_foreign_files(written: bytes, tmp_path: Path) -> None:
    (tmp_path / "foreign").write_bytes(written)
    assert "no backup of Voltbridge" in refused(tmp_path / "foreign", tmp_path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert refused(tmp_path / "nothing.zip", tmp_path).endswith("nothing.zip cannot be read: No such file or directory")


def test_a_foreign_zip(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "foreign.zip", "w") as file:
        file.writestr("holiday.jpg", b"...")
    assert "is a zip file, but no backup of Voltbridge" in refused(tmp_path / "foreign.zip", tmp_path)


def rewritten(archive: Path, change: Callable[[dict[str, Any]], None], members: dict[str, bytes] | None = None) -> Path:
    """The same archive with another manifest, and members added or (None) left out."""
    target = archive.with_name("rewritten.zip")
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            body = old.read(name)
            if name == "manifest.json":
                manifest = msgspec.json.decode(body)
                change(manifest)
                body = msgspec.json.encode(manifest)
            if name not in (members or {}):
                new.writestr(name, body)
        for name, added in (members or {}).items():
            if added:
                new.writestr(name, added)
    return target


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": "tar"}, "is no backup of Voltbridge, but says it is 'tar'"),
        ({"format_version": 2}, "has format 2 of a newer Voltbridge; restore it with that release"),
        ({"tables": 5}, "the manifest.json of"),
        ({"files": [{"path": "../../etc/passwd", "size": 0, "sha256": ""}]}, "lies outside the data directory"),
        ({"files": [{"path": "/etc/passwd", "size": 0, "sha256": ""}]}, "lies outside the data directory"),
        ({"files": [{"path": "files/x", "size": 0, "sha256": ""}]}, "is damaged: data/files/x is missing"),
        ({"files": [{"path": "voltbridge.db", "size": 0, "sha256": ""}]}, "nothing of an operator's: 'voltbridge.db'"),
        ({"files": [{"path": "restoring/plan.json", "size": 0, "sha256": ""}]}, "nothing of an operator's"),
    ],
)
def test_a_manifest_that_lies(archive: Path, tmp_path: Path, change: dict[str, Any], said: str) -> None:
    assert said in refused(rewritten(archive, lambda manifest: manifest.update(change)), tmp_path)


def test_a_newer_schema(archive: Path, tmp_path: Path) -> None:
    newer = rewritten(archive, lambda manifest: manifest.update(revision="9999"))
    said = refused(newer, tmp_path, SchemaTooNew)
    assert said == f"Schema 9999 is of a newer Voltbridge than this one, which knows {HEAD}."


def test_a_member_that_was_exchanged(archive: Path, tmp_path: Path) -> None:
    forged = rewritten(archive, lambda manifest: None, {"tables/tokens.jsonl": b'["x","ISO14443"]\n'})
    assert "is damaged: tables/tokens.jsonl is not what was written; use another backup" in refused(forged, tmp_path)


def test_rows_that_do_not_fit_undo_everything(archive: Path, tmp_path: Path) -> None:
    for name, body, said in (
        ("short", [[1, 2]], "tokens: a row has 2 values for"),
        ("null", [[None] * 15], "tokens: row 1 or one of the 1 there: NOT NULL constraint failed"),
    ):
        forged = tmp_path / f"{name}.zip"
        with forged.open("wb") as stream, ArchiveWriter(stream) as writer:
            for table in tables_at(HEAD):
                writer.add_table(table.name, table.columns, table.key, [body] if table.name == "tokens" else [])
            writer.finish(voltbridge_version="1", made_at="2026-05-01T12:00:00Z", revision=HEAD, backend="sqlite")
        (tmp_path / name).mkdir()
        assert said in refused(forged, tmp_path / name, RowsDoNotFit)


def test_a_table_that_is_missing(tmp_path: Path) -> None:
    forged = tmp_path / "forged.zip"
    with forged.open("wb") as stream, ArchiveWriter(stream) as writer:
        writer.finish(voltbridge_version="1", made_at="2026-05-01T12:00:00Z", revision=HEAD, backend="sqlite")
    assert "there are no rows of the table" in refused(forged, tmp_path, RowsDoNotFit)
