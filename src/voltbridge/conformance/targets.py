"""What is tested, and who drives it: our own CSMS or station, or a foreign one by REST, a program or a person."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from voltbridge.clock import SystemClock
from voltbridge.conformance.automation import AutomatedCsms, AutomatedStation, Program
from voltbridge.conformance.case import CsmsCase
from voltbridge.conformance.catalogue import Role
from voltbridge.conformance.configuration import Configuration
from voltbridge.conformance.drivers import CsmsDriver, StationDriver
from voltbridge.conformance.manual_driver import ManualCsms
from voltbridge.conformance.manual_station import ManualStation
from voltbridge.conformance.own_csms import own_csms
from voltbridge.conformance.own_station import own_station
from voltbridge.conformance.programs import PythonFile, Webhook
from voltbridge.conformance.rest_driver import RestCsms
from voltbridge.conformance.run import run_cases
from voltbridge.conformance.station.authorities import Authorities, made_authorities
from voltbridge.conformance.station.case import StationCase
from voltbridge.conformance.station.door import open_door
from voltbridge.conformance.station.run import run_cases as run_station_cases
from voltbridge.conformance.watching import Watch
from voltbridge.log import configure
from voltbridge.settings import LogFormat, LogLevel
from voltbridge.station.virtual_clock import VirtualClock
from voltbridge.station.virtual_clock import run as run_virtually

__all__ = ["Hands", "address", "run_csms", "run_station"]


@dataclass(frozen=True, slots=True)
class Hands:
    """Who does what a case wants done. With nothing of it our own peer is started and driven."""

    say: Callable[[str], None]
    ask: Callable[[str], str]
    url: str | None = None
    """Of the CSMS under test."""
    listen: tuple[str, int] | None = None
    """Where the station under test connects."""
    api: str | None = None
    driver: str | None = None
    """A Python file or the address of a webhook."""
    key: str | None = None
    """For either of them."""
    person: bool = False
    """Whether a person does what the driver does not know."""
    listen_tls: tuple[str, int] | None = None
    """Where the station connects with TLS, in the cases about that."""
    authorities: Authorities | None = None
    """Of those endpoints."""

    @property
    def foreign(self) -> bool:
        """Whether what is tested is not ours."""
        return self.url is not None or self.listen is not None

    @property
    def target(self) -> str:
        """What is tested, in words."""
        if self.url is not None:
            return f"the CSMS at {self.url}"
        if self.listen is not None:
            host, port = self.listen
            return f"the charging station that connects to {host}:{port}"
        return "Voltbridge"

    @asynccontextmanager
    async def program(self, role: Role) -> AsyncIterator[Program | None]:
        """The tester's program, if there is one. Raises InvalidProgram."""
        if self.driver is None:
            yield None
        elif self.driver.startswith(("http://", "https://")):
            async with Webhook(self.driver, self.key) as webhook:
                yield webhook
        else:
            yield PythonFile(Path(self.driver), role)


def run_csms(cases: list[CsmsCase], configuration: Configuration, hands: Hands, watch: Watch) -> None:
    """Run the cases against a CSMS. Raises DriverFailed when it cannot be prepared, InvalidProgram."""

    async def play() -> None:
        async with AsyncExitStack() as stack:
            csms = await _csms(stack, configuration, hands)
            await run_cases(
                cases, configuration, csms, SystemClock(), before=watch.before, after=watch.after, tell=watch.tell
            )

    asyncio.run(play())


async def _csms(stack: AsyncExitStack, configuration: Configuration, hands: Hands) -> CsmsDriver:
    timeout_s = configuration.message_timeout_s
    if hands.url is None:
        _calm()
        return await stack.enter_async_context(own_csms(timeout_s=timeout_s))
    if hands.api is not None:
        assert hands.key is not None, "the API wants a key"
        return await stack.enter_async_context(RestCsms(hands.url, hands.api, hands.key, timeout_s=timeout_s))
    person = ManualCsms(hands.url, hands.say, hands.ask)
    program = await stack.enter_async_context(hands.program(Role.CSMS))
    if program is None:
        return person
    return AutomatedCsms(hands.url, program, timeout_s, person if hands.person else None)


def run_station(cases: list[StationCase], configuration: Configuration, hands: Hands, watch: Watch) -> None:
    """The same against a station: ours, in virtual time, or one that connects. Raises OSError when nobody can."""
    # Whatever it warns of is about the wrong things the cases do on purpose.
    _calm()
    listen = hands.listen
    if listen is None:
        run_virtually(lambda clock: _own_station(cases, configuration, watch, clock))
        return

    async def play() -> None:
        async with AsyncExitStack() as stack:
            program = await stack.enter_async_context(hands.program(Role.STATION))
            if hands.listen_tls is None or hands.authorities is None:
                door = await stack.enter_async_context(open_door(*listen))
            else:
                door = await stack.enter_async_context(
                    open_door(*listen, authorities=hands.authorities, secure=hands.listen_tls)
                )
            root = None if hands.authorities is None else hands.authorities.old_file
            station: StationDriver = ManualStation(hands.say, hands.ask, root)
            if program is not None:
                station = AutomatedStation(program, station if hands.person else None)
            await run_station_cases(
                cases,
                configuration,
                station,
                door,
                SystemClock(),
                before=watch.before,
                after=watch.after,
                tell=watch.tell,
            )

    asyncio.run(play())


async def _own_station(
    cases: list[StationCase], configuration: Configuration, watch: Watch, clock: VirtualClock
) -> None:
    async with AsyncExitStack() as stack:
        authorities = stack.enter_context(made_authorities())
        door = await stack.enter_async_context(open_door(authorities=authorities))
        station = await stack.enter_async_context(own_station(clock, ca_file=authorities.old_file))

        def before(case: StationCase) -> None:
            station.case_id = case.part6.id
            watch.before(case)

        await run_station_cases(cases, configuration, station, door, clock, before=before, after=watch.after)


def _calm() -> None:
    configure(LogLevel.ERROR, LogFormat.CONSOLE)


_LARGEST_PORT: Final = 65_535


def address(listen: str) -> tuple[str, int] | None:
    """``HOST:PORT`` taken apart; None where it is something else."""
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal() or int(port) > _LARGEST_PORT:
        return None
    return host.strip("[]"), int(port)
