"""What the README and docs/quirks.md say of scenarios, fleets, personalities, quirks and faults is what there is."""

from __future__ import annotations

import asyncio
import re
import textwrap
from pathlib import Path
from typing import Any

import pytest
from tests.station.plain_csms import PlainCsms

import station_tables
from voltbridge.station import assembly
from voltbridge.station.control.scenario import read_scenario
from voltbridge.station.fleet_profile import read_profile
from voltbridge.station.network import Network
from voltbridge.station.personality import read_personality
from voltbridge.station.virtual_clock import VirtualClock, run

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("file", station_tables.FILES)
def test_the_tables_are_those_of_the_code(file: str) -> None:
    assert (ROOT / file).read_text("utf-8") == station_tables.written(file), "run tools/station_tables.py"


def blocks(file: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / file).read_text("utf-8"), re.DOTALL)


def test_the_files_that_are_shown_can_be_read(tmp_path: Path) -> None:
    file = tmp_path / "shown.yaml"
    (scenario,) = [text for text in blocks("README.md", "yaml") if text.startswith("steps:")]
    (fleet,) = [text for text in blocks("README.md", "yaml") if text.startswith("seed:")]
    (personality,) = blocks("docs/quirks.md", "yaml")
    file.write_text(scenario)
    assert len(read_scenario(file).steps) > 4
    file.write_text(fleet)
    assert len(read_profile(file).faults) == 2
    file.write_text(personality)
    assert len(read_personality(file).own_quirks) == 2


def test_the_story_in_python_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = [text for text in blocks("README.md", "python") if "plug_in" in text]

    async def main(clock: VirtualClock) -> None:
        monkeypatch.setattr(assembly, "PacedClock", lambda: clock)
        monkeypatch.setattr(assembly, "Network", lambda _: Network(clock, holds_clock=False))
        async with PlainCsms() as csms, asyncio.timeout(50):
            names: dict[str, Any] = {}
            shown = code.replace("ws://localhost:9000/ocpp", csms.url)
            exec("async def story():\n" + textwrap.indent(shown, "    "), names)
            await names["story"]()
            visit = await csms.visits.get()
            assert (await visit.frame("TransactionEvent"))["eventType"] == "Started"
            await visit.ended.wait()

    run(main)
