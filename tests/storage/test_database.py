"""What durability rests on is really set on the connections."""

from __future__ import annotations

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from voltbridge.storage.database import open_database


def test_sqlite_writes_through(sqlite_url: str) -> None:
    database = open_database(sqlite_url)
    with database.writer.connect() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    database.dispose()
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 1000}


def test_sqlite_readers_cannot_write(sqlite_url: str) -> None:
    database = open_database(sqlite_url)
    with database.readers.connect() as connection, pytest.raises(DBAPIError, match="readonly"):
        connection.execute(text("UPDATE counters SET value = 7"))
    database.dispose()


def test_postgresql_commits_wait_for_the_disk_where_the_server_would_not(postgres_url: str) -> None:
    lax = make_url(postgres_url)
    lax = lax.update_query_dict({"options": f"{lax.query['options']} -csynchronous_commit=off"})
    database = open_database(lax.render_as_string(hide_password=False))
    with database.readers.connect() as connection:
        assert connection.execute(text("SHOW synchronous_commit")).scalar() == "off"
    with database.writer.connect() as connection:
        assert connection.execute(text("SHOW synchronous_commit")).scalar() == "on"
        connection.rollback()
        assert connection.execute(text("SHOW synchronous_commit")).scalar() == "on"
    database.dispose()


def test_errors_tell_no_values(url: str) -> None:
    """They are logged, and values may be secret or personal."""
    database = open_database(url)
    for engine in (database.writer, database.readers):
        with engine.connect() as connection, pytest.raises(DBAPIError) as error:
            connection.execute(text("SELECT * FROM nowhere WHERE data = :data"), {"data": "Lovelace"})
        assert "nowhere" in str(error.value)
        assert "Lovelace" not in str(error.value)
    database.dispose()
