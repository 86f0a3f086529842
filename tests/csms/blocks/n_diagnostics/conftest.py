"""One server for the tests of a module."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.effects.site import Site, opened


@pytest.fixture(scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    async with opened(tmp_path_factory.mktemp("site")) as site:
        yield site
