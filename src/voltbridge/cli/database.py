"""``voltbridge db``: care for the database."""

from __future__ import annotations

import typer

from voltbridge.cli.options import takes_settings
from voltbridge.help_pages import HelpfulCommand, HelpfulGroup
from voltbridge.settings import Settings

__all__ = ["database"]

database = typer.Typer(
    help="Care for the database.\n\nExample:\n\n  voltbridge db upgrade --data /var/lib/voltbridge",
    no_args_is_help=True,
    cls=HelpfulGroup,
)


@database.command("upgrade", cls=HelpfulCommand)
@takes_settings("data", "database_url")
def upgrade(settings: Settings) -> None:
    """Bring the database to this release's layout.

    `voltbridge up` does so by itself when it starts; this is for whoever wants it done beforehand, with Voltbridge
    stopped. It may be repeated. Make a backup first: an older release does not open a database that a newer one has
    brought up to date.

    Examples:

      voltbridge db upgrade --data /var/lib/voltbridge

      voltbridge db upgrade --database-url postgresql://voltbridge@db/voltbridge
    """
    from voltbridge.app import upgrade_database
    from voltbridge.log import configure

    configure(settings.log_level, settings.log_format)
    upgrade_database(settings)
    typer.echo("The database is up to date.")
