"""A restore that is killed or fails: nothing was changed, or the next one finishes it; nobody starts in between."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.backup.conftest import NOW, content, counted_up, fill

from voltbridge.backup.making import make_backup
from voltbridge.backup.restoring import FinishedEarlier, restore_backup
from voltbridge.datadir import RESTORING, DataDirectory
from voltbridge.settings import ConfigurationError
from voltbridge.storage.loading import PASSED_OVER

KILLED_WHILE_LOADING = """
import os, signal, sys
from pathlib import Path
from voltbridge.backup.restoring import restore_backup
def progress(stage, count, total):
    if stage == "loading":
        os.kill(os.getpid(), signal.SIGKILL)
restore_backup(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), replace=True, progress=progress)
"""

KILLED_WHILE_PUTTING_IN_PLACE = """
import os, shutil, signal, sys
from pathlib import Path
from voltbridge.backup.restoring import restore_backup
moved = []
really = shutil.move
def move(made, place):
    if len(moved) == int(sys.argv[4]):
        os.kill(os.getpid(), signal.SIGKILL)
    moved.append(place)
    return really(made, place)
shutil.move = move
restore_backup(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), replace=True)
"""


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    url = f"sqlite:///{tmp_path / 'source.db'}"
    fill(url)
    data = tmp_path / "data"
    (data / "files").mkdir(parents=True)
    (data / "admin.key").write_text("the key of the backup, not the other")
    (data / "files" / "image").write_bytes(b"firmware")
    make_backup(url, data, tmp_path / "backup.zip", NOW)
    return tmp_path / "backup.zip"


@pytest.fixture
def there(tmp_path: Path, target: str) -> Path:
    """A data directory with data, and the database of ``target`` with rows."""
    fill(target, rows=3)
    data = tmp_path / "target"
    (data / "admin.key").write_text("another")
    (data / "files").mkdir()
    (data / "files" / "old").write_bytes(b"old")
    return data


def killed(program: str, *arguments: str) -> None:
    process = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, check=False)
    assert process.returncode == -signal.SIGKILL, process.stderr.decode()


def put_in_place(archive: Path, target: str, there: Path) -> None:
    assert content(target) == counted_up(content(f"sqlite:///{archive.parent / 'source.db'}"), PASSED_OVER)
    assert (there / "admin.key").read_text() == "the key of the backup, not the other"
    assert {path.name for path in (there / "files").iterdir()} == {"image"}
    assert not (there / RESTORING).exists()
    DataDirectory.claim(there).release()


def test_killed_before_anything_was_changed(archive: Path, target: str, there: Path) -> None:
    before = content(target)
    killed(KILLED_WHILE_LOADING, str(archive), target, str(there))
    assert content(target) == before
    assert (there / "admin.key").read_text() == "another"
    assert (there / "files" / "old").exists()
    with pytest.raises(ConfigurationError, match="was cut short; run `voltbridge restore` again"):
        DataDirectory.claim(there)
    DataDirectory.claim(there, to_restore=True).release()
    restore_backup(archive, target, there, replace=True)
    put_in_place(archive, target, there)


def test_the_way_back_that_is_told_is_one(archive: Path, there: Path, target: str) -> None:
    killed(KILLED_WHILE_LOADING, str(archive), target, str(there))
    with pytest.raises(ConfigurationError) as refused:
        DataDirectory.claim(there)
    if target.startswith("postgresql"):
        # It commits at once, so that nobody can tell from the directory whether it has.
        assert "remove" not in str(refused.value)
        return
    assert f"or remove {there / RESTORING} to go on with what was there before" in str(refused.value)
    import shutil

    shutil.rmtree(there / RESTORING)
    DataDirectory.claim(there).release()
    assert (there / "admin.key").read_text() == "another"


@pytest.mark.parametrize("moved", [0, 1, 2])
def test_killed_while_things_are_put_in_place(archive: Path, target: str, there: Path, moved: int) -> None:
    if target.startswith("postgresql") and moved == 2:
        moved = 1  # the database is not moved
    killed(KILLED_WHILE_PUTTING_IN_PLACE, str(archive), target, str(there), str(moved))
    with pytest.raises(ConfigurationError) as refused:
        DataDirectory.claim(there)
    assert str(refused.value).endswith("was cut short; run `voltbridge restore` again")
    with pytest.raises(FinishedEarlier):
        restore_backup(archive, target, there)
    put_in_place(archive, target, there)


def test_a_failure_leaves_everything_as_it_was(
    archive: Path, target: str, there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content(target)

    def full(stage: str, count: int, total: int) -> None:
        if stage == "loading":
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        restore_backup(archive, target, there, replace=True, progress=full)
    assert content(target) == before
    assert {path.name for path in there.iterdir()} - {"voltbridge.db"} == {"admin.key", "files"}
    DataDirectory.claim(there).release()


def test_a_backup_that_fails_leaves_no_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'source.db'}"
    fill(url)

    def full(what: str, count: int) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "backups").mkdir()
    with pytest.raises(OSError, match="No space left"):
        make_backup(url, tmp_path, tmp_path / "backups" / "backup.zip", NOW, full)
    assert list((tmp_path / "backups").iterdir()) == []
