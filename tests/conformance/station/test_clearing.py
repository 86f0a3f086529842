"""What a case has changed at a station it sets back."""

from __future__ import annotations

import json

from voltbridge.conformance.own_station import CONFIGURATION, own_station
from voltbridge.conformance.run import Outcome, Verdict
from voltbridge.conformance.station.cases import STATION_CASES
from voltbridge.conformance.station.door import open_door
from voltbridge.conformance.station.run import run_case
from voltbridge.conformance.transcript import Way, of_the_case
from voltbridge.station.virtual_clock import VirtualClock, run


def test_a_variable_set_while_the_boot_is_pending_gets_its_value_back() -> None:
    async def main(clock: VirtualClock) -> Outcome:
        variables = {"OCPPCommCtrlr.OfflineThreshold": "123"}
        async with open_door() as door, own_station(clock, variables) as station:
            return await run_case(STATION_CASES["TC_B_02_CS"], CONFIGURATION, station, door, clock)

    outcome = run(main)
    assert outcome.verdict is Verdict.PASSED, outcome.reason
    assert outcome.transcript is not None
    afterwards = outcome.transcript[len(of_the_case(outcome.transcript)) :]
    sent = [json.loads(entry.text) for entry in afterwards if entry.way is Way.SENT and "SetVariables" in entry.text]
    assert [one[3]["setVariableData"][0]["attributeValue"] for one in sent] == ["123"]
