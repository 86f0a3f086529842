"""The admin key's file."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from voltbridge.api.admin_key import AdminKey, UnusableKeyFile, read_or_create


def test_the_first_start_makes_a_key_that_only_its_owner_can_read(tmp_path: Path) -> None:
    path = tmp_path / "admin.key"
    key, made = read_or_create(path)
    assert made
    assert len(key) >= 40
    assert path.read_text() == key + "\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["admin.key"]


def test_later_starts_keep_it(tmp_path: Path) -> None:
    path = tmp_path / "admin.key"
    key, _ = read_or_create(path)
    assert read_or_create(path) == (key, False)


def test_two_starts_at_once_agree(tmp_path: Path) -> None:
    path = tmp_path / "admin.key"
    keys: list[str] = []
    starts = [threading.Thread(target=lambda: keys.append(read_or_create(path)[0])) for _ in range(8)]
    for start in starts:
        start.start()
    for start in starts:
        start.join()
    assert len(set(keys)) == 1


@pytest.mark.parametrize(
    ("content", "mode", "sentence"),
    [
        (b"", 0o600, "must be one word of at least 20 characters; delete the file to have a new one made"),
        (b"short", 0o600, "must be one word of at least 20 characters"),
        (b"twenty characters or more", 0o600, "must be one word of at least 20 characters"),
        (b"\xff" * 40, 0o600, "cannot be used: it is not plain text"),
        (b"x" * 40, 0o644, "can be read by others; run: chmod 600"),
    ],
)
def test_a_file_that_cannot_be_used_stops_the_start(tmp_path: Path, content: bytes, mode: int, sentence: str) -> None:
    path = tmp_path / "admin.key"
    path.write_bytes(content)
    path.chmod(mode)
    with pytest.raises(UnusableKeyFile, match=sentence):
        read_or_create(path)


def test_only_the_key_matches() -> None:
    key = AdminKey("k" * 40)
    assert key.matches("k" * 40)
    for other in ("", "k" * 39, "k" * 41, "K" * 40, "\udcff"):
        assert not key.matches(other)
    assert "kkk" not in repr(key)
