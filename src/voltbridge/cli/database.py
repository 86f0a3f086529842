"""``voltbridge db``: care for the database."""

from __future__ import annotations

import typer

from voltbridge.cli.options import takes_settings
from voltbridge.settings import Settings

__all__ = ["database"]

database = typer.Typer(help="Care for the database.", no_args_is_help=True)


@database.command("upgrade")
@takes_settings("data", "database_url")
def upgrade(settings: Settings) -> None:
    """Bring the database to this release's layout. `voltbridge up` does so by itself."""
    from voltbridge.app import upgrade_database
    from voltbridge.log import configure

    configure(settings.log_level, settings.log_format)
    upgrade_database(settings)
    typer.echo("The database is up to date.")
