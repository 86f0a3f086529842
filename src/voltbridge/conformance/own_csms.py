"""Our own CSMS as the system under test: started for a run, on a database of its own, reached by socket and REST."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from voltbridge.conformance.rest_driver import RestCsms
from voltbridge.settings import Settings

__all__ = ["own_csms"]


@asynccontextmanager
async def own_csms(*, timeout_s: float) -> AsyncIterator[RestCsms]:
    """Run the CSMS as ``voltbridge up`` does, on free ports of this machine; what it stored is thrown away after."""
    from voltbridge.app import start

    with TemporaryDirectory(prefix="voltbridge-conformance-") as directory:
        running = await start(
            Settings(
                data=Path(directory),
                ocpp_host="127.0.0.1",
                ocpp_port=0,
                http_host="127.0.0.1",
                http_port=0,
                retry_interval=1,  # stations whose boot is pending keep to it, and a run should not take long
            )
        )
        try:
            url = f"ws://127.0.0.1:{running.ocpp_port}/ocpp"
            api = f"http://127.0.0.1:{running.http_port}/api/v1"
            async with RestCsms(url, api, running.admin_key, timeout_s=timeout_s) as driver:
                yield driver
        finally:
            await running.stop()
