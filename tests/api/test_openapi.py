"""The API's description, held against what the API does by schemathesis with all its checks."""

from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.api.clients import Api

from voltbridge.app import Running

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]


async def _schemathesis(api: Api, *arguments: str) -> None:
    program = shutil.which("schemathesis", path=str(Path(sys.executable).parent))
    assert program is not None
    process = await asyncio.create_subprocess_exec(
        program,
        "run",
        f"{api.root}/api/openapi.json",
        "--header",
        f"Authorization: Bearer {api.key}",
        "--generation-deterministic",
        "--request-timeout=60",
        "--no-color",
        *arguments,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()


async def test_the_description_holds(api: Api) -> None:
    # A page rather than a stream of events, which would be read for as long as a request may take.
    await _schemathesis(api, "--header", "Accept: application/json", "--max-examples=10")


async def test_the_description_of_the_stream_holds(api: Api) -> None:
    wanted = ("--include-operation-id=list_events", "--phases=examples,fuzzing", "--max-examples=3")
    await _schemathesis(api, *wanted, "--request-timeout=0.5")


async def test_every_operation_is_described(running: Running, api: Api) -> None:
    document = (await api("GET", "/api/openapi.json", headers={})).body
    operations = [
        (method, path, operation) for path, item in document["paths"].items() for method, operation in item.items()
    ]
    assert len(operations) >= 29
    assert len({operation["operationId"] for _, _, operation in operations}) == len(operations)
    for _, path, operation in operations:
        assert operation["description"], path
        assert ("security" in operation) == path.startswith("/api/v1")
        for status, response in operation["responses"].items():
            content: dict[str, Any] = response.get("content", {})
            if int(status) >= 400 and not path.startswith("/readyz"):
                assert list(content) == ["application/problem+json"], (path, status)
