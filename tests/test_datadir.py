"""The data directory: one process at a time."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from voltbridge.datadir import DataDirectory
from voltbridge.settings import ConfigurationError


def test_it_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b"
    DataDirectory.claim(path).release()
    assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_a_second_claim_is_told_who_has_it(tmp_path: Path) -> None:
    held = DataDirectory.claim(tmp_path)
    with pytest.raises(ConfigurationError, match=rf"in use by another Voltbridge \(process {os.getpid()}\); stop that"):
        DataDirectory.claim(tmp_path)
    held.release()
    DataDirectory.claim(tmp_path).release()


def test_a_process_that_was_killed_holds_nothing(tmp_path: Path) -> None:
    code = (
        "import os, pathlib, sys; from voltbridge.datadir import DataDirectory;"
        "DataDirectory.claim(pathlib.Path(sys.argv[1])); os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False).returncode == -9
    DataDirectory.claim(tmp_path).release()


def test_a_path_that_cannot_be_a_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match=r"file/data cannot be used \(Not a directory\); choose another"):
        DataDirectory.claim(tmp_path / "file" / "data")
