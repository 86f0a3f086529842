"""``voltbridge station fleet``: many virtual charging stations that live by themselves."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voltbridge.cli.station_options import FILES, LOCAL_CSMS, CaFile, ControlKey, ControlPort, Data, KnownHosts, Url
from voltbridge.cli.station_process import (
    announced,
    control,
    log_to_console,
    running,
    station_clock,
    station_stores,
)
from voltbridge.settings import ConfigurationError

if TYPE_CHECKING:
    from voltbridge.cli.fleet_processes import Part
    from voltbridge.station.configuration import StationConfiguration
    from voltbridge.station.fleet import Fleet
    from voltbridge.station.fleet_profile import FleetProfile

__all__ = ["fleet"]

_FEW = 10
_SPARE_FILES = 100
_COUNT_EVERY_S = 2.0
_FEW_MEGABYTES = 20


def _files(directory: Path | None) -> Path | None:
    if directory is not None:
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(f"--files {directory}: {error.strerror or error}") from None
    return directory


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What the command line says of the stations, beside how many there are."""

    url: str
    ca_file: Path | None
    known_hosts: Path | None
    data: Path | None
    files: Path | None
    files_limit_mb: int

    def arguments(self) -> list[str]:
        """The same for another process."""
        made = ["--url", self.url, "--files-limit", str(self.files_limit_mb)]
        for name, path in (
            ("--ca-file", self.ca_file),
            ("--known-hosts", self.known_hosts),
            ("--data", self.data),
            ("--files", self.files),
        ):
            made += [] if path is None else [name, str(path)]
        return made

    def equip(self, configuration: StationConfiguration) -> StationConfiguration:
        """A station that has its files, and trusts whom it is told to."""
        from voltbridge.station.own_files import OwnFiles

        equipped = replace(configuration, known_hosts=self.known_hosts)
        if self.files is None:
            return equipped
        return OwnFiles(self.files, self.files_limit_mb * 1_000_000).given_to(equipped)


def fleet(
    count: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            max=100_000,
            help="How many stations; with a profile, its groups in the same proportion, at least one each.",
            show_default="10, or as many as the profile says",
        ),
    ] = None,
    profile: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="What the fleet is and how drivers come (YAML); one is in README.md under Charging stations.",
        ),
    ] = None,
    url: Url = LOCAL_CSMS,
    ca_file: CaFile = None,
    known_hosts: KnownHosts = None,
    data: Data = None,
    files: Annotated[
        Path | None,
        typer.Option(
            "--files",
            metavar="DIR",
            rich_help_panel=FILES,
            callback=_files,
            help="Keep logs, and firmware on its way, as files below this directory, in one for each station.",
        ),
    ] = None,
    files_limit: Annotated[
        int,
        typer.Option(
            "--files-limit",
            metavar="MB",
            rich_help_panel=FILES,
            min=1,
            max=100_000,
            help="With --files: at most so much for each station; larger firmware does not come.",
        ),
    ] = _FEW_MEGABYTES,
    control_port: ControlPort = None,
    control_key: ControlKey = None,
    processes: Annotated[
        int,
        typer.Option(
            metavar="N", min=1, max=64, help="Spread the stations over so many processes; one that dies starts again."
        ),
    ] = 1,
    part: Annotated[
        str | None,
        typer.Option(metavar="K/N", help="Run only the K-th of N parts of the stations, to use several machines."),
    ] = None,
    attached: Annotated[bool, typer.Option("--attached", hidden=True)] = False,
) -> None:
    """Run many virtual charging stations, with drivers who come, charge and go.

    VOLTBRIDGE_CLOCK=2026-03-01T00:00:00Z×60 has them live an hour in a minute; give it to the CSMS as well. The
    control API is one for all --processes.

    Examples:

      voltbridge station fleet --count 100

      voltbridge station fleet --count 10000 --processes 4

      voltbridge station fleet --profile city.yaml --url ws://csms.example.com/ocpp --data ./fleet

      voltbridge station fleet --profile city.yaml --count 1000

      voltbridge station fleet --count 100 --files ./files --files-limit 50
    """
    from voltbridge.cli.fleet_processes import Part
    from voltbridge.station.fleet_profile import FleetProfile, Group, InvalidFile, read_profile

    if profile is None:
        made = FleetProfile(groups=(Group(name="FLEET", count=count or _FEW),))
    else:
        try:
            made = read_profile(profile)
        except InvalidFile as error:
            raise ConfigurationError(str(error)) from None
        if count is not None:
            try:
                made = made.scaled(count)
            except ValueError as error:
                raise ConfigurationError(f"--count: {error}") from None
    if processes > 1 and part is not None:
        raise ConfigurationError("--processes and --part cannot be used together")
    own = Part() if part is None else Part.read(part)
    processes = min(processes, made.count)
    _check_division(data, max(processes, own.of))
    log_to_console(quiet=False)
    wanted = _Wanted(
        url=url, ca_file=ca_file, known_hosts=known_hosts, data=data, files=files, files_limit_mb=files_limit
    )
    if processes == 1:
        raise typer.Exit(running(_many(made, own, wanted, control_port, control_key, attached)))
    what = [] if count is None else ["--count", str(count)]
    what += [] if profile is None else ["--profile", str(profile)]
    what += wanted.arguments()
    raise typer.Exit(running(_in_parts(made, what, processes, control_port, control_key)))


