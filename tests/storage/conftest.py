"""Every test that takes ``url`` runs on SQLite and on PostgreSQL; the latter is skipped where none answers."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from voltbridge.clock import SystemClock
from voltbridge.storage import Storage

SERVER = os.environ.get("VOLTBRIDGE_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/test")


def _connect(url: str) -> psycopg.Connection:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True, connect_timeout=3)


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """The URL of a database that may be written to."""
    try:
        _connect(SERVER).close()
    except psycopg.OperationalError as error:
        pytest.skip(f"no PostgreSQL at {make_url(SERVER).render_as_string()} (VOLTBRIDGE_TEST_POSTGRES): {error}")
    return SERVER


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The URL of an empty schema of its own, dropped afterwards."""
    name = f"voltbridge_{secrets.token_hex(6)}"
    with _connect(postgres_server) as connection:
        connection.execute(f'CREATE SCHEMA "{name}"')
        try:
            url = make_url(postgres_server).update_query_dict({"options": f"-csearch_path={name}"})
            yield url.render_as_string(hide_password=False)
        finally:
            connection.execute(f'DROP SCHEMA "{name}" CASCADE')


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of a file that is not there yet."""
    return f"sqlite:///{tmp_path / 'voltbridge.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """Of an empty database."""
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    found: str = request.getfixturevalue(name)
    return found


@pytest.fixture
async def storage(url: str) -> AsyncIterator[Storage]:
    """Open, on an empty database."""
    opened = await Storage.open(url, SystemClock())
    yield opened
    await opened.close()
