"""The schema's history: it leads to the tables of the code, from anywhere, once, and never back."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from subprocess import PIPE

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, make_url, text
from tests.storage.conftest import schema
from tests.storage.nouns import settings

from voltbridge.clock import SystemClock
from voltbridge.domain.errors import SchemaTooNew
from voltbridge.storage import Storage, sql
from voltbridge.storage import migrations as history
from voltbridge.storage.database import Database, open_database
from voltbridge.storage.migrations import HEAD, upgrade
from voltbridge.storage.sql.schema import metadata

# Every noun's module, so that the metadata has all tables.
for module in pkgutil.iter_modules(sql.__path__):
    importlib.import_module(f"{sql.__name__}.{module.name}")


@contextmanager
def opened(url: str) -> Iterator[Database]:
    database = open_database(url)
    try:
        yield database
    finally:
        database.dispose()


def revision(url: str) -> str | None:
    with opened(url) as database, database.readers.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def test_the_history_is_one_line_and_the_code_knows_its_end() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(history.__file__).parent))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_from_nothing_to_the_tables_of_the_code(bare_url: str) -> None:
    assert revision(bare_url) is None
    upgrade(bare_url)
    assert revision(bare_url) == HEAD
    with opened(bare_url) as database, database.readers.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


@pytest.mark.anyio
async def test_again_changes_nothing(bare_url: str) -> None:
    first = await Storage.open(bare_url, SystemClock())
    await first.stations.add(settings())
    await first.close()
    upgrade(bare_url)
    second = await Storage.open(bare_url, SystemClock())
    assert await second.stations.get("CS-1") is not None
    await second.close()


def test_a_newer_database_is_refused_in_one_sentence(bare_url: str) -> None:
    upgrade(bare_url)
    with opened(bare_url) as database, database.writer.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaTooNew) as refused:
        upgrade(bare_url)
    said = str(refused.value)
    assert "schema 9999 of a newer Voltbridge; start that release or a newer one" in said
    assert said.count(".") - said.count(".db") - said.count("0.0") * 2 <= 2 and "\n" not in said
    assert revision(bare_url) == "9999"


def test_a_password_in_the_url_is_not_told(postgres_server: str) -> None:
    with schema(postgres_server) as url:
        secret = make_url(url).set(password="sesame").render_as_string(hide_password=False)
        upgrade(secret)
        with opened(secret) as database, database.writer.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        with pytest.raises(SchemaTooNew) as refused:
            upgrade(secret)
    assert "sesame" not in str(refused.value)


def test_processes_that_start_at_once_do_not_collide(bare_url: str) -> None:
    program = (
        "import sys; from voltbridge.storage.migrations import upgrade;"
        "print('ready', flush=True); sys.stdin.read(1); upgrade(sys.argv[1])"
    )
    command = [sys.executable, "-c", program, bare_url]
    with ExitStack() as processes:
        started = []
        for _ in range(3):
            process = subprocess.Popen(command, stdin=PIPE, stdout=PIPE, stderr=PIPE, bufsize=0)
            started.append(processes.enter_context(process))
            processes.callback(process.kill)
        for process in started:
            assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        for process in started:
            assert process.stdin is not None
            process.stdin.write(b"x")
        for process in started:
            _, errors = process.communicate(timeout=150)
            assert process.returncode == 0, errors.decode()
    assert revision(bare_url) == HEAD


def test_a_start_waits_for_the_one_under_way(bare_url: str) -> None:
    with opened(bare_url) as database, database.writer.connect() as connection, connection.begin():
        if not database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": 0x766F6C74})
        second = threading.Thread(target=upgrade, args=(bare_url,), daemon=True)
        second.start()
        second.join(1.5)  # longer than a usual write would wait
        assert second.is_alive()
        assert not inspect(connection).has_table("stations")
    second.join(20)
    assert not second.is_alive()
    assert revision(bare_url) == HEAD


@pytest.mark.parametrize("url", ["mysql://u@h/d", "sqlite://", "sqlite:///:memory:"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="the database URL must"):
        upgrade(url)
