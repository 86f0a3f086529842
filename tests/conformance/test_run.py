"""How a run goes from one case to the next, and what it makes of trouble that is not a step's."""

from __future__ import annotations

import json

import msgspec
import pytest
from tests.conformance.peers import Fault, ScriptedCsms, change

from voltbridge.conformance.case import CsmsCase, Start
from voltbridge.conformance.catalogue import CATALOGUE
from voltbridge.conformance.configuration import Configuration
from voltbridge.conformance.csms.cases import CSMS_CASES
from voltbridge.conformance.csms.station import SimulatedStation
from voltbridge.conformance.drivers import Instruction
from voltbridge.conformance.failure import DriverFailed
from voltbridge.conformance.run import Outcome, Verdict, run_case, run_cases

pytestmark = pytest.mark.anyio

CONFIGURATION = Configuration(message_timeout_s=60)


async def played(case: CsmsCase, configuration: Configuration = CONFIGURATION, fault: Fault | None = None) -> Outcome:
    async with ScriptedCsms.serving(configuration, fault or Fault()) as csms:
        await csms.prepare(configuration)
        return await run_case(case, configuration, csms, csms.clock)


async def test_cases_run_one_after_the_other_and_are_told_of() -> None:
    told: list[str] = []
    wanted = [CSMS_CASES["TC_B_01_CSMS"], CSMS_CASES["TC_C_02_CSMS"]]
    async with ScriptedCsms.serving(CONFIGURATION, change("Authorize", "idTokenInfo.status", "Accepted")) as csms:
        outcomes = await run_cases(
            wanted,
            CONFIGURATION,
            csms,
            csms.clock,
            before=lambda case: told.append(case.part6.id),
            after=lambda case, outcome: told.append(outcome.result),
        )
    assert told == ["TC_B_01_CSMS", "passed", "TC_C_02_CSMS", "failed"]
    assert [outcome.verdict for outcome in outcomes] == [Verdict.PASSED, Verdict.FAILED]


class Stubborn(ScriptedCsms):
    """Its driver can neither prepare nor tell it anything."""

    async def prepare(self, configuration: Configuration) -> None:
        raise DriverFailed("no such CSMS")

    async def send(self, instruction: Instruction) -> None:
        raise DriverFailed("the API is gone")


async def test_a_csms_that_cannot_be_prepared_runs_nothing() -> None:
    ran: list[CsmsCase] = []
    async with Stubborn.serving(CONFIGURATION, Fault()) as csms:
        with pytest.raises(DriverFailed, match="no such CSMS"):
            await run_cases(
                CSMS_CASES.values(), CONFIGURATION, csms, csms.clock, before=ran.append, after=lambda *_: None
            )
    assert not ran


async def test_a_case_the_configuration_does_not_allow_does_not_run() -> None:
    one_evse = msgspec.structs.replace(CONFIGURATION, evses=1)
    outcome = await played(CSMS_CASES["TC_C_47_CSMS"], one_evse)
    assert outcome.result == "not run: it needs a station with two EVSEs (evses)"
    open_door = msgspec.structs.replace(CONFIGURATION, basic_auth=False)
    fault = Fault(lets_in=lambda right: True)
    for number in "123":
        outcome = await played(CSMS_CASES[f"TC_A_0{number}_CSMS"], open_door, fault)
        assert outcome.result == "not run: the CSMS has no password for the station (basic_auth is false)"
    assert (await played(CSMS_CASES["TC_B_01_CSMS"], open_door, fault)).result == "passed"


async def test_a_driver_that_fails_fails_the_case_at_once() -> None:
    async with Stubborn.serving(CONFIGURATION, Fault()) as csms:
        outcome = await run_case(CSMS_CASES["TC_C_37_CSMS"], CONFIGURATION, csms, csms.clock)
    assert outcome.verdict is Verdict.FAILED
    assert outcome.reason == "the CSMS could not be told to act: the API is gone"


async def test_a_broken_case_is_called_so() -> None:
    async def play(station: SimulatedStation) -> None:
        await station.call(1, "Heartbeat", {"nonsense": 1})

    outcome = await played(CsmsCase(CATALOGUE["TC_O_01_CSMS"], "made up", Start.BOOTED, play))
    assert outcome.verdict is Verdict.FAILED
    assert outcome.reason.startswith("the case itself is broken: Violation")


async def test_what_a_case_leaves_open_is_ended() -> None:
    outcome = await played(CSMS_CASES["TC_E_01_CSMS"])
    assert outcome.transcript is not None
    sent = [json.loads(entry.text) for entry in outcome.transcript if entry.text.startswith("[2")]
    after = [(frame[2], frame[3]) for frame in sent][-3:]
    assert after[0][0] == "TransactionEvent"
    assert after[0][1]["eventType"] == "Ended"
    assert after[1][1]["connectorStatus"] == "Available"


async def test_sequence_numbers_begin_with_0_in_every_transaction() -> None:
    outcome = await played(CSMS_CASES["TC_E_53_CSMS"])
    assert outcome.transcript is not None
    numbers: dict[str, list[int]] = {}
    for entry in outcome.transcript:
        if '"TransactionEvent"' in entry.text:
            payload = json.loads(entry.text)[3]
            numbers.setdefault(payload["transactionInfo"]["transactionId"], []).append(payload["seqNo"])
    assert len(numbers) == 2
    assert all(one == list(range(len(one))) for one in numbers.values())


@pytest.mark.parametrize(("interval", "wait_s"), [(0, CONFIGURATION.heartbeat_interval_s), (7, 7)])
async def test_a_pending_boot_is_repeated_after_the_interval_of_the_csms_or_else_our_own(
    interval: int, wait_s: int
) -> None:
    outcome = await played(CSMS_CASES["TC_B_02_CSMS"], fault=change("BootNotification", "interval", interval))
    assert outcome.verdict is Verdict.PASSED, outcome.reason
    assert outcome.transcript is not None
    first, second = (entry.at for entry in outcome.transcript if '"BootNotification"' in entry.text)
    assert wait_s <= (second - first).total_seconds() < wait_s + 60


async def test_a_csms_that_is_not_there_fails_the_case() -> None:
    async with ScriptedCsms.serving(CONFIGURATION, Fault()) as csms:
        csms.url = "ws://127.0.0.1:1"
        outcome = await run_case(CSMS_CASES["TC_B_01_CSMS"], CONFIGURATION, csms, csms.clock)
    assert outcome.failure is not None
    assert outcome.failure.step == "Before 0"
    assert "127.0.0.1:1" in outcome.failure.received


async def test_an_identity_is_encoded_in_the_address() -> None:
    assert (await played(CSMS_CASES["TC_B_01_CSMS"], Configuration(station_id="CP 1/2+ä"))).result == "passed"
