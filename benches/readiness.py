"""Seconds from the start of the process until it answers: the first time, when it makes its database, and again."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from benches import servers

__all__ = ["measure"]


def measure(rounds: int, scratch: Path) -> dict[str, Any]:
    """Medians, on both cores of the machine."""
    first: list[float] = []
    again: list[float] = []
    cores = {servers.SERVER_CORE, servers.LOAD_CORE}
    for _ in range(rounds):
        with TemporaryDirectory(dir=scratch) as directory:
            ready_file = Path(directory) / "ready.json"
            command = servers.up(Path(directory) / "data", ready_file)
            for seconds in (first, again):
                with servers.running(command, ready_file, cores) as server:
                    seconds.append(round(server.ready_seconds, 3))
    return {"first_start": median(first), "restart": median(again), "rounds": {"first_start": first, "restart": again}}
