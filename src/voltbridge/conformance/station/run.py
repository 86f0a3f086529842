"""Running cases against a charging station, one after the other, and what came of each."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import replace

from voltbridge.conformance.configuration import Configuration
from voltbridge.conformance.drivers import StationDriver
from voltbridge.conformance.failure import DriverFailed, NotApplicable, StepFailed
from voltbridge.conformance.patience import Tell
from voltbridge.conformance.run import Outcome, Verdict
from voltbridge.conformance.station.case import StationCase
from voltbridge.conformance.station.central_system import CentralSystem
from voltbridge.conformance.station.csms import SimulatedCsms
from voltbridge.conformance.station.door import Door
from voltbridge.conformance.transcript import AFTERWARDS
from voltbridge.domain.clock import Clock
from voltbridge.protocol.versions import Version

__all__ = ["csms_for", "play", "run_case", "run_cases"]


async def run_cases(
    cases: Iterable[StationCase],
    configuration: Configuration,
    station: StationDriver,
    door: Door,
    clock: Clock,
    *,
    before: Callable[[StationCase], None],
    after: Callable[[StationCase, Outcome], None],
    tell: Tell | None = None,
) -> list[Outcome]:
    """Run the cases in order; ``before`` and ``after`` are told of each, and ``tell`` what a case waits for."""
    outcomes = []
    for case in cases:
        before(case)
        began = clock.monotonic()
        outcome = await run_case(case, configuration, station, door, clock, tell=tell)
        outcome = replace(outcome, took_s=clock.monotonic() - began)
        outcomes.append(outcome)
        after(case, outcome)
    return outcomes


async def run_case(
    case: StationCase,
    configuration: Configuration,
    station: StationDriver,
    door: Door,
    clock: Clock,
    *,
    tell: Tell | None = None,
) -> Outcome:
    """Run one case."""
    csms = csms_for(case, configuration, station, clock, door)
    csms.tell = tell
    door.csms = csms
    try:
        return await play(case, csms)
    finally:
        csms.note(AFTERWARDS)
        # Best effort: a station that just failed may fail here as well.
        with contextlib.suppress(Exception):
            if csms.connections:
                await _left_idle(csms)
        with contextlib.suppress(DriverFailed):
            await station.end()
        await csms.close(refuse=True)
        door.csms = None


def csms_for(
    case: StationCase, configuration: Configuration, station: StationDriver, clock: Clock, door: Door
) -> SimulatedCsms:
    """The CSMS of one run of a case, in the version the case is about."""
    version = case.part6.version
    kind = CentralSystem if version is Version.V16 else SimulatedCsms
    url, other_url = (door.secure_url, door.other_secure_url) if case.secure else (door.url, door.other_url)
    return kind(configuration, station, clock, url, other_url, version, authorities=door.authorities)


async def play(case: StationCase, csms: SimulatedCsms) -> Outcome:
    """Bring the station into the general preconditions and play the case with it."""
    case_id = case.part6.id
    try:
        if case.secure and csms.authorities is None:
            raise NotApplicable("the kit has no endpoint with TLS: give --listen-tls and --ca")
        await _ready(csms)
        await case.play(csms)
        csms.check()
        csms.check_rules()
    except NotApplicable as error:
        return Outcome(case_id, Verdict.NOT_RUN, str(error))
    except StepFailed as error:
        return Outcome(case_id, Verdict.FAILED, str(error), error, csms.transcript)
    except DriverFailed as error:
        return Outcome(case_id, Verdict.FAILED, f"the station could not be made to act: {error}", None, csms.transcript)
    except Exception as error:
        reason = f"the case itself is broken: {type(error).__name__}: {error}"
        return Outcome(case_id, Verdict.FAILED, reason, None, csms.transcript)
    return Outcome(case_id, Verdict.PASSED, transcript=csms.transcript)


async def _ready(csms: SimulatedCsms) -> None:
    """The general preconditions (Part 6, 2.1): connected, accepted, idle, and nothing more to say."""
    with csms.stage("Before"):
        await csms.station.begin(csms.url, csms.configuration, csms.version)
        await csms.reconnected(0, after=0)
        await csms.quiet()
        csms.check(0)
        csms.note("the case begins")
        csms.forget()
        csms.inbox.clear()
        csms.begun = True


async def _left_idle(csms: SimulatedCsms) -> None:
    """End what the case has begun: answers, connections, transactions, variables."""
    csms.answers.reset()
    csms.accept()
    with csms.stage("after"):
        if not csms.online:
            await csms.reconnected(0, after=csms.connections, seconds=csms.configuration.reconnect_s)
        await csms.leave_idle()
