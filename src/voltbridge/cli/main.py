"""The ``voltbridge`` command and its subcommands."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from voltbridge import __version__
from voltbridge.cli.backup import backup, restore
from voltbridge.cli.database import database
from voltbridge.cli.events import events
from voltbridge.cli.export import export
from voltbridge.cli.station import station
from voltbridge.cli.up import up
from voltbridge.help_pages import WIDEST, HelpfulCommand, HelpfulGroup
from voltbridge.settings import ConfigurationError

__all__ = ["app", "main"]

app = typer.Typer(
    name="voltbridge",
    help="OCPP charging platform: a CSMS for every OCPP version, and the tools around it.\n\n"
    "Begin with:\n\n  voltbridge up --demo 3\n\nEach command tells more with --help.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    cls=HelpfulGroup,
    context_settings=dict(WIDEST),
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"voltbridge {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    pass


app.command("up", cls=HelpfulCommand)(up)
app.add_typer(database, name="db")
app.add_typer(events, name="events")
app.command("backup", cls=HelpfulCommand)(backup)
app.command("restore", cls=HelpfulCommand)(restore)
app.command("export", cls=HelpfulCommand)(export)
app.add_typer(station, name="station")


@app.command(
    "conformance",
    help="Run the conformance cases of OCPP 2.0.1 Part 6 and those for 1.6, and report what passed.",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
)
def _conformance(context: typer.Context) -> None:
    # The kit is large; it is loaded only when it is used.
    from voltbridge.conformance.cli import app as conformance

    conformance(context.args, prog_name="voltbridge conformance")


def main() -> None:
    """Run the command line; a mistake in the configuration ends it with one sentence and status 2."""
    try:
        app()
    except ConfigurationError as error:
        typer.echo(f"voltbridge: {error}", err=True)
        sys.exit(2)
