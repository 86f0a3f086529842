"""The benchmarks run and report what they promise; how fast anything is, is no test's business."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from benches.fleet_processes import measure

# Throughput is left to ``make bench``: its generator of load takes a core for itself, which other tests need.
_FIGURES = {
    "codec": {"codec_ratio"},
    "idle": {"idle_kb_per_station", "idle_kb_per_station_deflate"},
    "storm": {"storm_seconds"},
    "ready": {"ready_seconds"},
    "fleet": {"fleet_mb", "fleet_kb_per_station", "fleet_cpu_percent"},
}


@pytest.mark.timeout(240)
@pytest.mark.xdist_group("benches")
@pytest.mark.parametrize("name", _FIGURES)
def test_every_figure_is_measured_and_written_down(name: str, tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    command = [sys.executable, "-m", "benches", "--quick", "--only", name, "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(out.read_text(encoding="utf-8"))
    assert report.keys() == _FIGURES[name] | {"settings", "raw"}
    assert all(report[figure] > 0 for figure in _FIGURES[name])
    assert [path.name for path in tmp_path.iterdir()] == ["bench.json"], "nothing is left behind"


@pytest.mark.timeout(240)
@pytest.mark.xdist_group("benches")
def test_a_fleet_over_several_processes_is_measured(tmp_path: Path) -> None:
    figures = asyncio.run(measure(4, 2, 1.0, tmp_path))
    assert (figures["stations"], figures["processes"]) == (4, 2)
    assert figures["fleet_mb"] > 0
    assert figures["csms_mb"] > 0


@pytest.mark.timeout(240)
@pytest.mark.xdist_group("benches")
def test_a_report_of_a_station_is_measured_whole() -> None:
    done = subprocess.run([sys.executable, "-m", "benches.report"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["variables"] == 5000
    assert report["outcome"] == {"parts": "0-49", "variables": 5000}
    assert report["seconds"] > 0
