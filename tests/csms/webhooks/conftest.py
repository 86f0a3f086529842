"""A world of its own for each test, over a database made once."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.csms.webhooks.world import World, opened
from tests.support.receiver import Receiver, receiving

from voltbridge.storage.migrations import upgrade


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("migrated") / "voltbridge.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
async def world(migrated: Path, tmp_path: Path) -> AsyncIterator[World]:
    path = tmp_path / "voltbridge.db"
    shutil.copy(migrated, path)
    async with opened(path) as world:
        yield world


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver
