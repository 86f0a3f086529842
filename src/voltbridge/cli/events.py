"""``voltbridge events``: what the server can tell."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated, Any

import typer

from voltbridge.help_pages import HelpfulCommand, HelpfulGroup
from voltbridge.settings import ConfigurationError

__all__ = ["Format", "events"]

events = typer.Typer(
    help="What happens, as the stream and webhooks tell it.\n\nExample:\n\n"
    "  voltbridge events schema transaction.started",
    no_args_is_help=True,
    cls=HelpfulGroup,
)


class Format(StrEnum):
    """What to print."""

    JSONSCHEMA = "jsonschema"
    ASYNCAPI = "asyncapi"


@events.callback()
def _group() -> None:
    """A callback keeps ``schema`` a subcommand while it is the only one."""


@events.command("schema", cls=HelpfulCommand)
def schema(
    type: Annotated[
        str | None, typer.Argument(metavar="TYPE", help="Only this type, such as transaction.started.")
    ] = None,
    format: Annotated[
        Format, typer.Option("--format", help="JSON Schema of each event, or one AsyncAPI document.")
    ] = Format.JSONSCHEMA,
) -> None:
    """Print the schemas of events as JSON: by type, of one type, or as AsyncAPI 3.0.

    Examples:

      voltbridge events schema

      voltbridge events schema transaction.started

      voltbridge events schema --format asyncapi > events.json
    """
    # Loaded only when it is used: the schemas are made of every message of every version.
    from voltbridge.csms.asyncapi import asyncapi_document
    from voltbridge.csms.event_catalogue import EVENTS
    from voltbridge.csms.event_schemas import event_schema

    if type is not None and type not in EVENTS:
        raise ConfigurationError(f"there is no event {type}; `voltbridge events schema` lists all")
    if type is not None and format is Format.ASYNCAPI:
        raise ConfigurationError("an AsyncAPI document is of all events; leave the type out")
    shown: Any
    if format is Format.ASYNCAPI:
        shown = asyncapi_document()
    elif type is not None:
        shown = event_schema(type)
    else:
        shown = {each: event_schema(each) for each in sorted(EVENTS)}
    typer.echo(json.dumps(shown, indent=2))
