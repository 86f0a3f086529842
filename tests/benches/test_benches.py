"""The benchmarks run and report what they promise; how fast anything is, is no test's business."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

_FIGURES = {
    "codec_ratio",
    "wire_ratio",
    "durable_ratio",
    "wire_ratio_deflate",
    "durable_ratio_deflate",
    "idle_kb_per_station",
    "idle_kb_per_station_deflate",
    "storm_seconds",
    "ready_seconds",
}


@pytest.mark.timeout(180)
def test_every_figure_is_measured_and_written_down(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    done = subprocess.run(
        [sys.executable, "-m", "benches", "--quick", "--out", str(out)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(out.read_text(encoding="utf-8"))
    assert report.keys() == _FIGURES | {"settings", "raw"}
    assert all(report[figure] > 0 for figure in _FIGURES)
    durable = report["raw"]["throughput"]["runs"]["durable"]
    assert [run["rows_stored"] for run in durable] == [run["acknowledged_in_all"] for run in durable]
    assert [path.name for path in tmp_path.iterdir()] == ["bench.json"], "nothing is left behind"
