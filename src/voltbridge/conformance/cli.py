"""``voltbridge conformance``: run the cases, and report what passed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from voltbridge.clock import SystemClock
from voltbridge.conformance.catalogue import CATALOGUE, PROFILES, Part6Case, Role
from voltbridge.conformance.configuration import PATIENT, Configuration, InvalidConfiguration, read_configuration
from voltbridge.conformance.csms.cases import CSMS_CASES
from voltbridge.conformance.example import example
from voltbridge.conformance.failure import DriverFailed
from voltbridge.conformance.features import FEATURES
from voltbridge.conformance.junit import as_junit
from voltbridge.conformance.own_station import CONFIGURATION as OWN_STATION
from voltbridge.conformance.pages import SUFFIXES, About, as_page
from voltbridge.conformance.programs import InvalidProgram, skeleton
from voltbridge.conformance.report import Count, InvalidReport, as_json, count, read_report, results
from voltbridge.conformance.run import Outcome, Verdict
from voltbridge.conformance.selection import WrongSelection, selected
from voltbridge.conformance.station.authorities import InvalidAuthorities, authorities_in
from voltbridge.conformance.station.cases import STATION_CASES
from voltbridge.conformance.station.cases_16 import NOT_WRITTEN
from voltbridge.conformance.targets import Hands, address, run_csms, run_station
from voltbridge.conformance.watching import watching
from voltbridge.help_pages import WIDEST, HelpfulCommand, HelpfulGroup

__all__ = ["app"]

_FAILED: Final = 1
_WRONG_USAGE: Final = 2
_LAST_PORT: Final = 65_535
_NOTHING_RAN: Final = 3
_INTERRUPTED: Final = 130
_CASES: Final = "Which cases"
_TESTED: Final = "The system under test"
_RESULTS: Final = "Results"

app = typer.Typer(
    help="Conformance tests: the cases of OCPP 2.0.1 Part 6, and such for 1.6, against any CSMS or charging station."
    "\n\nExamples:\n\n  voltbridge conformance run --block C\n\n  voltbridge conformance run --role station",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    cls=HelpfulGroup,
    context_settings=dict(WIDEST),
)
_out = Console(highlight=False, soft_wrap=True)


@app.command(cls=HelpfulCommand)
def run(
    role: Annotated[Role, typer.Option(rich_help_panel=_CASES, help="The role under test.")] = Role.CSMS,
    case: Annotated[
        list[str] | None,
        typer.Option(
            rich_help_panel=_CASES,
            metavar="ID",
            help="Only this case, such as TC_B_01_CSMS, or TC_B_01_CS for a station. Can be repeated.",
        ),
    ] = None,
    block: Annotated[
        list[str] | None,
        typer.Option(
            rich_help_panel=_CASES, metavar="LETTER", help="Only this functional block, such as B. Can be repeated."
        ),
    ] = None,
    profile: Annotated[
        list[str] | None,
        typer.Option(
            rich_help_panel=_CASES,
            metavar="NAME",
            help="Only this profile, such as Core or '1.6 Core'. Can be repeated.",
        ),
    ] = None,
    failed_from: Annotated[
        Path | None,
        typer.Option(
            rich_help_panel=_CASES,
            metavar="FILE",
            help="Only what failed in this file of an earlier run (--json); the results of the others are kept.",
        ),
    ] = None,
    json: Annotated[
        Path | None, typer.Option(rich_help_panel=_RESULTS, metavar="FILE", help="Write the results to this file.")
    ] = None,
    junit: Annotated[
        Path | None,
        typer.Option(rich_help_panel=_RESULTS, metavar="FILE", help="Write them as JUnit XML, for CI servers."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            rich_help_panel=_RESULTS,
            metavar="FILE",
            help="Write a page to read, with all frames of what failed: FILE ends with .md or .html.",
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            rich_help_panel=_TESTED,
            metavar="FILE",
            help="TOML file with what the kit and the system under test agree on; see voltbridge conformance "
            "configuration.",
        ),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=_TESTED,
            metavar="URL",
            help="The CSMS under test, such as ws://host:9000/ocpp; else our own is started for the run.",
        ),
    ] = None,
    listen: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=_TESTED,
            metavar="HOST:PORT",
            help="Where the charging station under test connects to; else a virtual one of ours is started.",
        ),
    ] = None,
    listen_tls: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=_TESTED,
            metavar="HOST:PORT",
            help="Where it connects to with TLS (wss), in the cases about that: at this port, and at the next one. "
            "The kit's certificates are for HOST.",
        ),
    ] = None,
    ca: Annotated[
        Path | None,
        typer.Option(
            rich_help_panel=_TESTED,
            metavar="DIR",
            help="Your authorities for --listen-tls, each with its key: old-root.pem and old-root.key, new-root.pem "
            "and new-root.key, the new one signed by the old. Made there if there are none. Before such cases "
            "old-root.pem has to be the station's only root certificate for a CSMS.",
        ),
    ] = None,
    driver: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=_TESTED,
            metavar="FILE|URL",
            help="Your program that drives it: a Python file, or a webhook; see voltbridge conformance driver. "
            "Without one, you do it by hand.",
        ),
    ] = None,
    ask: Annotated[
        bool,
        typer.Option(
            "--ask",
            rich_help_panel=_TESTED,
            help="Have a person do what the driver does not know; else such cases do not run.",
        ),
    ] = False,
    api: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=_TESTED,
            metavar="URL",
            help="REST API of a Voltbridge CSMS, such as http://host:8080/api/v1, as driver.",
        ),
    ] = None,
    api_key_file: Annotated[
        Path | None,
        typer.Option(
            rich_help_panel=_TESTED, metavar="FILE", help="Holds the key for --api, or for a webhook as --driver."
        ),
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(rich_help_panel=_TESTED, metavar="SECONDS", min=0.01, help="How long an answer may take."),
    ] = None,
) -> None:
    """Run cases and say which passed.

    Exit status: 0 every case that ran has passed, 1 one has failed, 2 wrong usage or no such CSMS, 3 no case ran,
    130 interrupted. What ran until then is written to the files as well.

    Examples:

      voltbridge conformance run

      voltbridge conformance run --block E --block J --json results.json --junit junit.xml --report results.html

      voltbridge conformance run --failed-from results.json --json results.json

      voltbridge conformance run --url ws://csms.example.com:9000/ocpp --config kit.toml --driver my_csms.py

      voltbridge conformance run --role station

      voltbridge conformance run --role station --profile "1.6 Core"

      voltbridge conformance run --role station --listen 0.0.0.0:9000 --config kit.toml --block G

      voltbridge conformance run --role station --listen 0.0.0.0:9000 --listen-tls 0.0.0.0:9443 --ca ./authorities
    """
    chosen, before = _chosen(role, case or [], block or [], profile or [], failed_from)
    _fits_role(role, url=url, api=api, listen=listen)
    secure = _secure(listen, listen_tls, ca)
    hands = replace(_hands(url, listen, api, driver, api_key_file, ask=ask), **secure)
    configuration = _configuration(config, timeout, _default(role, hands))
    for option, file in (("--json", json), ("--junit", junit), ("--report", report)):
        _writable(option, file)
    ids = [one.id for one in chosen]
    outcomes, interrupted = _run(role, ids, configuration, hands)
    passed = sum(outcome.verdict is Verdict.PASSED for outcome in outcomes)
    failed = sum(outcome.verdict is Verdict.FAILED for outcome in outcomes)
    written = STATION_CASES if role is Role.STATION else CSMS_CASES
    others = dict(before)
    if interrupted:
        ran = {outcome.case_id for outcome in outcomes}
        others |= {one: "not run: interrupted" for one in ids if one in written and one not in ran}
    said = results(role, outcomes, others)
    titles = {
        one: CSMS_CASES[one].title if role is Role.CSMS else STATION_CASES[one].title for one in ids if one in written
    }
    _write(json, as_json(said))
    _write(junit, as_junit(role, outcomes, titles))
    if report is not None:
        _write(report, as_page(report, About(role, hands.target, SystemClock().now()), outcomes, titles, said))
    for one in ids:
        if one in NOT_WRITTEN:
            _out.print(f"not run  {one}: {escape(NOT_WRITTEN[one])}")
    missing = sum(one not in written for one in ids)
    if missing:
        _out.print(f"{missing} of {len(ids)} selected cases not run: no case written yet")
    if interrupted:
        _out.print("interrupted")
    _out.print(f"{passed} passed, {failed} failed, {len(ids) - passed - failed} not run")
    if interrupted:
        raise typer.Exit(_INTERRUPTED)
    if failed:
        raise typer.Exit(_FAILED)
    if not passed:
        raise typer.Exit(_NOTHING_RAN)


@app.command(cls=HelpfulCommand)
def report(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE", help="Files of earlier runs (--json); without any, all cases are run now."),
    ] = None,
) -> None:
    """Print how many cases passed, by profile and block. What did not run counts as not passed.

    Example:

      voltbridge conformance report csms.json station.json
    """
    cases: dict[str, str] = {}
    for file in files or []:
        cases |= _read(file)
    if not files:
        for role, written in ((Role.CSMS, CSMS_CASES), (Role.STATION, STATION_CASES)):
            hands = _hands(None, None, None, None, None, ask=False)
            outcomes, interrupted = _run(role, list(written), _default(role, hands), hands)
            if interrupted:
                raise typer.Exit(_INTERRUPTED)
            cases |= results(role, outcomes)
    for role in Role:
        of_role = {case_id: result for case_id, result in cases.items() if CATALOGUE[case_id].role is role}
        if of_role:
            _out.print(_table(role, of_role))


@app.command(cls=HelpfulCommand)
def features() -> None:
    """Print what `features` in the kit's configuration can say of a charging station.

    Example, in kit.toml:

      features = ["cable lock", "reset of an EVSE"]
    """
    table = Table(show_header=False, box=None)
    for name, meaning in FEATURES.items():
        table.add_row(escape(name), escape(meaning))
    _out.print(table)


@app.command(cls=HelpfulCommand)
def configuration(
    role: Annotated[Role, typer.Option(help="The role under test.")] = Role.CSMS,
) -> None:
    """Print a configuration file to begin with: every key, what it means, and what holds when it is left out.

    Example:

      voltbridge conformance configuration --role station > kit.toml
    """
    typer.echo(example(PATIENT if role is Role.STATION else Configuration()), nl=False)


@app.command(cls=HelpfulCommand)
def driver(
    role: Annotated[Role, typer.Option(help="The role under test.")] = Role.CSMS,
) -> None:
    """Print a Python file to begin with: every function by which the kit can have your system driven (--driver).

    The same by HTTP: POST to your webhook with {"do": NAME, ...arguments}; answer 200, with {"answer": true} or
    {"answer": false} to questions, or 501 for what it does not know.

    Example:

      voltbridge conformance driver --role csms > my_csms.py
    """
    typer.echo(skeleton(role), nl=False)


def _chosen(
    role: Role, cases: list[str], blocks: list[str], profiles: list[str], failed_from: Path | None
) -> tuple[list[Part6Case], Mapping[str, str]]:
    """The cases to run, and the results there are of others."""
    try:
        chosen = selected(role, cases, blocks, profiles)
    except WrongSelection as error:
        raise typer.BadParameter(str(error), param_hint=error.option) from None
    if failed_from is None:
        return chosen, {}
    earlier = _read(failed_from)
    if not any(CATALOGUE[one].role is role for one in earlier):
        raise _wrong(f"{failed_from} is about the other role: give --role")
    chosen = [one for one in chosen if earlier.get(one.id) == "failed"]
    if not chosen:
        _out.print(f"nothing to run again: none of these cases failed in {escape(str(failed_from))}")
        raise typer.Exit
    return chosen, earlier


def _read(file: Path) -> dict[str, str]:
    try:
        return read_report(file)
    except InvalidReport as error:
        raise _wrong(str(error)) from None


def _fits_role(role: Role, *, listen: str | None, **of_csms: object) -> None:
    """Options that belong to the other role are wrong usage."""
    if role is Role.CSMS and listen is not None:
        raise typer.BadParameter("--listen is for --role station", param_hint="--listen")
    for name, value in of_csms.items():
        if role is Role.STATION and value is not None:
            hint = f"--{name.replace('_', '-')}"
            raise typer.BadParameter(f"{hint} is for --role csms", param_hint=hint)


def _hands(
    url: str | None, listen: str | None, api: str | None, driver: str | None, key_file: Path | None, *, ask: bool
) -> Hands:
    if url is not None and not url.startswith(("ws://", "wss://")):
        raise typer.BadParameter("must be like ws://host:9000/ocpp", param_hint="--url")
    where = None if listen is None else address(listen)
    if listen is not None and where is None:
        raise typer.BadParameter("must be like 0.0.0.0:9000", param_hint="--listen")
    for option, value in (("--api", api), ("--driver", driver)):
        if value is not None and url is None and where is None:
            needed = "--url" if option == "--api" else "--url or --listen: our own CSMS and station drive themselves"
            raise typer.BadParameter(f"{option} needs {needed}", param_hint=option)
    if api is not None and driver is not None:
        raise typer.BadParameter("--api is a driver already", param_hint="--driver")
    if api is not None and key_file is None:
        raise typer.BadParameter("--api needs --api-key-file", param_hint="--api")
    if key_file is not None and api is None and not (driver or "").startswith("http"):
        raise typer.BadParameter("it is for --api, or for a webhook as --driver", param_hint="--api-key-file")
    if ask and driver is None:
        raise typer.BadParameter("--ask is for what a --driver does not know", param_hint="--ask")
    try:
        key = None if key_file is None else key_file.read_text("utf-8").strip()
    except OSError as error:
        raise _wrong(f"{key_file}: {error.strerror}") from None
    return Hands(_out.print, _out.input, url, where, api, driver, key, person=ask)


def _secure(listen: str | None, listen_tls: str | None, ca: Path | None) -> dict[str, Any]:
    """What endpoints with TLS need, as fields of ``Hands``."""
    if listen_tls is None and ca is None:
        return {}
    hint = "--ca" if listen_tls is None else "--listen-tls"
    if listen is None:
        raise typer.BadParameter("it is for a station that connects to --listen", param_hint=hint)
    if listen_tls is None or ca is None:
        raise typer.BadParameter("--listen-tls and --ca need each other", param_hint=hint)
    where = address(listen_tls)
    if where is None or where[1] == _LAST_PORT:
        raise typer.BadParameter("must be like 0.0.0.0:9443, with a port behind it", param_hint=hint)
    try:
        return {"listen_tls": where, "authorities": authorities_in(ca)}
    except InvalidAuthorities as error:
        raise typer.BadParameter(str(error), param_hint="--ca") from None


def _default(role: Role, hands: Hands) -> Configuration:
    if role is Role.CSMS:
        return Configuration()
    return PATIENT if hands.foreign else OWN_STATION


def _configuration(file: Path | None, timeout_s: float | None, default: Configuration) -> Configuration:
    try:
        configuration = default if file is None else read_configuration(file, default)
    except InvalidConfiguration as error:
        raise _wrong(str(error)) from None
    if timeout_s is None:
        return configuration
    return msgspec.structs.replace(configuration, message_timeout_s=timeout_s)


def _run(role: Role, ids: list[str], configuration: Configuration, hands: Hands) -> tuple[list[Outcome], bool]:
    """Run those of the cases that are written, with a line for each; the outcomes, and whether it was interrupted."""
    of_csms = [CSMS_CASES[one] for one in ids if one in CSMS_CASES]
    of_stations = [STATION_CASES[one] for one in ids if one in STATION_CASES]
    with watching(_out, len(of_csms) + len(of_stations), SystemClock(), foreign=hands.foreign) as watch:
        try:
            if of_csms:
                run_csms(of_csms, configuration, hands, watch)
            if of_stations:
                run_station(of_stations, configuration, hands, watch)
        except (DriverFailed, InvalidProgram) as error:
            raise _wrong(str(error)) from None
        except OSError as error:
            raise _wrong(f"cannot listen for {hands.target}: {error.strerror or error}") from None
        except KeyboardInterrupt:
            return watch.outcomes, True
    return watch.outcomes, False


def _writable(option: str, file: Path | None) -> None:
    """What cannot be written is wrong usage before the run, not after it."""
    if file is None:
        return
    if not file.resolve().parent.is_dir():
        raise typer.BadParameter(f"{file.parent} is no directory", param_hint=option)
    if option == "--report" and file.suffix.lower() not in SUFFIXES:
        raise typer.BadParameter(f"{file} ends with none of {', '.join(SUFFIXES)}", param_hint=option)


def _write(file: Path | None, text: str) -> None:
    if file is None:
        return
    try:
        file.write_text(text, "utf-8")
    except OSError as error:
        raise _wrong(f"{file}: {error.strerror}") from None


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
