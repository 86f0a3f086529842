"""Databases of a test's own: a file, or one made on the PostgreSQL of the machine and dropped afterwards."""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

__all__ = ["BACKENDS", "database", "rows"]

BACKENDS = ("sqlite", "postgresql")
SERVER = os.environ.get("VOLTBRIDGE_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/test")


@contextlib.contextmanager
def database(backend: str, directory: Path) -> Iterator[str]:
    """The URL of a new database; skips the test where there is no PostgreSQL to make one on."""
    if backend == "sqlite":
        yield f"sqlite:///{directory / 'voltbridge.db'}"
        return
    try:
        server = connected(SERVER)
    except psycopg.OperationalError as error:
        pytest.skip(f"no PostgreSQL at {make_url(SERVER).render_as_string()} (VOLTBRIDGE_TEST_POSTGRES): {error}")
    name = f"voltbridge_{secrets.token_hex(6)}"
    with contextlib.closing(server):
        try:
            server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        except psycopg.errors.InsufficientPrivilege as error:
            pytest.skip(f"no right to make a database on PostgreSQL: {error}")
        try:
            yield make_url(SERVER).set(database=name).render_as_string(hide_password=False)
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def connected(url: str) -> psycopg.Connection:
    """A connection that commits each statement."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True, connect_timeout=30)


def rows(url: str, query: str) -> Sequence[tuple[Any, ...]]:
    """What a query finds in the database, read past the server."""
    if make_url(url).get_backend_name() == "sqlite":
        with contextlib.closing(sqlite3.connect(make_url(url).database or "", timeout=60)) as file:
            return file.execute(query).fetchall()
    with contextlib.closing(connected(url)) as server:
        return server.execute(query).fetchall()
