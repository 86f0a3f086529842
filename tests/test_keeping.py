"""``voltbridge backup``, ``restore`` and ``export`` as an operator runs them: what they say, and what they leave."""

from __future__ import annotations

import asyncio
import csv
import gzip
import io
import json
import os
import socket
import sqlite3
import stat
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.api.clients import Api, Station
from tests.support.process import Up
from tests.support.process import running as started
from typer.testing import CliRunner, Result

from voltbridge.cli import app
from voltbridge.datadir import KEPT, PASSING
from voltbridge.settings import ConfigurationError

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def up(anyio_backend: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Up]:
    """A process at work, with a station, a token and a file."""
    data = tmp_path_factory.mktemp("up")
    async with started(data, onboarding="accept") as process:
        api = Api(process.http_port, process.admin_key)
        await api("POST", "/tokens", {"id_token": "=TOKEN"})
        async with Station(process.ocpp_port, "CP-1") as station:
            await station.boot()
        headers = {"Authorization": f"Bearer {api.key}", "Content-Type": "application/octet-stream"}
        added = await api("POST", "/files?name=firmware.bin", headers=headers, data=b"firmware" * 1000)
        assert added.status == 201, added
        await api.close()
        yield process


@pytest.fixture
def data(up: Up) -> Path:
    """Its data directory."""
    arguments = Path(f"/proc/{up.pid}/cmdline").read_text().split("\0")
    return Path(arguments[arguments.index("--data") + 1])


async def run(*arguments: str) -> Result:
    return await asyncio.to_thread(lambda: CliRunner().invoke(app, list(arguments)))


async def refused(*arguments: str) -> str:
    """The one sentence that a mistake is told with."""
    result = await run(*arguments)
    assert isinstance(result.exception, ConfigurationError), (result.output, result.exception)
    said = str(result.exception)
    assert "\n" not in said
    return said


async def test_a_backup_is_told_of_and_restored(up: Up, data: Path, tmp_path: Path) -> None:
    file, there = tmp_path / "backup.zip", tmp_path / "there"
    made = await run("backup", str(file), "--data", str(data))
    assert made.exit_code == 0, made.output
    assert f"{file}: " in made.output and " rows of " in made.output and "as they stood at 20" in made.output
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
    assert "data/admin.key" in names
    assert any(name.startswith("data/files/") for name in names)
    restored = await run("restore", str(file), "--data", str(there))
    assert restored.exit_code == 0, restored.output
    assert "1 stations, 0 transactions, 1 tokens" in restored.output
    assert f"Start with: voltbridge up --data {there}" in restored.output
    assert stat.S_IMODE((there / "admin.key").stat().st_mode) == 0o600
    assert (there / "admin.key").read_text().strip() == up.admin_key
    async with started(there) as again:
        api = Api(again.http_port, up.admin_key)
        (kept,) = (await api.get("/files"))["items"]
        content = await api("GET", f"/files/{kept['id']}/content")
        assert (content.status, content.raw) == (200, b"firmware" * 1000)
        assert [station["station_id"] for station in (await api.get("/stations"))["items"]] == ["CP-1"]
        await api.close()
        await again.stop()


async def test_whatever_the_data_directory_has_is_taken_or_known_to_pass(data: Path) -> None:
    """A new thing there has to be put into one of the two."""
    found = set(await asyncio.to_thread(os.listdir, data)) - {"ready.json"}
    assert found - set(PASSING) <= set(KEPT), found


