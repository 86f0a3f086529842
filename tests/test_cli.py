"""The command line: help, mistakes, versions."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from voltbridge import __version__
from voltbridge.cli import app, main
from voltbridge.conformance.cli import app as conformance
from voltbridge.settings import ConfigurationError, Settings, options


@pytest.fixture
def runner() -> CliRunner:
    return CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"})


def test_version(runner: CliRunner) -> None:
    result = runner.invoke(app, ["--version"])
    assert (result.exit_code, result.output) == (0, f"voltbridge {__version__}\n")


def test_help_of_up_shows_every_option_with_its_default(runner: CliRunner) -> None:
    result = runner.invoke(app, ["up", "--help"])
    assert result.exit_code == 0
    shown = re.sub(r"[│\s]+", " ", result.output)
    for option in options():
        assert f" {option.flag} " in shown
        default = "" if option.shown_default is None else f" Default: {option.shown_default}."
        assert f"{option.row.help}{default}" in shown
    assert "voltbridge up --onboarding accept" in shown


def _commands(command: Any, *names: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command there is, with its words before it."""
    yield names, command
    for name, below in getattr(command, "commands", {}).items():
        yield from _commands(below, *names, name)


COMMANDS = {**dict(_commands(get_command(app))), **dict(_commands(get_command(conformance), "conformance"))}


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_the_help_of_every_command_can_be_read_and_copied_from(command: tuple[str, ...], columns: int) -> None:
    runner = CliRunner(env={"COLUMNS": str(columns), "NO_COLOR": "1", "TERM": "dumb"})
    result = runner.invoke(app, [*command, "--help"], prog_name="voltbridge")
    assert result.exit_code == 0, result.output
    shown = result.output
    assert "…" not in shown
    assert not re.search(r"<(str|bool|path|int|float|file|list|[^>]*range)\b", shown), (
        "a placeholder says what is wanted"
    )
    assert "see the documentation" not in shown
    assert max(map(len, shown.splitlines())) <= columns
    assert re.search(r"^    voltbridge ", shown, re.MULTILINE) or "features = [" in shown, "there is an example"
    for call in re.findall(r"^    (voltbridge (?:[^\\\n]|\\\n)*)", shown, re.MULTILINE):
        words = shlex.split(call.replace("\\\n", " "), comments=True)[1:]
        called = COMMANDS.get(tuple(words[:2])) or COMMANDS[tuple(words[:1])]
        taken = {name for parameter in called.params for name in (*parameter.opts, *parameter.secondary_opts)}
        assert {word for word in words if word.startswith("--")} <= taken, call
    assert not re.search(r"[([](env var|default|required)\b", shown)


def test_up_hands_the_settings_on(runner: CliRunner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    given: list[Settings] = []
    monkeypatch.setattr("voltbridge.process.run", lambda settings, ready: given.append(settings))
    monkeypatch.setattr("voltbridge.log.configure", lambda level, form: None)
    result = runner.invoke(app, ["up", "--data", "d", "--ocpp-port", "0", "--onboarding", "accept"])
    assert result.exit_code == 0, result.output
    assert given == [Settings(data=Path("d"), ocpp_port=0, onboarding=given[0].onboarding)]
    assert given[0].onboarding == "accept"


def test_a_wrong_value_ends_with_one_sentence_and_status_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["voltbridge", "up", "--http-port", "many"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    captured = capsys.readouterr()
    assert captured.err == "voltbridge: --http-port must be a port from 0 to 65535 (0: any free one), but is 'many'\n"
    assert captured.out == ""


def test_db_upgrade_takes_only_what_concerns_the_database(runner: CliRunner) -> None:
    result = runner.invoke(app, ["db", "upgrade", "--help"])
    assert "--database-url" in result.output
    assert "--ocpp-port" not in result.output


def test_events_schema_prints_what_there_is(runner: CliRunner) -> None:
    everything = json.loads(runner.invoke(app, ["events", "schema"]).output)
    one = json.loads(runner.invoke(app, ["events", "schema", "station.boot"]).output)
    assert one == everything["station.boot"]
    assert one["properties"]["type"] == {"const": "station.boot"}
    document = json.loads(runner.invoke(app, ["events", "schema", "--format", "asyncapi"]).output)
    assert set(document["components"]["messages"]) == set(everything)


@pytest.mark.parametrize("arguments", [["station.abducted"], ["station.boot", "--format", "asyncapi"]])
def test_events_schema_of_what_there_is_not(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["voltbridge", "events", "schema", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("voltbridge: ")


@pytest.mark.parametrize("url", ["localhost:9000", "http://localhost:9000", "ws://", "ws://h:99999/ocpp", "ws://a b"])
@pytest.mark.parametrize("command", ["run", "fleet"])
def test_stations_do_not_start_with_an_address_that_is_none(runner: CliRunner, command: str, url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"--url: the address .*; give one such as ws://127"):
        runner.invoke(app, ["station", command, "--url", url], catch_exceptions=False)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["bad id!"], "an identity has 1 to 36 of these characters"),
        (["--password-file", "short"], "--password-file: a password has 16 to 40 characters"),
        (["--password-file", "none"], "none: No such file"),
        (["--version", "1.5"], "there is no version 1.5"),
        (["--personality", "nope"], "there is no personality nope; there are bare-minimum, "),
    ],
)
def test_a_station_that_cannot_be_is_refused(
    runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("short").write_text("short\n")
    with pytest.raises(ConfigurationError) as raised:
        runner.invoke(app, ["station", "run", "--no-view", *arguments], catch_exceptions=False)
    assert said in str(raised.value)
    assert "$" not in str(raised.value)
