"""The benchmarks run and report what they promise; how fast anything is, is no test's business."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

# Throughput is left to ``make bench``: its generator of load takes a core for itself, which other tests need.
_FIGURES = {
    "codec": {"codec_ratio"},
    "idle": {"idle_kb_per_station", "idle_kb_per_station_deflate"},
    "storm": {"storm_seconds"},
    "ready": {"ready_seconds"},
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
