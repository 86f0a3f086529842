"""``voltbridge station``: virtual charging stations, one to play with or a fleet that lives by itself."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote, urlsplit

import msgspec
import typer

from voltbridge.settings import ConfigurationError, LogFormat, LogLevel

if TYPE_CHECKING:
    from voltbridge.cli.fleet_processes import Part
    from voltbridge.domain.clock import Clock
    from voltbridge.station.assembly import Station
    from voltbridge.station.configuration import StationConfiguration
    from voltbridge.station.fleet import Fleet
    from voltbridge.station.fleet_profile import FleetProfile
    from voltbridge.storage.station import StationFile

__all__ = ["station"]

station = typer.Typer(help="Virtual charging stations, for any CSMS.", no_args_is_help=True)


def _url(text: str) -> str:
    from voltbridge.station.network_profiles import url_problem

    problem = url_problem(text, 0)
    if problem is not None:
        raise ConfigurationError(f"--url: {problem}; give one such as {_LocalCsms}, without the identity, not {text!r}")
    return text


_Url = Annotated[
    str,
    typer.Option(
        "--url", metavar="URL", callback=_url, help="The CSMS, without the identity: ws://host:9000/ocpp, or wss://."
    ),
]
_Data = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="Keep queue and settings here over a restart; else they are forgotten."),
]
_ControlPort = Annotated[
    int | None,
    typer.Option(
        "--control-port", min=0, max=65_535, help="Serve the REST control API on this port of the loopback interface."
    ),
]
_ControlKey = Annotated[
    str | None,
    typer.Option("--control-key", envvar="VOLTBRIDGE_CONTROL_KEY", help="Key that the control API asks for."),
]


def _ca_file(file: Path | None) -> Path | None:
    """That no station is started that could never trust anybody."""
    if file is None:
        return None
    from cryptography import x509

    try:
        x509.load_pem_x509_certificates(file.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"--ca-file {file}: {error.strerror or error}") from None
    except ValueError:
        raise ConfigurationError(f"--ca-file {file}: it has no certificates in PEM") from None
    return file


_CaFile = Annotated[
    Path | None,
    typer.Option(
        "--ca-file",
        metavar="FILE",
        callback=_ca_file,
        help="Root certificates (PEM) to judge a CSMS by that is reached by wss://, and servers of files.",
        show_default="those of the system",
    ),
]
_Personality = Annotated[
    str | None,
    typer.Option(
        "--personality", metavar="NAME|FILE", help="What the station is like, and its quirks; see the documentation."
    ),
]
_LocalCsms = "ws://127.0.0.1:9000/ocpp"
_WHAT_IS_WRONG = {
    "name": "an identity has 1 to 36 of these characters: A to Z, a to z, 0 to 9 and * - _ = + | @ .",
    "password": "--password-file: a password has 16 to 40 characters",
}
_FEW = 10
_SPARE_FILES = 100
_COUNT_EVERY_S = 2.0


@station.command("run")
def run(
    identity: Annotated[str, typer.Argument(help="The identity the station connects with.")] = "CP-1",
    url: _Url = _LocalCsms,
    version: Annotated[
        list[str] | None,
        typer.Option("--version", metavar="VERSION", help="1.6, 2.0.1 or 2.1; can be repeated, best first."),
    ] = None,
    evses: Annotated[int | None, typer.Option(min=1, max=9, help="How many EVSEs it has.", show_default="1")] = None,
    personality: _Personality = None,
    password_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Holds the password for HTTP Basic authentication.")
    ] = None,
    ca_file: _CaFile = None,
    token: Annotated[str, typer.Option(help="The idToken that the key s shows.")] = "04A1B2C3D4E501",
    data: _Data = None,
    control_port: _ControlPort = None,
    control_key: _ControlKey = None,
    scenario: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Play this scenario (YAML), then end; see the documentation.")
    ] = None,
    view: Annotated[bool, typer.Option(help="Show the station in the terminal, with keys to play driver.")] = True,
    publish_at: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Publish firmware for other stations at this address (http://10.0.0.2:8080); needs --data.",
        ),
    ] = None,
    known_hosts: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="SSH servers to fetch firmware from and deliver logs to by SFTP, as in ~/.ssh/known_hosts; else any.",
        ),
    ] = None,
) -> None:
    """Run one virtual charging station that really does what it answers.

    Examples:

      voltbridge station run

      voltbridge station run CP-7 --url ws://csms.example.com/ocpp --version 1.6 --evses 2

      voltbridge station run CP-7 --url wss://csms.example.com/ocpp --ca-file root.pem --password-file secret

      voltbridge station run --no-view --control-port 9100

      voltbridge station run --personality loose-spelling
    """
    from voltbridge.station.fleet_profile import FleetProfile, Group, InvalidFile
    from voltbridge.station.yaml_files import in_words

    told: dict[str, Any] = {"name": identity, "password": _password(password_file), "personality": personality}
    told |= {"versions": tuple(version)} if version else {}
    told |= {"evses": evses} if evses else {}
    try:
        group = msgspec.convert(told, Group)
        group.with_personality()
    except msgspec.ValidationError as error:
        place, text = in_words(error, Group)
        field = place.lstrip(".").partition("[")[0]
        raise ConfigurationError(_WHAT_IS_WRONG.get(field, f"{field}: {text}")) from None
    except (InvalidFile, ValueError) as error:
        raise ConfigurationError(str(error)) from None
    profile = FleetProfile(groups=(group,))
    _check_known_hosts(known_hosts)
    seen = view and scenario is None and sys.stdin.isatty() and sys.stdout.isatty()
    _log(quiet=seen)
    code = _running(
        _one(profile, url, ca_file, token, data, publish_at, known_hosts, control_port, control_key, scenario, seen)
    )
    raise typer.Exit(code)


@station.command("fleet")
def fleet(
    count: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=100_000,
            help="How many stations; with a profile, its groups in the same proportion, at least one each.",
            show_default="10, or as many as the profile says",
        ),
    ] = None,
    profile: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What the fleet is and how drivers come (YAML).")
    ] = None,
    url: _Url = _LocalCsms,
    ca_file: _CaFile = None,
    data: _Data = None,
    control_port: _ControlPort = None,
    control_key: _ControlKey = None,
    processes: Annotated[
        int, typer.Option(min=1, max=64, help="Spread the stations over so many processes; one that dies starts again.")
    ] = 1,
    part: Annotated[
        str | None,
        typer.Option(metavar="K/N", help="Run only the K-th of N parts of the stations, to use several machines."),
    ] = None,
    attached: Annotated[bool, typer.Option("--attached", hidden=True)] = False,
) -> None:
    """Run many virtual charging stations, with drivers who come, charge and go.

    VOLTBRIDGE_CLOCK=2026-03-01T00:00:00Z×60 has them live an hour in a minute; give it to the CSMS as well. With
    --processes each has a control API of its own, on ports that follow --control-port.

    Examples:

      voltbridge station fleet --count 100

      voltbridge station fleet --count 10000 --processes 4

      voltbridge station fleet --profile city.yaml --url ws://csms.example.com/ocpp --data ./fleet

      voltbridge station fleet --profile city.yaml --count 1000
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
    _log(quiet=False)
    if processes == 1:
        raise typer.Exit(_running(_many(made, own, url, ca_file, data, control_port, control_key, attached)))
    what = [] if count is None else ["--count", str(count)]
    what += [] if profile is None else ["--profile", str(profile)]
    what += [] if ca_file is None else ["--ca-file", str(ca_file)]
    raise typer.Exit(_running(_in_parts(what, processes, made.count, url, data, control_port, control_key)))


