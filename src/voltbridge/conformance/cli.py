"""``voltbridge conformance``: run the cases, and report what passed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from voltbridge.clock import SystemClock
from voltbridge.conformance.case import CsmsCase
from voltbridge.conformance.catalogue import CATALOGUE, PROFILES, Part6Case, Role, cases_of
from voltbridge.conformance.configuration import Configuration, InvalidConfiguration, read_configuration
from voltbridge.conformance.csms.cases import CSMS_CASES
from voltbridge.conformance.drivers import CsmsDriver
from voltbridge.conformance.failure import DriverFailed
from voltbridge.conformance.features import FEATURES
from voltbridge.conformance.manual_driver import ManualCsms
from voltbridge.conformance.manual_station import ManualStation
from voltbridge.conformance.own_csms import own_csms
from voltbridge.conformance.own_station import CONFIGURATION as OWN_STATION
from voltbridge.conformance.own_station import own_station
from voltbridge.conformance.report import Count, InvalidReport, as_json, count, read_report, results
from voltbridge.conformance.rest_driver import RestCsms
from voltbridge.conformance.run import Outcome, Verdict, run_cases
from voltbridge.conformance.station.case import StationCase
from voltbridge.conformance.station.cases import STATION_CASES
from voltbridge.conformance.station.cases_16 import NOT_WRITTEN
from voltbridge.conformance.station.door import open_door
from voltbridge.conformance.station.run import run_cases as run_station_cases
from voltbridge.log import configure
from voltbridge.settings import LogFormat, LogLevel
from voltbridge.station.virtual_clock import VirtualClock
from voltbridge.station.virtual_clock import run as run_virtually

__all__ = ["app"]

_FAILED: Final = 1
_WRONG_USAGE: Final = 2
_NOTHING_RAN: Final = 3
_LARGEST_PORT: Final = 65_535
_Before = Callable[[CsmsCase | StationCase], None]
_After = Callable[[CsmsCase | StationCase, Outcome], None]

app = typer.Typer(
    help="Conformance tests: the cases of OCPP 2.0.1 Part 6, and such for 1.6, against any CSMS or charging station.",
    no_args_is_help=True,
)
_out = Console(highlight=False, soft_wrap=True)


@app.command()
def run(
    role: Annotated[Role, typer.Option(help="The role under test.")] = Role.CSMS,
    case: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID", help="Only this case, such as TC_B_01_CSMS, or TC_B_01_CS for a station. Can be repeated."
        ),
    ] = None,
    block: Annotated[
        list[str] | None, typer.Option(metavar="LETTER", help="Only this functional block, such as B. Can be repeated.")
    ] = None,
    profile: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only this profile, such as Core or '1.6 Core'. Can be repeated."),
    ] = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the results to this file.")] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="TOML file with what the kit and the system under test agree on."),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="The CSMS under test, such as ws://host:9000/ocpp; else our own is started for the run."
        ),
    ] = None,
    api: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="REST API of a Voltbridge CSMS, such as http://host:8080/api/v1; else you operate the CSMS.",
        ),
    ] = None,
    api_key_file: Annotated[Path | None, typer.Option(metavar="FILE", help="Holds the key for --api.")] = None,
    listen: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="Where the charging station under test connects to; else a virtual one of ours is started.",
        ),
    ] = None,
    timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", min=0.01, help="How long an answer may take.")
    ] = None,
) -> None:
    """Run cases and say which passed.

    Exit status: 0 every case that ran has passed, 1 one has failed, 2 wrong usage or no such CSMS, 3 no case ran.

    Examples:

      voltbridge conformance run

      voltbridge conformance run --block E --block J --json results.json

      voltbridge conformance run --url ws://csms.example.com:9000/ocpp --config kit.toml

      voltbridge conformance run --role station

      voltbridge conformance run --role station --profile "1.6 Core"

      voltbridge conformance run --role station --listen 0.0.0.0:9000 --config kit.toml --block G
    """
    selected = _select(role, case or [], block or [], profile or [])
    _fits_role(role, url=url, api=api, api_key_file=api_key_file, listen=listen)
    configuration = _configuration(config, timeout, _default(role, listen))
    if json is not None and not json.resolve().parent.is_dir():
        raise typer.BadParameter(f"{json.parent} is no directory", param_hint="--json")
    ids = [one.id for one in selected]
    if role is Role.STATION:
        outcomes = _run_station([STATION_CASES[one] for one in ids if one in STATION_CASES], configuration, listen)
        written = sum(one in STATION_CASES for one in ids)
    else:
        driver = _driver(url, api, api_key_file, configuration)
        outcomes = _run([CSMS_CASES[one] for one in ids if one in CSMS_CASES], configuration, driver)
        written = sum(one in CSMS_CASES for one in ids)
    if json is not None:
        _write(json, as_json(results(role, outcomes)))
    for one in ids:
        if one in NOT_WRITTEN:
            _out.print(f"not run  {one}: {escape(NOT_WRITTEN[one])}")
    missing = len(selected) - written
    if missing:
        _out.print(f"{missing} of {len(selected)} selected cases not run: no case written yet")
    passed = sum(outcome.verdict is Verdict.PASSED for outcome in outcomes)
    failed = sum(outcome.verdict is Verdict.FAILED for outcome in outcomes)
    _out.print(f"{passed} passed, {failed} failed, {len(selected) - passed - failed} not run")
    if failed:
        raise typer.Exit(_FAILED)
    if not passed:
        raise typer.Exit(_NOTHING_RAN)


@app.command()
def report(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Files of earlier runs; without any, all cases are run now.")
    ] = None,
) -> None:
    """Print how many cases passed, by profile and block. What did not run counts as not passed."""
    cases: dict[str, str] = {}
    try:
        for file in files or []:
            cases |= read_report(file)
    except InvalidReport as error:
        raise _wrong(str(error)) from None
    if not files:
        configuration = _configuration(None, None, Configuration())
        outcomes = _run(list(CSMS_CASES.values()), configuration, _own_csms(configuration))
        stations = _run_station(list(STATION_CASES.values()), _configuration(None, None, OWN_STATION), None)
        cases = results(Role.CSMS, outcomes) | results(Role.STATION, stations)
    for role in Role:
        of_role = {case_id: result for case_id, result in cases.items() if CATALOGUE[case_id].role is role}
        if of_role:
            _out.print(_table(role, of_role))


def _select(role: Role, cases: list[str], blocks: list[str], profiles: list[str]) -> list[Part6Case]:
    """The cases of the role that are named, in one of the blocks and in one of the profiles, where these are given."""
    for case_id in cases:
        if case_id not in CATALOGUE:
            near = get_close_matches(case_id, CATALOGUE, n=5, cutoff=0.5)
            similar = (
                f"; there are {', '.join(near)}" if near else ": ids are like TC_B_01_CSMS or TC16_B_Boot_PowerUp_CS"
            )
            raise typer.BadParameter(f"there is no case {case_id}{similar}", param_hint="--case")
        if CATALOGUE[case_id].role is not role:
            raise typer.BadParameter(f"{case_id} tests the other role: give --role", param_hint="--case")
    for block in blocks:
        if block not in {one.block for one in CATALOGUE.values()}:
            raise typer.BadParameter(f"there is no block {block}: give a letter from A to P", param_hint="--block")
    for profile in profiles:
        if profile not in PROFILES:
            raise typer.BadParameter(f"there is no profile {profile}: {', '.join(PROFILES)}", param_hint="--profile")
    return [
        one
        for one in cases_of(role)
        if (not cases or one.id in cases)
        and (not blocks or one.block in blocks)
        and (not profiles or not one.profiles.keys().isdisjoint(profiles))
    ]


def _fits_role(role: Role, *, listen: str | None, **of_csms: object) -> None:
    """Options that belong to the other role are wrong usage."""
    if role is Role.CSMS and listen is not None:
        raise typer.BadParameter("--listen is for --role station", param_hint="--listen")
    for name, value in of_csms.items():
        if role is Role.STATION and value is not None:
            hint = f"--{name.replace('_', '-')}"
            raise typer.BadParameter(f"{hint} is for --role csms", param_hint=hint)


def _default(role: Role, listen: str | None) -> Configuration:
    return OWN_STATION if role is Role.STATION and listen is None else Configuration()


def _configuration(file: Path | None, timeout_s: float | None, default: Configuration) -> Configuration:
    try:
        configuration = default if file is None else read_configuration(file)
    except InvalidConfiguration as error:
        raise _wrong(str(error)) from None
    if timeout_s is None:
        return configuration
    return msgspec.structs.replace(configuration, message_timeout_s=timeout_s)


def _driver(
    url: str | None, api: str | None, api_key_file: Path | None, configuration: Configuration
) -> AbstractAsyncContextManager[CsmsDriver]:
    if url is not None and not url.startswith(("ws://", "wss://")):
        raise typer.BadParameter("must be like ws://host:9000/ocpp", param_hint="--url")
    if url is None:
        if api is not None or api_key_file is not None:
            raise typer.BadParameter("--api needs --url", param_hint="--api")
        return _own_csms(configuration)
    if api is None:
        return nullcontext(ManualCsms(url, _out.print, _out.input))
    if api_key_file is None:
        raise typer.BadParameter("--api needs --api-key-file", param_hint="--api")
    try:
        key = api_key_file.read_text("utf-8").strip()
    except OSError as error:
        raise _wrong(f"{api_key_file}: {error.strerror}") from None
    return RestCsms(url, api, key, timeout_s=configuration.message_timeout_s)


def _own_csms(configuration: Configuration) -> AbstractAsyncContextManager[CsmsDriver]:
    # Whatever it warns of is about the wrong things the cases do on purpose.
    configure(LogLevel.ERROR, LogFormat.CONSOLE)
    return own_csms(timeout_s=configuration.message_timeout_s)


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, "utf-8")
    except OSError as error:
        raise _wrong(f"{file}: {error.strerror}") from None


def _run(
    cases: list[CsmsCase], configuration: Configuration, driver: AbstractAsyncContextManager[CsmsDriver]
) -> list[Outcome]:
    """Run the cases with a line for each; nothing at all when there are none."""
    if not cases:
        return []
    # A person who is asked things needs the line the bar would take.
    with _progress(len(cases), shown=not isinstance(driver, nullcontext)) as (before, after):

        async def play() -> list[Outcome]:
            async with driver as csms:
                return await run_cases(cases, configuration, csms, SystemClock(), before=before, after=after)

        try:
            return asyncio.run(play())
        except DriverFailed as error:
            raise _wrong(str(error)) from None


def _run_station(cases: list[StationCase], configuration: Configuration, listen: str | None) -> list[Outcome]:
    """The same for the cases that test a station: ours, in virtual time, or one that connects to ``listen``."""
    if not cases:
        return []
    # Whatever it warns of is about the wrong things the cases do on purpose.
    configure(LogLevel.ERROR, LogFormat.CONSOLE)
    with _progress(len(cases), shown=listen is None) as (before, after):

        async def ours(clock: VirtualClock) -> list[Outcome]:
            async with open_door() as door, own_station(clock) as station:
                return await run_station_cases(cases, configuration, station, door, clock, before=before, after=after)

        async def anybody(host: str, port: int) -> list[Outcome]:
            station = ManualStation(_out.print, _out.input)
            async with open_door(host, port) as door:
                return await run_station_cases(
                    cases, configuration, station, door, SystemClock(), before=before, after=after
                )

        if listen is None:
            return run_virtually(ours)
        try:
            return asyncio.run(anybody(*_address(listen)))
        except OSError as error:
            raise _wrong(f"cannot listen on {listen}: {error.strerror or error}") from None


def _address(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal() or int(port) > _LARGEST_PORT:
        raise typer.BadParameter("must be like 0.0.0.0:9000", param_hint="--listen")
    return host.strip("[]"), int(port)


@contextmanager
def _progress(total: int, *, shown: bool) -> Iterator[tuple[_Before, _After]]:
    """What to call before and after each case: a bar on a terminal, and a line for each case; without the bar, which
    would stand in the way of a person who is asked things, a line when a case begins as well.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=_out, transient=True, disable=not (shown and _out.is_terminal)) as progress:
        task = progress.add_task("", total=total)

        def before(case: CsmsCase | StationCase) -> None:
            progress.update(task, description=case.part6.id)
            if not shown:
                _out.print(f"running  {case.part6.id:13} {escape(case.title)}")

        def after(case: CsmsCase | StationCase, outcome: Outcome) -> None:
            progress.advance(task)
            for line in _lines(case, outcome):
                _out.print(line)

        yield before, after


