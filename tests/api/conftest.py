"""A running Voltbridge on free ports, shared by the tests of a module; each uses stations and tokens of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.api.clients import Api

from voltbridge.app import Running, start
from voltbridge.settings import Settings


@pytest.fixture(scope="module")
async def running(
    anyio_backend: tuple[str, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Running]:
    settings = Settings(
        data=tmp_path_factory.mktemp("data"),
        ocpp_host="127.0.0.1",
        ocpp_port=0,
        http_port=0,
        shutdown_timeout=5,
        call_timeout=5,
    )
    started = await start(settings)
    yield started
    await started.stop()


@pytest.fixture
async def api(running: Running) -> AsyncIterator[Api]:
    client = Api(running.http_port, running.admin_key)
    yield client
    await client.close()
