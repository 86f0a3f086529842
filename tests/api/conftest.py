"""A running Voltbridge on free ports, shared by the tests of a module; each uses stations and tokens of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.api.clients import Api

from voltbridge.app import Running, start
from voltbridge.csms.webhooks.sender import HttpSender
from voltbridge.domain.webhooks import Webhook
from voltbridge.settings import Settings


@pytest.fixture(scope="module", autouse=True)
def webhooks_stay_here() -> Iterator[None]:
    """Requests that are made up name any receiver; only those of this machine are sent anything."""
    post = HttpSender._post

    async def here(sender: HttpSender, webhook: Webhook, *message: Any) -> tuple[int, float | None]:
        if urlsplit(webhook.url).hostname != "127.0.0.1":
            raise ConnectionRefusedError("not from a test")
        return await post(sender, webhook, *message)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HttpSender, "_post", here)
        yield


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
        call_timeout=30,
    )
    started = await start(settings)
    yield started
    await started.stop()


@pytest.fixture
async def api(running: Running) -> AsyncIterator[Api]:
    client = Api(running.http_port, running.admin_key)
    yield client
    await client.close()
