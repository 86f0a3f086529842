"""``voltbridge station``: virtual charging stations. Here is ``run``, one to play with; ``fleet`` has many."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import msgspec
import typer

from voltbridge.cli.fleet import fleet
from voltbridge.cli.station_options import (
    CONTROL,
    FILES,
    LOCAL_CSMS,
    SERVERS,
    CaFile,
    ControlKey,
    ControlPort,
    Data,
    KnownHosts,
    Personality,
    Url,
)
from voltbridge.cli.station_process import control, log_to_console, running, station_clock, station_stores
from voltbridge.help_pages import HelpfulCommand, HelpfulGroup
from voltbridge.settings import ConfigurationError

if TYPE_CHECKING:
    from voltbridge.station.configuration import StationConfiguration
    from voltbridge.station.fleet_profile import FleetProfile

__all__ = ["station"]

station = typer.Typer(
    help="Virtual charging stations, for any CSMS.\n\nExamples:\n\n  voltbridge station run CP-7\n\n"
    "  voltbridge station fleet --count 100",
    no_args_is_help=True,
    cls=HelpfulGroup,
)

_WHAT_IS_WRONG = {
    "name": "an identity has 1 to 36 of these characters: A to Z, a to z, 0 to 9 and * - _ = + | @ .",
    "password": "--password-file: a password has 16 to 40 characters",
}


@station.command("run", cls=HelpfulCommand)
def run(
    identity: Annotated[
        str, typer.Argument(metavar="IDENTITY", help="The identity the station connects with.")
    ] = "CP-1",
    url: Url = LOCAL_CSMS,
    version: Annotated[
        list[str] | None,
        typer.Option("--version", metavar="VERSION", help="1.6, 2.0.1 or 2.1; can be repeated, best first."),
    ] = None,
    evses: Annotated[
        int | None, typer.Option(metavar="N", min=1, max=9, help="How many EVSEs it has.", show_default="1")
    ] = None,
    personality: Personality = None,
    password_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", rich_help_panel=SERVERS, help="Holds the password for HTTP Basic authentication."),
    ] = None,
    ca_file: CaFile = None,
    token: Annotated[
        str, typer.Option(metavar="TOKEN", rich_help_panel=CONTROL, help="The idToken that the key s shows.")
    ] = "04A1B2C3D4E501",
    data: Data = None,
    control_port: ControlPort = None,
    control_key: ControlKey = None,
    scenario: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            rich_help_panel=CONTROL,
            help="Play this scenario (YAML), then end; one is in README.md under Charging stations.",
        ),
    ] = None,
    view: Annotated[
        bool,
        typer.Option(rich_help_panel=CONTROL, help="Show the station in the terminal, with keys to play driver."),
    ] = True,
    publish_at: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            rich_help_panel=FILES,
            help="Publish firmware for other stations at this address (http://10.0.0.2:8080); needs --data.",
        ),
    ] = None,
    known_hosts: KnownHosts = None,
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
    seen = view and scenario is None and sys.stdin.isatty() and sys.stdout.isatty()
    log_to_console(quiet=seen)
    code = running(
        _one(profile, url, ca_file, token, data, publish_at, known_hosts, control_port, control_key, scenario, seen)
    )
    raise typer.Exit(code)


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
    clock = station_clock()
    async with contextlib.AsyncExitStack() as parts:
        network = await parts.enter_async_context(Network(MachineSeconds(clock)))
        (configuration,) = configurations(profile, url, None if ca_file is None else str(ca_file))
        configuration = replace(_with_files(configuration, data, publish_at), known_hosts=known_hosts)
        stores = await parts.enter_async_context(station_stores(data, clock))
        store = None if stores is None else stores.store(configuration.identity)
        station = Station(configuration, store=store, network=network, clock=clock)
        screen = Screen(station, token)
        network.watch = lambda _, sent, frame: screen.frame(sent, frame)
        await parts.enter_async_context(station)
        await parts.enter_async_context(control(lambda: [station], control_port, control_key))
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
    from voltbridge.station.own_files import OwnFiles

    if data is None:
        if publish_at is not None:
            raise ConfigurationError("--publish-at needs --data DIR, where what is published is kept")
        return configuration
    files = OwnFiles(data)
    controller = None
    if publish_at is not None:
        try:
            parts = urlsplit(publish_at)
            port = parts.port or 80
        except ValueError as error:
            raise ConfigurationError(f"--publish-at: {error}") from None
        if parts.scheme != "http" or not parts.hostname:
            raise ConfigurationError("--publish-at takes an address such as http://10.0.0.2:8080")
        controller = LocalController(files.of(configuration.identity) / "firmware", port=port, public_url=publish_at)
    return replace(files.given_to(configuration), local_controller=controller)


def _password(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        return file.read_text("utf-8").strip()
    except OSError as error:
        raise ConfigurationError(f"{file}: {error.strerror}") from None


station.command("fleet", cls=HelpfulCommand)(fleet)
