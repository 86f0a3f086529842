"""``voltbridge conformance``: run the cases, and report what passed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
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
from voltbridge.conformance.manual_driver import ManualCsms
from voltbridge.conformance.own_csms import own_csms
from voltbridge.conformance.report import Count, InvalidReport, as_json, count, read_report, results
from voltbridge.conformance.rest_driver import RestCsms
from voltbridge.conformance.run import Outcome, Verdict, run_cases
from voltbridge.log import configure
from voltbridge.settings import LogFormat, LogLevel

__all__ = ["app"]

_FAILED: Final = 1
_WRONG_USAGE: Final = 2
_NOTHING_RAN: Final = 3

app = typer.Typer(
    help="Conformance tests: the cases of OCPP 2.0.1 Part 6, against our own or any other CSMS.", no_args_is_help=True
)
_out = Console(highlight=False, soft_wrap=True)


@app.command()
def run(
    role: Annotated[Role, typer.Option(help="The role under test.")] = Role.CSMS,
    case: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Only this case, such as TC_B_01_CSMS. Can be repeated.")
    ] = None,
    block: Annotated[
        list[str] | None, typer.Option(metavar="LETTER", help="Only this functional block, such as B. Can be repeated.")
    ] = None,
    profile: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this profile, such as Core. Can be repeated.")
    ] = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the results to this file.")] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="TOML file with what the kit and the CSMS agree on.")
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
    """
    selected = _select(role, case or [], block or [], profile or [])
    configuration = _configuration(config, timeout)
    if json is not None and not json.resolve().parent.is_dir():
        raise typer.BadParameter(f"{json.parent} is no directory", param_hint="--json")
    written = [CSMS_CASES[one.id] for one in selected if one.id in CSMS_CASES]
    outcomes = _run(written, configuration, _driver(url, api, api_key_file, configuration))
    if json is not None:
        _write(json, as_json(results(role, outcomes)))
    missing = len(selected) - len(written)
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
        configuration = _configuration(None, None)
        outcomes = _run(list(CSMS_CASES.values()), configuration, _own_csms(configuration))
        cases = results(Role.CSMS, outcomes) | results(Role.STATION, [])
    for role in Role:
        of_role = {case_id: result for case_id, result in cases.items() if CATALOGUE[case_id].role is role}
        if of_role:
            _out.print(_table(role, of_role))


def _select(role: Role, cases: list[str], blocks: list[str], profiles: list[str]) -> list[Part6Case]:
    """The cases of the role that are named, in one of the blocks and in one of the profiles, where these are given."""
    for case_id in cases:
        if case_id not in CATALOGUE:
            raise typer.BadParameter(f"Part 6 has no case {case_id}", param_hint="--case")
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


def _configuration(file: Path | None, timeout_s: float | None) -> Configuration:
    try:
        configuration = Configuration() if file is None else read_configuration(file)
    except InvalidConfiguration as error:
        raise _wrong(str(error)) from None
    if timeout_s is None:
        return configuration
    return msgspec.structs.replace(configuration, message_timeout_s=timeout_s)


def _driver(
    url: str | None, api: str | None, api_key_file: Path | None, configuration: Configuration
) -> AbstractAsyncContextManager[CsmsDriver]:
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
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    # A person who is asked things needs the line the bar would take.
    quiet = not _out.is_terminal or isinstance(driver, nullcontext)
    with Progress(*columns, console=_out, transient=True, disable=quiet) as progress:
        task = progress.add_task("", total=len(cases))

        def before(case: CsmsCase) -> None:
            progress.update(task, description=case.part6.id)

        def after(case: CsmsCase, outcome: Outcome) -> None:
            progress.advance(task)
            for line in _lines(case, outcome):
                _out.print(line)

        async def play() -> list[Outcome]:
            async with driver as csms:
                return await run_cases(cases, configuration, csms, SystemClock(), before=before, after=after)

        try:
            return asyncio.run(play())
        except DriverFailed as error:
            raise _wrong(str(error)) from None


def _lines(case: CsmsCase, outcome: Outcome) -> Iterable[str]:
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
