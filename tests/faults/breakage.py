"""Ways to break a running server's storage from outside, and to mend it."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import sqlite3
from collections.abc import Callable, Iterator

from psycopg import sql
from sqlalchemy import make_url
from tests.support.databases import connected
from tests.support.process import Up

__all__ = ["Breakage", "cut_off", "disk_full", "locked", "waiting_for_lock"]

Breakage = Callable[[Up, str], contextlib.AbstractContextManager[None]]
"""Broken inside the block: the server, and the URL of its database."""


@contextlib.contextmanager
def locked(_up: Up, url: str) -> Iterator[None]:
    """Somebody else holds a lock that every write needs."""
    if make_url(url).get_backend_name() == "sqlite":
        with contextlib.closing(sqlite3.connect(make_url(url).database or "", isolation_level=None)) as file:
            file.execute("PRAGMA busy_timeout = 60000")
            file.execute("BEGIN IMMEDIATE")
            yield
            file.execute("ROLLBACK")
        return
    with contextlib.closing(connected(url)) as server, server.transaction():
        # Every frame is logged, so no batch gets by this table. Readers are let through, as by the file's lock.
        server.execute("LOCK TABLE messages IN EXCLUSIVE MODE")
        yield


@contextlib.contextmanager
def disk_full(up: Up, _url: str) -> Iterator[None]:
    """No file can grow, nor be written at all (EFBIG)."""
    _, hard = resource.prlimit(up.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(up.pid, resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.prlimit(up.pid, resource.RLIMIT_FSIZE, (hard, hard))


@contextlib.contextmanager
def cut_off(_up: Up, url: str) -> Iterator[None]:
    """The database server has ended every connection and takes no new one."""
    name = make_url(url).database or ""
    allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    with contextlib.closing(connected(make_url(url).set(database="postgres").render_as_string(False))) as server:
        server.execute(allow.format(sql.Identifier(name), sql.Literal(False)))
        try:
            server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
            yield
        finally:
            server.execute(allow.format(sql.Identifier(name), sql.Literal(True)))


async def waiting_for_lock(url: str) -> None:
    """Wait until a statement waits for a lock in this PostgreSQL database."""
    # Nothing tells of it, so the server looks again and again itself.
    query = """
        DO $$ BEGIN
            FOR attempt IN 1..3000 LOOP
                IF EXISTS (
                    SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
                ) THEN RETURN; END IF;
                PERFORM pg_sleep(0.02), pg_stat_clear_snapshot();
            END LOOP;
            RAISE 'no statement waits for a lock';
        END $$
    """
    with contextlib.closing(connected(url)) as server:
        await asyncio.to_thread(server.execute, query)