async def _many(
    profile: FleetProfile,
    part: Part,
    wanted: _Wanted,
    control_port: int | None,
    control_key: str | None,
    attached: bool,
) -> int:
    from voltbridge.cli.fleet_processes import standard_input_closed
    from voltbridge.clock import MachineSeconds
    from voltbridge.station.fleet import Fleet

    clock = station_clock()
    async with station_stores(wanted.data, clock, part.file) as stores:
        fleet = Fleet(
            profile,
            wanted.url,
            clock,
            stores,
            MachineSeconds(clock),
            ca_file=None if wanted.ca_file is None else str(wanted.ca_file),
            equip=wanted.equip,
            part=(part.number, part.of),
        )
        _allow_connections(fleet.count)
        try:
            async with control(lambda: fleet.stations, control_port, control_key):
                counting = asyncio.create_task(_count(fleet))
                try:
                    await fleet.start()
                    await (standard_input_closed() if attached else asyncio.Event().wait())
                finally:
                    counting.cancel()
        finally:
            await fleet.stop()
    return 0


async def _in_parts(
    profile: FleetProfile, what: list[str], processes: int, control_port: int | None, control_key: str | None
) -> int:
    """The fleet over several processes, behind one control API where there is to be one."""
    from voltbridge.cli.fleet_processes import live_in_parts
    from voltbridge.station.control.relay import relayed
    from voltbridge.station.fleet import identities

    addresses: dict[int, str] = {}
    environment = dict(os.environ)
    async with contextlib.AsyncExitStack() as serving:
        if control_port is not None:
            key, own_key = control_key or secrets.token_urlsafe(24), secrets.token_urlsafe(24)
            owners = {identity: place % processes + 1 for place, identity in enumerate(identities(profile))}
            relay = relayed(owners, addresses, own_key=own_key, port=control_port, key=key)
            await serving.enter_async_context(announced(relay, control_port, key))
            # Not among the arguments, which every user of the machine can see.
            environment["VOLTBRIDGE_CONTROL_KEY"] = own_key

        def arguments(part: Part) -> list[str]:
            controlled = [] if control_port is None else ["--control-port", "0"]
            return ["station", "fleet", *what, *controlled, "--part", str(part), "--attached"]

        return await live_in_parts(arguments, processes, profile.count, environment=environment, addresses=addresses)


async def _count(fleet: Fleet) -> None:
    """Say how many are connected whenever that has changed, but not all the time."""
    told = 0
    while True:
        connected = sum(each.online for each in fleet.stations)
        if connected != told:
            typer.echo(f"{connected} of {fleet.count} stations connected")
            told = connected
        await asyncio.sleep(_COUNT_EVERY_S)


def _check_division(data: Path | None, parts: int) -> None:
    """Stations find what they kept only in the same division as before."""
    if data is None or not data.is_dir():
        return
    for path in data.glob("stations*.db"):
        _, _, of = path.stem.rpartition("-of-")
        before = int(of) if of.isdecimal() else 1
        if before != parts:
            raise ConfigurationError(
                f"{data} has what stations kept in {before} process{'es' if before > 1 else ''}, not in {parts}: "
                f"go on with --processes {before}, or take another --data"
            )


def _allow_connections(stations: int) -> None:
    from voltbridge.open_files import raise_open_files

    wanted = stations + _SPARE_FILES
    allowed = raise_open_files(wanted)
    if allowed < wanted:
        raise ConfigurationError(
            f"{stations} stations need {wanted} open files, and this user may have {allowed} (ulimit -n): "
            "spread them over more --processes"
        )