def _lines(case: CsmsCase | StationCase, outcome: Outcome) -> Iterable[str]:
    """What is said of a case: one line, and of a failure all that led to it."""
    colour = {Verdict.PASSED: "green", Verdict.FAILED: "red", Verdict.NOT_RUN: "yellow"}[outcome.verdict]
    yield f"[{colour}]{outcome.verdict:8}[/] {case.part6.id:13} {escape(case.title)}"
    if outcome.verdict is Verdict.NOT_RUN:
        yield f"         {escape(outcome.reason)}"
    if outcome.verdict is not Verdict.FAILED:
        return
    if outcome.failure is None:
        yield f"         {escape(outcome.reason)}"
    else:
        yield f"         step      {escape(outcome.failure.step)}"
        yield f"         expected  {escape(outcome.failure.expected)}"
        yield f"         received  {escape(outcome.failure.received)}"
    for entry in outcome.transcript or []:
        yield f"         [dim]{escape(str(entry))}[/]"


@app.command()
def features() -> None:
    """Print what ``features`` in the kit's configuration can say of a charging station.

    Example, in kit.toml:

      features = ["cable lock", "reset of an EVSE"]
    """
    table = Table(show_header=False, box=None)
    for name, meaning in FEATURES.items():
        table.add_row(escape(name), escape(meaning))
    _out.print(table)


def _table(role: Role, cases: Mapping[str, str]) -> Table:
    table = Table(title=f"Role {role}", title_justify="left")
    table.add_column("Profile")
    table.add_column("Block")
    for column in ("Mandatory", "Conditional", "Failed", "Not run"):
        table.add_column(column, justify="right")
    for profile in PROFILES:
        blocks = sorted({CATALOGUE[one].block for one in cases if profile in CATALOGUE[one].profiles})
        for block in blocks:
            table.add_row(profile, block, *_cells(count(cases, profile, block)))
        table.add_row(f"[bold]{profile}[/]", "all", *_cells(count(cases, profile)), end_section=True)
    return table


def _cells(counted: Count) -> tuple[str, str, str, str]:
    return (
        f"{counted.passed}/{counted.mandatory}",
        f"{counted.conditional_passed}/{counted.conditional}",
        str(counted.failed),
        str(counted.not_run),
    )


def _wrong(text: str) -> typer.Exit:
    Console(stderr=True, highlight=False, soft_wrap=True).print(f"voltbridge: {escape(text)}")
    return typer.Exit(_WRONG_USAGE)
