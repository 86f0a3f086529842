"""A test that failed and left something open fails nobody else, and not its own second try."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

TESTS = """
import gc
import socket
import sys

tries = []

def left_open():
    connection = socket.socket()
    again = [connection]
    again.append(again)
    raise AssertionError("not yet")

def test_leaves_something_open():
    gc.collect()
    tries.append(1)
    if len(tries) == 1:
        left_open()

def test_left_nothing_open():
    sys.last_value = sys.last_traceback = None
    gc.collect()
"""


@pytest.mark.parametrize(
    ("plugin", "fails"), [("tests.support.leftovers", False), ("no:tests.support.leftovers", True)]
)
def test_what_a_failure_leaves_is_no_failure_of_others(tmp_path: Path, plugin: str, fails: bool) -> None:
    file = tmp_path / "test_leaving.py"
    file.write_text(TESTS)
    options = ["-q", "-W", "error", "-p", plugin, "-p", "no:cacheprovider", f"--rootdir={tmp_path}", "--reruns", "1"]
    command = [sys.executable, "-m", "pytest", *options, f"--basetemp={tmp_path / 'base'}", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert ("2 passed, 1 rerun" not in done.stdout) is fails, done.stdout
