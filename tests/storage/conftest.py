"""Every test that takes ``url`` or ``storage`` runs on SQLite and on PostgreSQL, the latter where one answers.

The schema is made once and emptied for each test, since making it takes longer than most tests.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from voltbridge.clock import SystemClock
from voltbridge.storage import Storage
from voltbridge.storage.migrations import upgrade

SERVER = os.environ.get("VOLTBRIDGE_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/test")


def connect(url: str) -> psycopg.Connection:
    """A connection from outside, each statement a transaction."""
    plain = make_url(url).set(drivername="postgresql", query={}).render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True, connect_timeout=30)


@contextmanager
def schema(server: str) -> Iterator[str]:
    """The URL of an empty schema of its own, dropped afterwards."""
    name = f"voltbridge_{secrets.token_hex(6)}"
    with connect(server) as connection:
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
        try:
            url = make_url(server).update_query_dict({"options": f"-csearch_path={name}"})
            yield url.render_as_string(hide_password=False)
        finally:
            connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """The URL of a database that may be written to."""
    try:
        connect(SERVER).close()
    except psycopg.OperationalError as error:
        pytest.skip(f"no PostgreSQL at {make_url(SERVER).render_as_string()} (VOLTBRIDGE_TEST_POSTGRES): {error}")
    return SERVER


@pytest.fixture(scope="session")
def migrated_schema(postgres_server: str) -> Iterator[str]:
    with schema(postgres_server) as url:
        upgrade(url)
        yield url


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("migrated") / "voltbridge.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def postgres_url(migrated_schema: str) -> str:
    """The URL of a schema whose tables are empty."""
    option = make_url(migrated_schema).query["options"]
    assert isinstance(option, str)
    name = option.partition("search_path=")[2]
    with connect(migrated_schema) as connection:
        found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", (name,)).fetchall()
        emptied = [sql.Identifier(name, table) for (table,) in found if table not in ("alembic_version", "counters")]
        # In one transaction, and not by TRUNCATE, which makes new files of every table and waits for the disk.
        deeds = [sql.SQL("DELETE FROM {}").format(table) for table in emptied]
        deeds.append(sql.SQL("UPDATE {} SET value = 0").format(sql.Identifier(name, "counters")))
        connection.execute(sql.SQL("; ").join(deeds))
    return migrated_schema


@pytest.fixture
def sqlite_url(migrated_file: Path, tmp_path: Path) -> str:
    """The URL of a file whose tables are empty."""
    path = tmp_path / "voltbridge.db"
    shutil.copy(migrated_file, path)
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """Of a database whose tables are empty."""
    found: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return found


@pytest.fixture(params=["sqlite", "postgresql"])
def bare_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Of a database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'bare.db'}"
    else:
        with schema(request.getfixturevalue("postgres_server")) as found:
            yield found


@pytest.fixture
async def storage(url: str) -> AsyncIterator[Storage]:
    """Open, on a database whose tables are empty."""
    # A disk that stands still is no outage to these tests.
    opened = await Storage.open(url, SystemClock(), give_up_after_s=60)
    yield opened
    await opened.close()
