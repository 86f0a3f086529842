"""The schema's history, applied by Alembic at every start and by ``voltbridge db upgrade``.

The whole upgrade is one transaction that begins by taking a lock, so that of two processes that start at once the
second waits, finds nothing left to do, and goes on.
"""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from voltbridge.domain.errors import SchemaTooNew
from voltbridge.storage.database import Database, open_database

__all__ = ["HEAD", "VERSION_TABLE", "lock_out_others", "migrate", "revision_of", "upgrade"]

_SCRIPTS = Path(__file__).parent


def _head() -> str:
    """The revision that no other one follows, read from the scripts: Alembic takes too long to be asked."""
    scripts = {script.stem[:4]: script.read_text() for script in (_SCRIPTS / "versions").glob("[0-9]*.py")}
    followed = {found[1] for text in scripts.values() if (found := _FOLLOWS.search(text))}
    return max(scripts.keys() - followed)


_FOLLOWS = re.compile(r'^down_revision = "(\d{4})"', re.MULTILINE)

HEAD = _head()
"""The revision that this code works with. A file's number is its revision."""

VERSION_TABLE = "alembic_version"
"""Where the revision of a database is noted."""
_LOCK = 0x766F6C74  # "volt", the key of PostgreSQL's advisory lock
_WAIT_MS = 60_000


def upgrade(url: str) -> None:
    """Bring the schema of the database up to date, making it when there is none.

    Raises SchemaTooNew when a newer release has been at work there.
    """
    database = open_database(url)
    try:
        with database.readers.connect() as connection:
            if revision_of(connection) == HEAD:
                return
        with database.writer.connect() as connection:
            _upgrade(database, connection)
    finally:
        database.dispose()


def migrate(connection: Connection, revision: str = "head") -> None:
    """Bring the schema to a revision, later than the one it has, within the transaction that is open.

    Raises SchemaTooNew when the database, or the revision asked for, is of a newer release.
    """
    # Imported only when there is something to do: it takes a good part of the time in which a start should be done.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    found = revision_of(connection)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise SchemaTooNew(
            f"The database {connection.engine.url.render_as_string()} has schema {found} of a newer Voltbridge; "
            f"start that release or a newer one, or give another database."
        )
    if revision != "head" and revision not in known:
        raise SchemaTooNew(f"Schema {revision} is of a newer Voltbridge than this one, which knows {HEAD}.")
    command.upgrade(config, revision)


def lock_out_others(connection: Connection) -> None:
    """Wait until no other process changes the schema, and keep it so until the open transaction ends.

    SQLite does so by itself when the writer's transaction begins.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


def revision_of(connection: Connection) -> str | None:
    """The revision that the database has, None when it has no schema of ours."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    revision: str | None = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar_one_or_none()
    return revision


def _upgrade(database: Database, connection: Connection) -> None:
    if database.is_sqlite:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.execute(f"PRAGMA busy_timeout = {_WAIT_MS}")
    with connection.begin():
        lock_out_others(connection)
        migrate(connection)
