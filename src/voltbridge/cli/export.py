"""``voltbridge export``: whole lists and logs of a running Voltbridge as files."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO, Annotated, Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

import typer

from voltbridge.cli.options import takes_settings
from voltbridge.settings import ConfigurationError, Settings

__all__ = ["Format", "export"]

_CHUNK: Final = 64 * 1024
_TIMEOUT_S: Final = 60.0
_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}


class Format(StrEnum):
    """How records are written."""

    CSV = "csv"
    JSONL = "jsonl"


@takes_settings("data", "http_host", "http_port")
def export(
    settings: Settings,
    noun: Annotated[
        str, typer.Argument(metavar="NOUN", help="transactions, meter-values, messages, events, tokens, stations, ...")
    ],
    format: Annotated[Format, typer.Option("--format", help="csv, or jsonl: a JSON object a line.")] = Format.CSV,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write here instead of to standard output.")
    ] = None,
    station: Annotated[
        str | None, typer.Option("--station", metavar="ID", help="Only what is of this station.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--from", metavar="MOMENT", help="From this moment on: 2026-05-01T00:00:00Z.")
    ] = None,
    until: Annotated[str | None, typer.Option("--to", metavar="MOMENT", help="Before this moment.")] = None,
    gzip: Annotated[bool, typer.Option("--gzip", help="Pack the file.")] = False,
    plain: Annotated[
        bool,
        typer.Option("--plain", help="In CSV, leave texts as they are that a spreadsheet would run as a formula."),
    ] = False,
) -> None:
    """Write a whole list or log of the Voltbridge that runs on this machine, however long it is.

    Examples:

      voltbridge export transactions --from 2026-05-01T00:00:00Z --to 2026-06-01T00:00:00Z --out may.csv

      voltbridge export messages --station CP-1 --format jsonl --gzip --out messages.jsonl.gz
    """
    wanted = {"format": str(format), "station_id": station, "since": since, "until": until}
    query = {name: value for name, value in wanted.items() if value is not None}
    if gzip:
        query["compress"] = "gzip"
    if plain:
        query["spreadsheet"] = "false"
    with _answer(settings, f"/export/{noun}?{urlencode(query)}") as answer, _target(out) as target:
        try:
            while chunk := answer.read(_CHUNK):
                target.write(chunk)
        except (HTTPException, TimeoutError, ConnectionError):
            raise ConfigurationError("the export broke off before its end; the server's log says why") from None


@contextmanager
def _answer(settings: Settings, path: str) -> Iterator[HTTPResponse]:
    host = _EVERYWHERE.get(settings.http_host, settings.http_host)
    shown = f"[{host}]" if ":" in host else host
    try:
        key = settings.admin_key_file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise ConfigurationError(
            f"there is no admin key in {settings.data}; say with --data where that of the running Voltbridge is"
        ) from None
    request = Request(f"http://{shown}:{settings.http_port}/api/v1{path}", headers={"Authorization": f"Bearer {key}"})
    try:
        answer = build_opener(ProxyHandler({})).open(request, timeout=_TIMEOUT_S)
    except HTTPError as error:
        with error:
            raise ConfigurationError(_problem(error)) from None
    except (URLError, HTTPException, OSError) as error:
        reason = getattr(error, "reason", error)
        raise ConfigurationError(
            f"no Voltbridge answers on {shown}:{settings.http_port} ({reason}); start it, or say with --http-port "
            "where it listens"
        ) from None
    with answer:
        yield answer


def _problem(error: HTTPError) -> str:
    """What a refusal says."""
    try:
        body = json.loads(error.read())
        problems = [f"{one['path'].rpartition('.')[2]}: {one['message']}" for one in body.get("errors") or ()]
        return "; ".join(problems) or str(body["detail"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"the server answered with status {error.code}"


@contextmanager
def _target(out: Path | None) -> Iterator[IO[bytes]]:
    """Standard output, or a file that appears when it is complete."""
    if out is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if out.exists():
        raise ConfigurationError(f"{out} exists already; choose another name or remove it")
    partial = out.with_name(f"{out.name}.partial")
    try:
        with partial.open("wb") as file:
            yield file
        partial.rename(out)
    except OSError as error:
        raise ConfigurationError(f"{out} cannot be written: {error.strerror or error}") from None
    finally:
        partial.unlink(missing_ok=True)