async def _one(
    profile: FleetProfile,
    url: str,
    ca_file: Path | None,
    token: str,
    data: Path | None,
    publish_at: str | None,
    known_hosts: Path | None,
    control_port: int | None,
    control_key: str | None,
    scenario: Path | None,
    seen: bool,
) -> int:
    from rich.console import Console

    from voltbridge.clock import MachineSeconds
    from voltbridge.station.assembly import Station
    from voltbridge.station.control.scenario import ScenarioFailed, play, read_scenario
    from voltbridge.station.control.terminal import Screen, keys_pressed, show
    from voltbridge.station.fleet import configurations
    from voltbridge.station.fleet_profile import InvalidFile
    from voltbridge.station.network import Network

    try:
        steps = None if scenario is None else read_scenario(scenario)
    except InvalidFile as error:
        raise ConfigurationError(str(error)) from None
    clock = _clock()
    async with contextlib.AsyncExitStack() as parts:
        network = await parts.enter_async_context(Network(MachineSeconds(clock)))
        (configuration,) = configurations(profile, url, None if ca_file is None else str(ca_file))
        configuration = replace(_with_files(configuration, data, publish_at), known_hosts=known_hosts)
        stores = await parts.enter_async_context(_stores(data, clock))
        store = None if stores is None else stores.store(configuration.identity)
        station = Station(configuration, store=store, network=network, clock=clock)
        screen = Screen(station, token)
        network.watch = lambda _, sent, frame: screen.frame(sent, frame)
        await parts.enter_async_context(station)
        await parts.enter_async_context(_control(lambda: [station], control_port, control_key))
        if steps is not None:
            try:
                await play(steps, station)
            except ScenarioFailed as error:
                typer.echo(f"voltbridge: {error}", err=True)
                return 1
            return 0
        if seen:
            keys = await parts.enter_async_context(keys_pressed())
            await show(screen, Console(), keys)
        else:
            await asyncio.Event().wait()
    return 0


