"""``voltbridge conformance`` as it is typed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
import typer
from anyio.from_thread import start_blocking_portal
from tests.conformance.peers import Fault, ScriptedCsms, change
from typer.testing import CliRunner, Result

from voltbridge.conformance.catalogue import CATALOGUE, Role
from voltbridge.conformance.cli import app
from voltbridge.conformance.configuration import read_configuration
from voltbridge.conformance.report import as_json, results
from voltbridge.conformance.run import Outcome, Verdict


def typed(*arguments: str, answers: str | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), input=answers)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--case", "TC_B_01"], "no case TC_B_01; there are TC_B_01_CS"),
        (["--case", "boot"], "no case boot: ids are like TC_B_01_CSMS"),
        (["--case", "TC_B_01_CS"], "other role"),
        (["--block", "Z"], "no block Z"),
        (["--profile", "Basic"], "Smart Charging"),
        (["--api", "http://host/api/v1"], "needs --url"),
        (["--url", "http://host:9000/ocpp"], "must be like ws://host:9000/ocpp"),
        (["--url", "ws://host", "--api", "http://host/api/v1"], "needs --api-key-file"),
        (["--url", "ws://host", "--api", "http://host", "--api-key-file", "/none"], "/none: No such file"),
        (["--config", "/none.toml"], "/none.toml: No such file"),
        (["--json", "/none/results.json"], "no directory"),
        (["--role", "gateway"], "gateway"),
        (["--junit", "/none/junit.xml"], "no directory"),
        (["--report", "results.pdf"], "results.pdf ends with none of .md, .html, .htm"),
        (["--failed-from", "/none.json"], "/none.json: No such file"),
        (["--driver", "mine.py"], "--driver needs --url or --listen"),
        (["--url", "ws://host", "--ask"], "--ask is for what a --driver does not know"),
        (["--url", "ws://host", "--driver", "/none.py"], "/none.py is no Python file"),
        (["--url", "ws://host", "--driver", "a.py", "--api", "http://h", "--api-key-file", "k"], "a driver already"),
        (["--url", "ws://host", "--driver", "a.py", "--api-key-file", "k"], "a webhook as --driver"),
        (["--listen", "127.0.0.1:9000"], "--listen is for --role station"),
        (["--role", "station", "--url", "ws://host"], "--url is for --role csms"),
        (["--role", "station", "--case", "TC_G_01_CS", "--listen", "9000"], "must be like 0.0.0.0:9000"),
        (["--role", "station", "--ca", "kit"], "connects to --listen"),
        (["--role", "station", "--listen", "[::1]:0", "--listen-tls", "[::1]:0"], "--listen-tls and --ca need each"),
        (["--role", "station", "--listen", "[::1]:0", "--ca", "kit", "--listen-tls", "9"], "like 0.0.0.0:9443"),
        (["--role", "station", "--listen", "[::1]:0", "--ca", "/dev/null", "--listen-tls", "[::1]:0"], "/dev/null"),
    ],
)
def test_wrong_usage_is_named(arguments: list[str], said: str) -> None:
    result = typed("run", *arguments)
    assert result.exit_code == 2
    assert said in " ".join(result.output.replace("│", " ").split())


def test_our_own_station_is_run_without_a_target_and_the_file_names_every_case(tmp_path: Path) -> None:
    file = tmp_path / "station.json"
    result = typed("run", "--role", "station", "--block", "G", "--json", str(file))
    assert result.exit_code == 0, result.output
    document = json.loads(file.read_text())
    of_stations = {one for one, case in CATALOGUE.items() if case.role is Role.STATION}
    assert document["cases"].keys() == of_stations
    assert document["cases"]["TC_G_01_CS"] == "passed"
    assert document["cases"]["TC_H_01_CS"] == "not run: not selected"
    assert document["profiles"]["Core"]["passed"] >= 20


def test_a_station_that_nobody_operates_is_not_run() -> None:
    result = typed("run", "--role", "station", "--case", "TC_G_01_CS", "--listen", "127.0.0.1:0")
    assert result.exit_code == 1
    assert "there is nobody to operate the station" in result.output


def test_a_case_that_is_not_written_does_not_run() -> None:
    result = typed("run", "--case", "TC_M_01_CSMS")
    assert result.exit_code == 3
    assert "0 passed, 0 failed, 1 not run" in result.output


def test_a_case_of_our_own_that_is_not_written_says_why() -> None:
    result = typed("run", "--role", "station", "--case", "TC16_M_InstallCertificate_Accepted_CS")
    assert result.exit_code == 3
    assert "TC16_M_InstallCertificate_Accepted_CS: the kit has no authority yet" in result.output


def test_a_profile_of_1_6_runs_against_our_own_station() -> None:
    result = typed("run", "--role", "station", "--profile", "1.6 Remote Trigger")
    assert result.exit_code == 0, result.output
    assert "TC16_F_Trigger_Heartbeat_CS" in result.output
    assert "0 failed" in result.output


def test_report_counts_by_profile_and_block(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    file.write_text(as_json(results(Role.CSMS, [Outcome("TC_B_01_CSMS", Verdict.PASSED)])))
    result = typed("report", str(file))
    assert result.exit_code == 0
    rows = [line.replace("│", " ").split() for line in result.output.splitlines()]
    assert ["Core", "B", "1/9", "0/10", "0", "18"] in rows
    assert ["Core", "all", "1/105", "0/27", "0", "131"] in rows
    assert "station" not in result.output


def test_report_refuses_another_file(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    file.write_text("{}")
    result = typed("report", str(file))
    assert result.exit_code == 2
    assert "not written by a conformance run" in result.output


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    file = tmp_path / "kit.toml"
    file.write_text('password = "0123456789abcdef"\nmessage_timeout_s = 5\n')
    return file


@pytest.fixture
def portal() -> Iterator[anyio.from_thread.BlockingPortal]:
    with start_blocking_portal() as portal:
        yield portal


def test_a_person_operates_any_csms(kit: Path, tmp_path: Path, portal: anyio.from_thread.BlockingPortal) -> None:
    """The peer runs on a thread of its own: the command has an event loop to itself."""
    configuration = read_configuration(kit)
    fault = change("Authorize", "idTokenInfo.status", "Blocked")
    with portal.wrap_async_context_manager(ScriptedCsms.serving(configuration, fault)) as csms:
        portal.call(csms.prepare, configuration)
        file = tmp_path / "results.json"
        arguments = ["--url", csms.url, "--config", str(kit), "--json", str(file)]
        cases = ["--case", "TC_B_01_CSMS", "--case", "TC_C_02_CSMS"]
        result = typed("run", *arguments, *cases, answers="\n")
    assert result.exit_code == 1, result.output
    assert "Set up the CSMS as follows" in result.output
    assert "running  TC_B_01_CSMS" in result.output, "who is asked is told for which case"
    assert "1 passed, 1 failed, 0 not run" in result.output
    failed = result.output[result.output.index("failed   TC_C_02_CSMS") :]
    assert "step      2" in failed
    assert 'expected  AuthorizeResponse.idTokenInfo.status "Invalid" or "Unknown"' in failed
    assert 'received  "Blocked"' in failed
    assert '-> [2,"' in failed
    assert '<- [3, "' in failed
    cases_of_file = json.loads(file.read_text())["cases"]
    assert cases_of_file["TC_B_01_CSMS"] == "passed"
    assert cases_of_file["TC_C_02_CSMS"] == "failed"
    assert cases_of_file["TC_C_06_CSMS"] == "not run: not selected"


def test_a_python_file_operates_any_csms_and_what_failed_is_run_again(
    kit: Path, tmp_path: Path, portal: anyio.from_thread.BlockingPortal
) -> None:
    configuration = read_configuration(kit)
    mine = tmp_path / "mine.py"
    mine.write_text("def send(action): raise RuntimeError(f'no button for {action}')\n")
    file, page, junit = (tmp_path / name for name in ("results.json", "run.html", "junit.xml"))
    fault = change("Authorize", "idTokenInfo.status", "Blocked")
    with portal.wrap_async_context_manager(ScriptedCsms.serving(configuration, fault)) as csms:
        portal.call(csms.prepare, configuration)
        arguments = ["--url", csms.url, "--config", str(kit), "--driver", str(mine), "--json", str(file)]
        chosen = [f"--case={one}" for one in ("TC_B_01_CSMS", "TC_C_02_CSMS", "TC_C_37_CSMS", "TC_I_01_CSMS")]
        first = typed("run", *arguments, *chosen, "--report", str(page), "--junit", str(junit))
    assert first.exit_code == 1, first.output
    assert "1 passed, 2 failed, 1 not run" in first.output
    assert "case 3 of 4" in first.output
    assert "RuntimeError: no button for ClearCache" in first.output
    assert "the driver has no price" in first.output
    assert "TC_C_02_CSMS" in page.read_text() and 'failures="1" errors="1" skipped="1"' in junit.read_text()
    assert "0123456789abcdef" not in page.read_text() + junit.read_text() + first.output
    with portal.wrap_async_context_manager(ScriptedCsms.serving(configuration, Fault())) as csms:
        portal.call(csms.prepare, configuration)
        arguments[1] = csms.url
        second = typed("run", *arguments, "--failed-from", str(file))
        third = typed("run", *arguments, "--failed-from", str(file), "--case", "TC_C_02_CSMS")
        other = typed("run", "--role", "station", "--failed-from", str(file))
    assert second.exit_code == 1, second.output
    assert "1 passed, 1 failed, 0 not run" in second.output
    results_now = json.loads(file.read_text())["cases"]
    assert (results_now["TC_B_01_CSMS"], results_now["TC_C_02_CSMS"]) == ("passed", "passed")
    assert results_now["TC_C_37_CSMS"] == "failed"
    assert third.exit_code == 0 and "nothing to run again" in third.output
    assert other.exit_code == 2 and "is about the other role" in other.output


@pytest.mark.parametrize(("role", "said"), [("csms", "def send("), ("station", "def plug_in(")])
def test_there_are_files_to_begin_with(role: str, said: str) -> None:
    assert said in typed("driver", "--role", role).output
    told = typed("configuration", "--role", role).output
    assert '#station_id = "VOLTBRIDGE-CONFORMANCE"' in told
    assert f"#quiet_s = {'5.0' if role == 'station' else '1.0'}" in told


def test_the_guide_names_only_options_there_are() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "conformance.md").read_text()
    options = set(re.findall(r"(?<![-\w])--[a-z][a-z-]*", guide))
    assert {"--driver", "--failed-from", "--junit"} <= options
    there: dict[str, Any] = vars(typer.main.get_command(app))["commands"]
    assert options <= {name for made in there.values() for one in made.params for name in one.opts}
    commands = set(re.findall(r"voltbridge conformance ([a-z]+)", guide))
    assert {"run", "driver", "configuration", "features", "report"} <= commands <= there.keys()


def test_all_that_ran_passed(kit: Path, portal: anyio.from_thread.BlockingPortal) -> None:
    configuration = read_configuration(kit)
    with portal.wrap_async_context_manager(ScriptedCsms.serving(configuration, Fault())) as csms:
        portal.call(csms.prepare, configuration)
        arguments = ["--url", csms.url, "--config", str(kit), "--block", "P", "--profile", "Core"]
        result = typed("run", *arguments, answers="\n")
    assert result.exit_code == 0, result.output
    assert "2 passed, 0 failed, 0 not run" in result.output


def test_a_csms_that_is_not_there(kit: Path) -> None:
    key = kit.with_name("key")
    key.write_text("secret")
    api = ["--api", "http://127.0.0.1:1/api/v1", "--api-key-file", str(key)]
    result = typed("run", "--url", "ws://127.0.0.1:1", *api)
    assert result.exit_code == 2
    assert "127.0.0.1:1" in result.output


def test_nobody_at_the_terminal(kit: Path) -> None:
    result = typed("run", "--url", "ws://127.0.0.1:1", "--config", str(kit))
    assert result.exit_code == 2
    assert "nobody to operate the CSMS" in result.output


def test_a_case_with_tls_and_authorities_of_the_testers_own(tmp_path: Path) -> None:
    """Nobody is there to operate the station; what it would be told is what counts here."""
    listen = ["--listen", "127.0.0.1:0", "--listen-tls", "127.0.0.1:0", "--ca", str(tmp_path / "kit")]
    result = typed("run", "--role", "station", "--case", "TC_B_50_CS", *listen)
    assert result.exit_code == 1
    assert "its CSMS: wss://127.0.0.1:" in result.output
    assert str(tmp_path / "kit" / "old-root.pem") in result.output.replace("\n", "")
    without = typed("run", "--role", "station", "--case", "TC_B_50_CS", "--listen", "127.0.0.1:0")
    assert without.exit_code == 3
    assert "give --listen-tls and --ca" in without.output


def test_the_cases_with_tls_run_against_our_own_station() -> None:
    result = typed("run", "--role", "station", "--case", "TC_B_47_CS", "--case", "TC_B_50_CS")
    assert result.exit_code == 0
    assert "2 passed, 0 failed, 0 not run" in result.output
