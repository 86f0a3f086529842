"""Logs: where they go, what is hidden."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from voltbridge.log import configure, hide_secrets, make_printable
from voltbridge.settings import LogFormat, LogLevel


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    before = (list(root.handlers), root.level)
    yield
    root.handlers[:], root.level = before
    structlog.reset_defaults()


def test_json_entries_are_one_line_each_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    configure(LogLevel.INFO, LogFormat.JSON)
    structlog.get_logger().info("hello", station_id="CP-1")
    structlog.get_logger().debug("too quiet")
    logging.getLogger("elsewhere").warning("from a library")
    captured = capsys.readouterr()
    entries = [json.loads(line) for line in captured.err.splitlines()]
    assert captured.out == ""
    assert [(entry["event"], entry["level"]) for entry in entries] == [("hello", "info"), ("from a library", "warning")]
    assert entries[0]["station_id"] == "CP-1"


def test_a_traceback_shows_no_variables(capsys: pytest.CaptureFixture[str]) -> None:
    for form in LogFormat:
        configure(LogLevel.INFO, form)
        try:
            password = "hunter2"
            raise ValueError(f"{len(password)} characters")
        except ValueError:
            structlog.get_logger("x").exception("it failed")
            logging.getLogger("elsewhere").exception("it failed there")
        written = capsys.readouterr().err
        assert "7 characters" in written
        assert "hunter2" not in written.replace('password = "hunter2"', "")
        structlog.reset_defaults()


def test_values_of_secrets_are_replaced() -> None:
    entry = hide_secrets(None, "info", {"event": "x", "new_password": "a", "Authorization": "b", "key_file": "c"})
    assert entry == {"event": "x", "new_password": "***", "Authorization": "***", "key_file": "c"}


def test_texts_of_peers_cannot_break_lines_or_command_a_terminal() -> None:
    entry = make_printable(None, "info", {"event": "x", "reason": "a\x1b[2J\nb\udcac", "path": "/ocpp/Büro", "n": 1})
    assert entry == {"event": "x", "reason": "a\\x1b[2J\\nb\\udcac", "path": "/ocpp/Büro", "n": 1}