def _with_files(configuration: StationConfiguration, data: Path | None, publish_at: str | None) -> StationConfiguration:
    """What a station keeps as files beside its store: its logs, and firmware that it fetches or publishes."""
    from voltbridge.station.configuration import LocalController

    if data is None:
        if publish_at is not None:
            raise ConfigurationError("--publish-at needs --data DIR, where what is published is kept")
        return configuration
    own = data / quote(configuration.identity, safe="")
    controller = None
    if publish_at is not None:
        try:
            parts = urlsplit(publish_at)
            port = parts.port or 80
        except ValueError as error:
            raise ConfigurationError(f"--publish-at: {error}") from None
        if parts.scheme != "http" or not parts.hostname:
            raise ConfigurationError("--publish-at takes an address such as http://10.0.0.2:8080")
        controller = LocalController(own / "firmware", port=port, public_url=publish_at)
    return replace(
        configuration, log_directory=own / "logs", download_directory=own / "downloads", local_controller=controller
    )


def _check_known_hosts(file: Path | None) -> None:
    """That no station starts to trust nobody by mistake."""
    if file is None:
        return
    try:
        import asyncssh
    except ImportError:
        raise ConfigurationError("--known-hosts is for SFTP, which needs voltbridge[ftp]") from None
    try:
        asyncssh.read_known_hosts(str(file))
    except OSError as error:
        raise ConfigurationError(f"--known-hosts {file}: {error.strerror or error}") from None
    except ValueError as error:
        raise ConfigurationError(f"--known-hosts {file}: not as ssh-keyscan writes it: {error}") from None


async def _many(
    profile: FleetProfile,
    part: Part,
    url: str,
    ca_file: Path | None,
    data: Path | None,
    control_port: int | None,
    control_key: str | None,
    attached: bool,
) -> int:
    from voltbridge.cli.fleet_processes import standard_input_closed
    from voltbridge.clock import MachineSeconds
    from voltbridge.station.fleet import Fleet

    clock = _clock()
    ca = None if ca_file is None else str(ca_file)
    async with _stores(data, clock, part.file) as stores:
        fleet = Fleet(profile, url, clock, stores, MachineSeconds(clock), ca_file=ca, part=(part.number, part.of))
        _allow_connections(fleet.count)
        try:
            async with _control(lambda: fleet.stations, control_port, control_key):
                counting = asyncio.create_task(_count(fleet))
                try:
                    await fleet.start()
                    await (standard_input_closed() if attached else asyncio.Event().wait())
                finally:
                    counting.cancel()
        finally:
            await fleet.stop()
    return 0


