"""What all tests share: coroutine tests marked ``anyio`` run on uvloop, as the product does."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import settings
from tests.support.events import held_to_the_catalogue
from tests.support.leftovers import pytest_runtest_logfinish as pytest_runtest_logfinish
from tests.support.leftovers import pytest_runtest_logreport as pytest_runtest_logreport
from tests.support.limits import pytest_timeout_set_timer as pytest_timeout_set_timer

# The same examples in every run, so that a run tells of the change under test and nothing else. To look for what nobody
# has seen yet, say VOLTBRIDGE_HYPOTHESIS=random (other examples each time) or thorough (and many more of them).
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("random", deadline=None, print_blob=True)
settings.load_profile("random" if os.environ.get("VOLTBRIDGE_HYPOTHESIS") in {"random", "thorough"} else "same")

# A commit of SQLite waits for the disk, and ten seconds of that are an outage to what is under test.
# In memory nothing waits, and a process that is killed loses no more of a file there than it does on a disk.
_MEMORY = Path("/dev/shm")
if os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > 3 << 30:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(autouse=True)
def logging_as_found() -> Iterator[None]:
    """A command under test sets logging up for its process, with the standard error it was given."""
    handlers = logging.getLogger().handlers[:]
    yield
    structlog.reset_defaults()
    logging.getLogger().handlers[:] = handlers


@pytest.fixture(scope="session")
def _wrong_events() -> Iterator[list[str]]:
    with held_to_the_catalogue() as problems:
        yield problems


@pytest.fixture(autouse=True)
def events_as_listed(_wrong_events: list[str]) -> Iterator[None]:
    """Every event that the code emits in this process has its row in the catalogue, and its data keep their schema."""
    _wrong_events.clear()
    yield
    assert _wrong_events == []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fuzzed bytes end up in captured logs as lone surrogates, which a report cannot carry between processes."""
    report = yield
    report.sections = [(name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections]
    return report
