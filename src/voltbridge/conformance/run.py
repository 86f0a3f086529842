"""Running cases against a CSMS, one after the other, and what came of each."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from voltbridge.conformance.case import CsmsCase, Start
from voltbridge.conformance.configuration import Configuration
from voltbridge.conformance.connection import UpgradeRefused
from voltbridge.conformance.csms.charge_point import charge_point_booted
from voltbridge.conformance.csms.states import booted
from voltbridge.conformance.csms.station import SimulatedStation
from voltbridge.conformance.drivers import CsmsDriver
from voltbridge.conformance.failure import DriverFailed, NotApplicable, StepFailed
from voltbridge.conformance.patience import Tell
from voltbridge.conformance.transcript import AFTERWARDS, Transcript
from voltbridge.domain.clock import Clock
from voltbridge.protocol.versions import Version

__all__ = ["Outcome", "Verdict", "run_case", "run_cases"]


class Verdict(StrEnum):
    """What came of a case that was selected."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not run"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The verdict on one case, and what led to it."""

    case_id: str
    verdict: Verdict
    reason: str = ""
    """Why it did not run, or how it failed where no step did."""
    failure: StepFailed | None = None
    transcript: Transcript | None = None
    took_s: float = 0.0
    """By the clock of the run, which for our own station is not the system's."""

    @property
    def result(self) -> str:
        """As a report file has it: ``passed``, ``failed`` or ``not run: reason``."""
        return f"not run: {self.reason}" if self.verdict is Verdict.NOT_RUN else self.verdict.value


async def run_cases(
    cases: Iterable[CsmsCase],
    configuration: Configuration,
    csms: CsmsDriver,
    clock: Clock,
    *,
    before: Callable[[CsmsCase], None],
    after: Callable[[CsmsCase, Outcome], None],
    tell: Tell | None = None,
) -> list[Outcome]:
    """Prepare the CSMS, then run the cases in order; ``before`` and ``after`` are told of each.

    ``tell`` is told what a case waits for. Raises DriverFailed when the CSMS cannot be prepared: then nothing ran.
    """
    await csms.prepare(configuration)
    outcomes = []
    for case in cases:
        before(case)
        began = clock.monotonic()
        outcome = await run_case(case, configuration, csms, clock, tell=tell)
        outcome = replace(outcome, took_s=clock.monotonic() - began)
        outcomes.append(outcome)
        after(case, outcome)
    return outcomes


async def run_case(
    case: CsmsCase, configuration: Configuration, csms: CsmsDriver, clock: Clock, *, tell: Tell | None = None
) -> Outcome:
    """Run one case against a CSMS that is prepared."""
    station = SimulatedStation(configuration, csms, clock, case.part6.version, tell=tell)
    case_id = case.part6.id
    try:
        await _bring(station, case.start)
        await case.play(station)
        if case.start is not Start.OFFLINE:
            station.connection.check("end")
    except NotApplicable as error:
        return Outcome(case_id, Verdict.NOT_RUN, str(error))
    except StepFailed as error:
        return Outcome(case_id, Verdict.FAILED, str(error), error, station.transcript)
    except DriverFailed as error:
        return Outcome(case_id, Verdict.FAILED, f"the CSMS could not be told to act: {error}", None, station.transcript)
    except Exception as error:
        reason = f"the case itself is broken: {type(error).__name__}: {error}"
        return Outcome(case_id, Verdict.FAILED, reason, None, station.transcript)
    finally:
        station.note(AFTERWARDS)
        # Best effort: a CSMS that just failed may fail here as well.
        with contextlib.suppress(Exception):
            await station.restore()
        await station.leave()
        with contextlib.suppress(Exception):
            await csms.end()
    return Outcome(case_id, Verdict.PASSED, transcript=station.transcript)


async def _bring(station: SimulatedStation, start: Start) -> None:
    """The general precondition: a station with a connection, accepted (Part 6, 3.1)."""
    if start is Start.OFFLINE:
        return
    with station.stage("Before"):
        try:
            await station.connect()
        except UpgradeRefused as refused:
            raise StepFailed(station.step(0), "an upgraded connection", str(refused)) from None
    if start is Start.BOOTED:
        await (charge_point_booted if station.version is Version.V16 else booted)(station)