async def _count(fleet: Fleet) -> None:
    """Say how many are connected whenever that has changed, but not all the time."""
    told = 0
    while True:
        connected = sum(each.online for each in fleet.stations)
        if connected != told:
            typer.echo(f"{connected} of {fleet.count} stations connected")
            told = connected
        await asyncio.sleep(_COUNT_EVERY_S)


async def _in_parts(
    what: list[str],
    processes: int,
    total: int,
    url: str,
    data: Path | None,
    control_port: int | None,
    control_key: str | None,
) -> int:
    from voltbridge.cli.fleet_processes import live_in_parts

    def arguments(part: Part) -> list[str]:
        made = ["station", "fleet", *what, "--url", url, "--part", str(part), "--attached"]
        if data is not None:
            made += ["--data", str(data)]
        if control_port is not None:
            made += ["--control-port", str(control_port + part.number - 1 if control_port else 0)]
        return made

    environment = dict(os.environ)
    if control_key is not None:  # not among the arguments, which every user of the machine can see
        environment["VOLTBRIDGE_CONTROL_KEY"] = control_key
    elif control_port is not None:
        environment["VOLTBRIDGE_CONTROL_KEY"] = secrets.token_urlsafe(24)
    return await live_in_parts(arguments, processes, total, environment=environment)


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


def _running(main: Coroutine[Any, Any, int]) -> int:
    """Run until it ends, or SIGINT or SIGTERM end it; the exit status."""
    import uvloop

    async def run() -> int:
        task: asyncio.Task[int] = asyncio.create_task(main)
        loop = asyncio.get_running_loop()
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(each, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            return await task
        return 0

    return uvloop.run(run())


@contextlib.asynccontextmanager
async def _stores(data: Path | None, clock: Clock, name: str = "stations.db") -> AsyncIterator[StationFile | None]:
    if data is None:
        yield None
        return
    try:
        file = await asyncio.to_thread(_opened, data / name, clock)
    except OSError as error:
        raise ConfigurationError(f"{data}: {error.strerror or error}") from None
    try:
        yield file
    finally:
        await file.close()


def _opened(path: Path, clock: Clock) -> StationFile:
    from voltbridge.storage.station import StationFile

    path.parent.mkdir(parents=True, exist_ok=True)
    return StationFile.open(path, clock)


@contextlib.asynccontextmanager
async def _control(stations: Callable[[], Iterable[Station]], port: int | None, key: str | None) -> AsyncIterator[None]:
    from voltbridge.station.control.api import control_api

    if port is None:
        yield
        return
    key = key or secrets.token_urlsafe(24)
    try:
        async with control_api(stations, port=port, key=key) as address:
            typer.echo(f"control API  {address}  (Authorization: Bearer {key})")
            yield
    except OSError as error:
        raise ConfigurationError(f"port {port} cannot be used for the control API: {error.strerror}") from None


def _clock() -> Clock:
    from voltbridge.station.clocks import clock_from

    try:
        return clock_from(os.environ.get("VOLTBRIDGE_CLOCK"))
    except ValueError as error:
        raise ConfigurationError(str(error)) from None


def _password(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        return file.read_text("utf-8").strip()
    except OSError as error:
        raise ConfigurationError(f"{file}: {error.strerror}") from None


def _log(*, quiet: bool) -> None:
    from voltbridge.log import configure

    configure(LogLevel.ERROR if quiet else LogLevel.INFO, LogFormat.CONSOLE)
