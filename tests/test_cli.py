"""The command line: help, mistakes, versions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from voltbridge import __version__
from voltbridge.cli import app, main
from voltbridge.settings import Settings, options


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
        if option.default is not None:
            assert f"{option.row.help} Default: {option.default}." in shown
    assert "voltbridge up --onboarding accept" in shown


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
