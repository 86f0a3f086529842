"""Every case passes against our own station, and fails against the same station made wrong.

All of it in virtual time, over real sockets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec
import pytest
from tests.conformance.station.planted import Silences, watched
from tests.conformance.station.tamper import Wrong, tampering
from tests.conformance.station.wrong import WRONG

from voltbridge.conformance.own_station import CONFIGURATION, own_station
from voltbridge.conformance.run import Outcome, Verdict
from voltbridge.conformance.station.authorities import made_authorities
from voltbridge.conformance.station.case import StationCase
from voltbridge.conformance.station.cases import STATION_CASES
from voltbridge.conformance.station.central_system import UNSIGNED
from voltbridge.conformance.station.csms import SimulatedCsms
from voltbridge.conformance.station.door import open_door
from voltbridge.conformance.station.inbox import Arrival
from voltbridge.conformance.station.run import csms_for, play
from voltbridge.station.configuration import EvseConfiguration
from voltbridge.station.virtual_clock import VirtualClock, run

NOT_RUN: Final = {
    "TC_B_15_CS": "it has the summary inventory",
    "TC_B_28_CS": "it can reset an EVSE",
    "TC_B_29_CS": "it can reset an EVSE",
    "TC_C_05_CS": "nothing keeps its drivers from connecting before they are authorized",
    "TC_C_47_CS": "it has no screen to choose from: a master pass stops all transactions",
    "TC_C_48_CS": "it has no screen to choose from: a master pass stops all transactions",
    "TC_E_11_CS": "it starts no transaction when the first reading is signed",
    "TC_E_27_CS": "its cables are not attached",
    "TC_H_13_CS": "it takes reservations of an unspecified EVSE",
    "TC16_B_Key_StopTransactionMaxMeterValues_CS": "it tells no such limit",
    "TC16_C_ClearCache_None_CS": "it has a cache",
    "TC16_H_Reserve_ZeroNot_CS": "it takes reservations of connector 0",
    "TC16_B_Key_BlinkRepeat_CS": "it has no lights that blink",
    "TC16_B_Key_LightIntensity_CS": "it has no lights",
    "TC16_B_Key_MessageTimeout_CS": "how long it waits for an answer is not to be changed",
}
"""Cases whose precondition our own station does not meet."""


VARIABLES: Final[Mapping[str, Mapping[str, str]]] = {
    "TC_C_22_CS": {"TxCtrlr.TxStartPoint": "ParkingBayOccupancy"},
    "TC_C_23_CS": {"TxCtrlr.TxStartPoint": "ParkingBayOccupancy"},
    "TC_C_24_CS": {"TxCtrlr.TxStartPoint": "ParkingBayOccupancy"},
    "TC_C_33_CS": {"TxCtrlr.TxStartPoint": "Authorized"},
    "TC_E_05_CS": {"TxCtrlr.TxStartPoint": "Authorized"},
    "TC_E_39_CS": {"TxCtrlr.TxStartPoint": "Authorized"},
    "TC_K_12_CS": {"SmartChargingCtrlr.RateUnit": "A"},
    "TC_K_42_CS": {"SmartChargingCtrlr.RateUnit": "A"},
    "TC_N_23_CS": {"TxCtrlr.TxStartPoint": "EVConnected"},
    "TC_O_17_CS": {"DisplayMessageCtrlr.SupportedPriorities": "AlwaysFront,NormalCycle"},
    "TC_O_18_CS": {"DisplayMessageCtrlr.SupportedStates": "Charging,Idle"},
}
"""Cases that see more of a station that is set otherwise."""


FEATURES: Final[Mapping[str, frozenset[str]]] = {
    "TC_L_11_CS": frozenset({"updates that cannot be cancelled"}),
    "TC_L_12_CS": frozenset({"downloads that wait for charging"}),
    "TC_L_13_CS": frozenset({"downloads that wait for charging"}),
    "TC_L_16_CS": frozenset({"installation while charging"}),
    "TC_N_41_CS": frozenset({"preconfigured monitors"}),
    "TC_N_44_CS": frozenset({"hard-wired monitors"}),
    "TC16_L_Update_Installed_CS": frozenset({UNSIGNED}),
    "TC16_L_Update_Later_CS": frozenset({UNSIGNED}),
    "TC16_L_Update_Failed_CS": frozenset({UNSIGNED}),
    "TC16_L_Update_Transaction_CS": frozenset({UNSIGNED}),
}
"""Cases for a station that has something else than most."""


SIGNED: Final = {"TC_J_04_CS", "TC_J_11_CS"}
"""Cases for a station whose meters sign."""


def played(
    case: StationCase,
    wrong: Wrong | None = None,
    silences: Silences | None = None,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Outcome, SimulatedCsms]:
    """One run of a case, against a station that is right or wrong in one thing."""

    async def main(clock: VirtualClock) -> tuple[Outcome, SimulatedCsms]:
        with pytest.MonkeyPatch.context() as monkeypatch, made_authorities() as authorities:
            async with (
                open_door(authorities=authorities if case.secure or case.part6.block == "M" else None) as door,
                own_station(
                    clock,
                    {**VARIABLES.get(case.part6.id, {}), **variables},
                    EvseConfiguration(signed_meter=case.part6.id in SIGNED),
                    authorities.old_file,
                ) as station,
            ):
                station.case_id = case.part6.id
                features = CONFIGURATION.features | FEATURES.get(case.part6.id, frozenset())
                configuration = msgspec.structs.replace(CONFIGURATION, features=features)
                csms = csms_for(case, configuration, station, clock, door)
                door.csms = csms
                if silences is not None:
                    watched(monkeypatch, silences)
                if wrong is not None:
                    tampering(monkeypatch, door, wrong)
                try:
                    return await play(case, csms), csms
                finally:
                    await station.end()
                    await csms.close(refuse=True)

    return run(main)


@pytest.mark.parametrize("case", STATION_CASES.values(), ids=STATION_CASES)
def test_case(case: StationCase) -> None:
    silences = Silences()
    outcome, csms = played(case, silences=silences)
    if case.part6.id in NOT_RUN:
        assert outcome.verdict is Verdict.NOT_RUN
        return
    shown = "\n".join(map(str, outcome.transcript or []))
    assert outcome.verdict is Verdict.PASSED, f"{outcome.failure or outcome.reason}\n{shown}"
    missed = [str(wrong) for wrong in _faults(case, csms) if played(case, wrong)[0].verdict is Verdict.PASSED]
    assert not missed, f"passes although: {'; '.join(missed)}"
    for silence in {(each.step, each.action): each for each in reversed(silences.found)}.values():
        broken, _ = played(case, silences=Silences(silence))
        assert f"no {silence.action}Request" in str(broken.failure), f"{silence}: {broken.failure or broken.reason}"


def _faults(case: StationCase, csms: SimulatedCsms) -> list[Wrong]:
    """What is declared; each message a step needed left out."""
    assert WRONG.get(case.part6.id), "no wrong values are declared"
    faults = list(WRONG[case.part6.id])
    counted: Counter[str] = Counter()
    for arrival in csms.inbox.arrivals:
        name = f"{arrival.action}Request"
        said = [_said(one) for one in csms.inbox.arrivals]
        if arrival.needed and said.count(_said(arrival)) == 1:  # what is said twice can be left out once
            faults.append(Wrong(name, "", None, counted[name]))
        counted[name] += 1
    return faults


def _said(arrival: Arrival) -> tuple[str, object]:
    return arrival.action, {key: value for key, value in arrival.payload.items() if key != "timestamp"}
