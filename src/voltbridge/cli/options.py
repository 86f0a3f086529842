"""Options of the command line made from the table in ``voltbridge.settings``, so that the two cannot drift apart."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from voltbridge.settings import CONFIG_FILE, Option, load, options

__all__ = ["takes_settings"]


def takes_settings(*only: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a command of a function of Settings: with an option for every setting, or for those named.

    Parameters that the function has besides become arguments and options of the command, as they are annotated.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = _own_parameters(command)

        def run(config: Path | None, **arguments: Any) -> None:
            besides = {each.name: arguments.pop(each.name) for each in own}
            command(load(arguments, config=config), **besides)

        chosen = [option for option in options() if not only or option.name in only]
        parameters = [*own, *_parameters(chosen)]
        run.__doc__ = command.__doc__
        run.__name__ = command.__name__
        # typer reads the signature and the annotations; both are made from the table.
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {each.name: each.annotation for each in parameters}
        return run

    return decorate


def _own_parameters(command: Callable[..., None]) -> list[inspect.Parameter]:
    """All but the first, which takes the settings."""
    hints = get_type_hints(command, include_extras=True)
    _, *own = inspect.signature(command).parameters.values()
    return [each.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[each.name]) for each in own]


def _parameters(chosen: Iterable[Option]) -> list[inspect.Parameter]:
    config = typer.Option(
        "--config",
        metavar="FILE",
        help=f"Read settings from this file instead of ./{CONFIG_FILE}.",
        rich_help_panel="Settings",
    )
    parameters = [_parameter("config", Annotated[Path | None, config])]
    for option in chosen:
        row = option.row
        annotation = typer.Option(
            option.flag,
            metavar=row.kind.metavar,
            help=row.help if option.shown_default is None else f"{row.help} Default: {option.shown_default}.",
            rich_help_panel=row.panel,
        )
        parameters.append(_parameter(option.name, Annotated[str | None, annotation]))
    return parameters


def _parameter(name: str, annotation: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