async def test_mistakes_with_backups(up: Up, data: Path, tmp_path: Path) -> None:
    file = tmp_path / "backup.zip"
    assert (await run("backup", str(file), "--data", str(data))).exit_code == 0
    assert "exists already; choose another name" in await refused("backup", str(file), "--data", str(data))
    nowhere = tmp_path / "nowhere" / "backup.zip"
    assert f"{nowhere} cannot be written: No such file" in await refused("backup", str(nowhere), "--data", str(data))
    empty = tmp_path / "empty"
    assert f"there is no database in {empty}" in await refused("backup", str(tmp_path / "b"), "--data", str(empty))
    assert not empty.exists()
    assert "in use by another Voltbridge" in await refused("restore", str(file), "--data", str(data), "--replace")
    there = tmp_path / "there"
    assert (await run("restore", str(file), "--data", str(there))).exit_code == 0
    assert "has data already; choose others, or give --replace" in await refused(
        "restore", str(file), "--data", str(there)
    )
    assert (await run("restore", str(file), "--data", str(there), "--replace")).exit_code == 0
    file.write_bytes(file.read_bytes()[:-100])
    said = await refused("restore", str(file), "--data", str(there), "--replace")
    assert said.endswith("is no backup of Voltbridge, or was cut short when it was copied; nothing was changed")
    assert "there is no database of Voltbridge at" in await refused(
        "backup", str(tmp_path / "c"), "--data", str(there), "--database-url", f"sqlite:///{tmp_path / 'none.db'}"
    )
    assert "postgresql://user@host/name" in await refused(
        "backup", str(tmp_path / "c"), "--data", str(there), "--database-url", "nonsense"
    )
    good = tmp_path / "good.zip"
    assert (await run("backup", str(good), "--data", str(data))).exit_code == 0
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"postgresql://u:sesame@127.0.0.1:{taken.getsockname()[1]}/x"
        said = await refused("restore", str(good), "--data", str(tmp_path / "other"), "--database-url", url)
    assert said.startswith("the database given with --database-url cannot be opened: ")
    assert "sesame" not in said


async def test_a_database_that_is_none_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "voltbridge.db").write_text("this is no database, however long one reads" * 100)
    said = await refused("backup", str(tmp_path / "b.zip"), "--data", str(tmp_path))
    assert "cannot be opened: file is not a database" in said
    assert not (tmp_path / "b.zip").exists()
    with sqlite3.connect(tmp_path / "other.db") as file:
        file.execute("CREATE TABLE cats (name)")
    file.close()
    url = f"sqlite:///{tmp_path / 'other.db'}"
    assert "there is no database of Voltbridge" in await refused("backup", str(tmp_path / "c"), "--database-url", url)


async def test_export_to_a_file_and_to_standard_output(up: Up, data: Path, tmp_path: Path) -> None:
    where = ("--data", str(data), "--http-port", str(up.http_port))
    shown = await run("export", "tokens", *where)
    assert shown.exit_code == 0, shown.output
    (token,) = csv.DictReader(io.StringIO(shown.stdout))
    assert token["id_token"] == "'=TOKEN"
    file = tmp_path / "events.jsonl.gz"
    options = ("--format", "jsonl", "--gzip", "--station", "CP-1", "--from", "2020-01-01T00:00:00Z", "--out", str(file))
    written = await run("export", "events", *options, *where)
    assert (written.exit_code, written.output) == (0, "")
    types = [json.loads(line)["type"] for line in gzip.decompress(file.read_bytes()).splitlines()]
    assert "station.boot" in types
    assert not file.with_name("events.jsonl.gz.partial").exists()
    assert "exists already" in await refused("export", "events", "--out", str(file), *where)


async def test_mistakes_with_exports(up: Up, data: Path, tmp_path: Path) -> None:
    where = ("--data", str(data), "--http-port", str(up.http_port))
    assert "noun: Input should be 'alerts'" in await refused("export", "cats", *where)
    assert "since: must be a moment" in await refused("export", "events", "--from", "yesterday", *where)
    assert "There is no station X." in await refused("export", "messages", "--station", "X", *where)
    assert "cannot be written" in await refused("export", "events", "--out", str(tmp_path / "a" / "b"), *where)
    assert "there is no admin key in" in await refused("export", "events", "--data", str(tmp_path))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        said = await refused("export", "events", "--data", str(data), "--http-port", str(port))
    assert said.startswith(f"no Voltbridge answers on 127.0.0.1:{port}")
