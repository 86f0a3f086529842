"""Calls per second of a server on one core, with a hundred stations that have one call outstanding each.

Servers take turns, so that a noisy machine troubles them alike: the package ``ocpp`` as its documentation starts it and
once more on uvloop, Voltbridge with a storage that does nothing, and Voltbridge on SQLite with ``synchronous=FULL``.
After each durable run the rows in the database are counted: there has to be one row of meter values for each
acknowledgement, no more and no less.

On a machine that does other work as well, servers wait for their turn on the core, and the faster one waits more
often. ``calls_per_cpu_s`` counts only the time that the server really had, so the ratios of it are the steadier ones.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from benches import servers

__all__ = ["Plan", "measure"]


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how often. Times in seconds."""

    rounds: int
    connections: int
    warm_up: float
    seconds: float


def measure(plan: Plan, *, deflate: bool, scratch: Path) -> dict[str, Any]:
    """Medians over all rounds, the ratios taken round by round, and every single run."""
    runs: dict[str, list[dict[str, Any]]] = {"ocpp": [], "ocpp_on_uvloop": [], "wire": [], "durable": []}
    for _ in range(plan.rounds):
        for kind, results in runs.items():
            results.append(_run(kind, plan, deflate, scratch))
    return {
        "wire_ratio": _ratio(runs["wire"], runs["ocpp"], "calls_per_s"),
        "durable_ratio": _ratio(runs["durable"], runs["ocpp"], "calls_per_s"),
        "wire_ratio_per_cpu_second": _ratio(runs["wire"], runs["ocpp"], "calls_per_cpu_s"),
        "durable_ratio_per_cpu_second": _ratio(runs["durable"], runs["ocpp"], "calls_per_cpu_s"),
        "wire_ratio_to_ocpp_on_uvloop": _ratio(runs["wire"], runs["ocpp_on_uvloop"], "calls_per_s"),
        "durable_ratio_to_ocpp_on_uvloop": _ratio(runs["durable"], runs["ocpp_on_uvloop"], "calls_per_s"),
        **{kind: _medians(results) for kind, results in runs.items()},
        "runs": runs,
    }


def _run(kind: str, plan: Plan, deflate: bool, scratch: Path) -> dict[str, Any]:
    with TemporaryDirectory(dir=scratch) as directory:
        data, ready_file = Path(directory) / "data", Path(directory) / "ready.json"
        command = {
            "ocpp": servers.reference(ready_file, deflate=deflate, uvloop=False),
            "ocpp_on_uvloop": servers.reference(ready_file, deflate=deflate, uvloop=True),
            "wire": servers.unstored(data, ready_file),
            "durable": servers.up(data, ready_file),
        }[kind]
        with servers.running(command, ready_file, {servers.SERVER_CORE}) as server:
            result = _load(server, plan, deflate)
        if kind == "durable":
            result["rows_stored"] = stored = _rows(data / "voltbridge.db")
            if stored != result["acknowledged_in_all"]:
                raise AssertionError(f"{result['acknowledged_in_all']} calls acknowledged, {stored} rows stored")
    return result


def _load(server: servers.Server, plan: Plan, deflate: bool) -> dict[str, Any]:
    options = {
        "--port": server.ocpp_port,
        "--pid": server.pid,
        "--connections": plan.connections,
        "--warm-up": plan.warm_up,
        "--seconds": plan.seconds,
    }
    arguments = [str(part) for option in options.items() for part in option]
    command = [sys.executable, "-m", "benches.load", *arguments, *(["--deflate"] if deflate else [])]
    with servers.on_core({servers.LOAD_CORE}):
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=300)
    result: dict[str, Any] = json.loads(done.stdout)
    result["calls_per_cpu_s"] = result["calls_per_s"] / max(result["server_cpu"], 0.01)
    return result


def _rows(database: Path) -> int:
    connection = sqlite3.connect(database)
    try:
        rows: int = connection.execute("SELECT count(*) FROM meter_values").fetchone()[0]
    finally:
        connection.close()
    return rows


def _ratio(ours: list[dict[str, Any]], theirs: list[dict[str, Any]], figure: str) -> float:
    ratio: float = median(our[figure] / their[figure] for our, their in zip(ours, theirs, strict=True))
    return round(ratio, 2)


def _medians(runs: list[dict[str, Any]]) -> dict[str, float]:
    return {name: round(median(run[name] for run in runs), 3) for name in runs[0]}
