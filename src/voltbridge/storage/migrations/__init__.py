"""The schema's history, applied by Alembic at every start and by ``voltbridge db upgrade``.

The whole upgrade is one transaction that begins by taking a lock, so that of two processes that start at once the
second waits, finds nothing left to do, and goes on.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from voltbridge.domain.errors import SchemaTooNew
from voltbridge.storage.database import Database, open_database

__all__ = ["HEAD", "upgrade"]

_SCRIPTS = Path(__file__).parent

HEAD = max(script.stem for script in (_SCRIPTS / "versions").glob("[0-9]*.py"))[:4]
"""The revision that this code works with: a file's number is its revision, so Alembic need not be asked."""

_VERSION_TABLE = "alembic_version"
_LOCK = 0x766F6C74  # "volt", the key of PostgreSQL's advisory lock
_WAIT_MS = 60_000


def upgrade(url: str) -> None:
    """Bring the schema of the database up to date, making it when there is none.

    Raises SchemaTooNew when a newer release has been at work there.
    """
    database = open_database(url)
    try:
        with database.readers.connect() as connection:
            if _revision(connection) == HEAD:
                return
        with database.writer.connect() as connection:
            _upgrade(database, connection)
    finally:
        database.dispose()


def _upgrade(database: Database, connection: Connection) -> None:
    # Imported only when there is something to do: it takes a good part of the time in which a start should be done.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    if database.is_sqlite:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.execute(f"PRAGMA busy_timeout = {_WAIT_MS}")
    with connection.begin():
        if not database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        config = Config()
        config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
        config.attributes["connection"] = connection
        found = _revision(connection)
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        if found is not None and found not in known:
            raise SchemaTooNew(
                f"The database {database.url.render_as_string()} has schema {found} of a newer Voltbridge; "
                f"start that release or a newer one, or give another database."
            )
        command.upgrade(config, "head")


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(_VERSION_TABLE):
        return None
    revision: str | None = connection.execute(text(f"SELECT version_num FROM {_VERSION_TABLE}")).scalar_one_or_none()
    return revision
