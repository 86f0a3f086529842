"""Tests that wait for ever fail, and only they."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

TESTS = """
import asyncio
import time

import pytest

pytestmark = pytest.mark.anyio

@pytest.fixture(scope="session")
def anyio_backend():
    return "asyncio", {"use_uvloop": True}

@pytest.fixture(scope="module")
async def shared():
    yield "shared"

@pytest.fixture
async def never():
    await asyncio.sleep(1000)

@pytest.mark.timeout(2)
async def test_waits(shared):
    await asyncio.sleep(1000)

@pytest.mark.timeout(2)
async def test_uses_what_waits(shared, never):
    pass

@pytest.mark.timeout(2)
def test_sleeps():
    time.sleep(1000)

async def test_comes_afterwards(shared):
    await asyncio.sleep(0)
    assert shared == "shared"
"""


@pytest.mark.timeout(240)
def test_who_waits_for_ever_fails_and_others_do_not(tmp_path: Path) -> None:
    file = tmp_path / "test_waiting.py"
    file.write_text(TESTS)
    options = ["-q", "-rA", "-p", "tests.support.limits", "-p", "no:cacheprovider", f"--rootdir={tmp_path}"]
    command = [sys.executable, "-m", "pytest", *options, f"--basetemp={tmp_path / 'base'}", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False)
    told = re.findall(r"^([A-Z]+) \S*::(\w+)", done.stdout, re.MULTILINE)
    assert sorted(told) == [
        ("ERROR", "test_uses_what_waits"),
        ("FAILED", "test_sleeps"),
        ("FAILED", "test_waits"),
        ("PASSED", "test_comes_afterwards"),
    ], done.stdout
