"""Cases that have somebody look at the display fail before a station whose display is wrong, whatever it says."""

from __future__ import annotations

import pytest
from tests.conformance.station.test_cases import played

from voltbridge.conformance.own_station import OwnStation
from voltbridge.conformance.run import Verdict
from voltbridge.conformance.station.cases import STATION_CASES
from voltbridge.station.blocks.o_display_message import service
from voltbridge.station.simulation import VirtualHardware

SHOWN = {
    "TC_I_01_CS": 7,
    "TC_I_02_CS": 1,
    "TC_I_07_CS": 7,
    "TC_O_01_CS": 1,
    "TC_O_06_CS": 1,
    "TC_O_12_CS": 1,
    "TC_O_13_CS": 1,
    "TC_O_14_CS": 1,
    "TC_O_22_CS": 2,
    "TC_O_24_CS": 1,
    "TC_O_27_CS": 1,
    "TC_O_28_CS": 1,
    "TC_O_30_CS": 2,
    "TC_O_32_CS": 2,
    "TC_O_36_CS": 1,
    "TC_O_37_CS": 2,
    "TC_O_38_CS": 1,
    "TC_O_39_CS": 1,
}
"""How often a case wants something to be there."""

NOT_SHOWN = {
    "TC_O_06_CS": 1,
    "TC_O_12_CS": 1,
    "TC_O_13_CS": 1,
    "TC_O_14_CS": 1,
    "TC_O_24_CS": 1,
    "TC_O_27_CS": 2,
    "TC_O_28_CS": 1,
    "TC_O_30_CS": 2,
    "TC_O_32_CS": 2,
    "TC_O_36_CS": 2,
    "TC_O_37_CS": 1,
    "TC_O_38_CS": 2,
    "TC_O_39_CS": 2,
}
"""How often a case wants something not to be there."""

EARLY = {"TC_O_13_CS", "TC_O_27_CS", "TC_O_36_CS", "TC_O_38_CS", "TC_O_39_CS"}
"""Cases with messages that are not to be seen at first."""

TURNS = {"TC_O_22_CS", "TC_O_30_CS"}


def verdict(case_id: str) -> Verdict:
    return played(STATION_CASES[case_id])[0].verdict


@pytest.mark.parametrize("case_id", SHOWN)
def test_dark(case_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(VirtualHardware, "display", lambda hardware, text: None)
    assert verdict(case_id) is Verdict.FAILED


@pytest.mark.parametrize("case_id", sorted(NOT_SHOWN.keys() - {"TC_O_13_CS"}))
def test_never_wiped(case_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def display(hardware: VirtualHardware, text: str) -> None:
        hardware.text += f" {text}"

    monkeypatch.setattr(VirtualHardware, "display", display)
    assert verdict(case_id) is Verdict.FAILED


@pytest.mark.parametrize("case_id", sorted(EARLY))
def test_too_early(case_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every message counts from the moment it is set, in every state."""
    texts = service.DisplayMessages._texts

    def every(display: service.DisplayMessages, now: object) -> list[str]:
        del now
        return [display._text(each) for each in display._messages.values()]

    monkeypatch.setattr(service.DisplayMessages, "_texts", every)
    assert verdict(case_id) is Verdict.FAILED
    monkeypatch.setattr(service.DisplayMessages, "_texts", texts)
    assert verdict(case_id) is Verdict.PASSED


@pytest.mark.parametrize("case_id", sorted(TURNS))
def test_no_turns(case_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "_TURN_S", 86_400.0)
    assert verdict(case_id) is Verdict.FAILED


@pytest.mark.parametrize("case_id", sorted(SHOWN.keys() | NOT_SHOWN.keys()))
def test_each_look_counts(case_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[bool] = []
    sees = OwnStation.sees
    wrong: int | None = None

    async def looks(station: OwnStation, question: str, text: str) -> bool:
        looked.append(await sees(station, question, text))
        return looked[-1] is not (len(looked) - 1 == wrong)

    monkeypatch.setattr(OwnStation, "sees", looks)
    assert verdict(case_id) is Verdict.PASSED
    assert (looked.count(True), looked.count(False)) == (SHOWN.get(case_id, 0), NOT_SHOWN.get(case_id, 0))
    for wrong in range(len(looked)):
        looked.clear()
        assert verdict(case_id) is Verdict.FAILED, f"look {wrong}"
