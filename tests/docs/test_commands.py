"""The commands on the pages for people are commands that there are: addresses, bodies, programs and their options."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
from jsonschema import Draft202012Validator
from tests.docs.pages import blocks, steps
from tests.support.process import running
from tests.support.rest import Rest

from voltbridge.cli.main import app

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(180)]

PAGES = ("README.md", "docs/operating.md")
_CURL = re.compile(r"(?<!\()\b(?:curl|api) [^;|]*?\"?\$API/(?P<path>[^\s\"'?;|)]*)")

_PLACEHOLDER = re.compile(r'"(FILE|FIRMWARE)"')
"""Where a reader puts an id in."""


def _requests() -> list[tuple[str, str, Any]]:
    """Method, path and JSON body (None: none that stands in the page) of each request to the API on the pages."""
    found = []
    for page in PAGES:
        for step in steps(page):
            words = re.sub(r"\$\(echo [^)]*\)", "1", step.command.replace("\\\n", " "))
            for match in _CURL.finditer(words):
                rest = words[match.start() :]
                sent = re.search(r" -d '(.*?)'", rest, re.DOTALL)
                method = re.search(r"-X (\w+)", rest)
                streamed = "--data-binary" in rest or " -G " in rest
                body = None if sent is None or streamed else json.loads(_PLACEHOLDER.sub('"1"', sent[1]))
                default = "POST" if (" -d " in rest and not streamed) or "--data-binary" in rest else "GET"
                found.append((method[1] if method else default, match["path"], body))
    return found


def _operation(document: dict[str, Any], method: str, path: str) -> dict[str, Any] | None:
    """The operation at an address; what stands for an id on a page (``$cp``, ``<id>``) fits an id."""
    wanted = path.strip("/").split("/")
    for template, item in document["paths"].items():
        parts = template.removeprefix("/api/v1/").split("/")
        if len(parts) != len(wanted) or method.lower() not in item:
            continue
        if all(part == word or part.startswith("{") for part, word in zip(parts, wanted, strict=True)):
            operation: dict[str, Any] = item[method.lower()]
            return operation
    return None


async def test_every_request_is_one_that_the_api_takes(tmp_path: Path) -> None:
    requests = _requests()
    assert len(requests) > 50
    async with running(tmp_path) as up, Rest(up.http_port, up.admin_key) as rest:
        document = (await rest.ask("GET", "//api/openapi.json")).json
        kinds = {kind["name"]: kind for kind in (await rest.ask("GET", "/command-kinds")).json["items"]}
    for method, path, body in requests:
        operation = _operation(document, method, path)
        assert operation is not None, f"{method} {path} is no address of the API"
        if body is None:
            continue
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        whole = {**schema, "components": document["components"]}
        assert not list(Draft202012Validator(whole).iter_errors(body)), (method, path, body)
        name = path.rpartition("/")[2]
        if "/commands/" in path:
            parameters = {key: value for key, value in body.items() if key not in ("hold", "expires_in_s", "timeout_s")}
            assert not list(Draft202012Validator(kinds[name]["parameters"]).iter_errors(parameters)), (path, body)


def test_every_program_call_is_one_that_voltbridge_takes() -> None:
    calls = [
        line
        for page in (*PAGES, "docs/quirks.md")
        for step in steps(page)
        for line in step.command.replace("\\\n", " ").splitlines()
        if re.match(r"(\S*bin/)?voltbridge ", line)
    ]
    assert len(calls) > 20
    for call in calls:
        words = shlex.split(re.sub(r"\$\([^)]*\)", "X", call), comments=True)[1:]
        if words[-1] == "&":
            words = words[: words.index(">")]
        command: Any = typer.main.get_command(app)
        while hasattr(command, "commands"):
            assert words[0] in command.commands, call
            command = command.commands[words.pop(0)]
        if command.name == "conformance":
            continue  # the kit reads its words by itself
        options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
        for word in words:
            assert not word.startswith("--") or word in options | {"--help"}, f"{word} in: {call}"


def test_pages_can_be_wrong() -> None:
    assert _operation({"paths": {"/api/v1/tokens/{type}/{id_token}": {"get": {}}}}, "GET", "tokens/04A1") is None
    assert all(block.strip() for block in blocks("README.md", "console"))
