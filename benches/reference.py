"""What we compare with: a central system made of the PyPI package ``ocpp``, as its documentation shows one.

Its own ``ChargePoint`` on the ``websockets`` server, schema validation on as it comes, handlers that store nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvloop
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call_result
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from benches.messages import SUBPROTOCOL

__all__ = ["main"]


class Station(ChargePoint):  # type: ignore[misc]
    """The handlers of one station."""

    @on("BootNotification")  # type: ignore[untyped-decorator]
    def on_boot_notification(self, **_: Any) -> Any:
        now = datetime.now(UTC).isoformat()
        return call_result.BootNotification(current_time=now, interval=300, status="Accepted")

    @on("StartTransaction")  # type: ignore[untyped-decorator]
    def on_start_transaction(self, **_: Any) -> Any:
        return call_result.StartTransaction(transaction_id=1, id_tag_info={"status": "Accepted"})

    @on("MeterValues")  # type: ignore[untyped-decorator]
    def on_meter_values(self, **_: Any) -> Any:
        return call_result.MeterValues()


async def _serve(connection: ServerConnection) -> None:
    assert connection.request is not None
    with contextlib.suppress(ConnectionClosed):
        await Station(connection.request.path.strip("/"), connection).start()


async def _run(ready_file: Path, compression: str | None) -> None:
    async with serve(_serve, "127.0.0.1", 0, subprotocols=[SUBPROTOCOL], compression=compression) as server:  # type: ignore[list-item]
        port = next(iter(server.sockets)).getsockname()[1]
        _write(ready_file, {"ocpp_port": port, "pid": os.getpid()})
        await asyncio.Event().wait()


def _write(ready_file: Path, content: dict[str, int]) -> None:
    """Whoever waits for the file finds it whole."""
    temporary = ready_file.with_suffix(".new")
    temporary.write_text(json.dumps(content), encoding="utf-8")
    temporary.rename(ready_file)


def main() -> None:
    """``python -m benches.reference``; started by the benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ready-file", type=Path, required=True)
    parser.add_argument("--deflate", action="store_true")
    parser.add_argument("--uvloop", action="store_true")
    arguments = parser.parse_args()
    run = uvloop.run if arguments.uvloop else asyncio.run
    run(_run(arguments.ready_file, "deflate" if arguments.deflate else None))


if __name__ == "__main__":
    main()
