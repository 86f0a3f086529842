"""Settings: where each value comes from, and what is said of a wrong one."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from voltbridge.domain.stations import Onboarding
from voltbridge.settings import ConfigurationError, LogFormat, Settings, load, options, suspicious_variables


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _file(text: str, name: str = "voltbridge.toml") -> Path:
    path = Path(name)
    path.write_text(text, encoding="utf-8")
    return path


def test_without_any_source_the_defaults_hold() -> None:
    assert load({}, environment={}) == Settings()


def test_sources_go_before_each_other_in_the_documented_order() -> None:
    _file("ocpp_port = 1\nhttp_port = 1\nretry_interval = 1\n")
    environment = {"VOLTBRIDGE_OCPP_PORT": "2", "VOLTBRIDGE_HTTP_PORT": "2"}
    settings = load({"ocpp_port": "3", "http_port": None}, environment=environment)
    assert (settings.ocpp_port, settings.http_port, settings.retry_interval) == (3, 2, 1)


@pytest.mark.parametrize("option", options(), ids=lambda option: option.name)
def test_every_option_can_be_set_in_the_environment_and_in_the_file(option: object) -> None:
    texts = {
        "data": "elsewhere",
        "database_url": "postgresql://user@host/name",
        "ready_file": "ready.json",
        "ocpp_host": "::1",
        "http_host": "::1",
        "log_level": "error",
        "log_format": "json",
        "onboarding": "accept",
        "strictness": "salvage",
        "after_boot": "probe",
        "message_size": "20000",
        "authorization_url": "https://auth.example.com/tokens",
        "public_url": "https://csms.example.com",
        "ftp_passive_ports": "50000-50099",
        "authorization_fallback": "reject",
        "webhook_addresses": "public",
    }
    name = option.name  # type: ignore[attr-defined]
    text = texts.get(name, "7")
    from_environment = load({}, environment={f"VOLTBRIDGE_{name.upper()}": text})
    _file(f'{name} = "{text}"\n')
    from_file = load({}, environment={})
    assert from_environment == from_file
    assert getattr(from_file, name) != getattr(Settings(), name)


def test_numbers_of_the_file_need_no_quotes() -> None:
    _file('ocpp_port = 9001\ncall_timeout = 2.5\nlog_format = "json"\n')
    settings = load({}, environment={})
    assert (settings.ocpp_port, settings.call_timeout, settings.log_format) == (9001, 2.5, LogFormat.JSON)


def test_retention_takes_the_word_forever() -> None:
    assert load({"log_retention_days": "forever"}, environment={}).log_retention_days is None


def test_one_certificate_or_two_and_a_port_that_may_be_off() -> None:
    chosen = {"tls_certificate": "ec.pem, rsa.pem", "tls_key": "one.key", "ocpp_port": "off"}
    settings = load(chosen, environment={})
    assert settings.tls_certificate == (Path("ec.pem"), Path("rsa.pem"))
    assert (settings.tls_key, settings.ocpp_port) == ((Path("one.key"),), None)
    for text in ("a,b,c", ",a", " "):
        with pytest.raises(ConfigurationError, match=r"^--tls-key must be a path, or two with a comma between them, "):
            load({"tls_key": text}, environment={})


def test_the_file_can_be_named_by_argument_or_environment() -> None:
    path = _file('onboarding = "accept"\n', "other.toml")
    assert load({}, environment={}).onboarding is Onboarding.ASK
    assert load({}, environment={}, config=path).onboarding is Onboarding.ACCEPT
    assert load({}, environment={"VOLTBRIDGE_CONFIG": "other.toml"}).onboarding is Onboarding.ACCEPT


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"http_port": "70000"}, "--http-port must be a port from 0 to 65535 (0: any free one), but is '70000'"),
        ({"http_port": "x"}, "--http-port must be a port from 0 to 65535 (0: any free one), but is 'x'"),
        ({"onboarding": "maybe"}, "--onboarding must be ask, accept or reject, but is 'maybe'"),
        ({"call_timeout": "nan"}, "--call-timeout must be a number of seconds from 0.1 to 3600, but is 'nan'"),
        (
            {"log_retention_days": "0"},
            "--log-retention-days must be a whole number of days from 1 to 36500, or forever, but is '0'",
        ),
        (
            {"authorization_url": "ftp://example.com"},
            "--authorization-url must be an http or https URL, but is 'ftp://example.com'",
        ),
        ({"data": ""}, "--data must be a path, but is ''"),
    ],
)
def test_a_wrong_argument_is_named_with_what_is_allowed(arguments: dict[str, str], sentence: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(arguments, environment={})
    assert str(caught.value) == sentence


def test_a_wrong_variable_is_named_as_such() -> None:
    with pytest.raises(ConfigurationError, match=r"^VOLTBRIDGE_HTTP_PORT must be a port"):
        load({}, environment={"VOLTBRIDGE_HTTP_PORT": "-1"})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("ocpp_prot = 1", r"voltbridge\.toml has the unknown key ocpp_prot; did you mean ocpp_port\?"),
        ("ocpp-port = 1", r"voltbridge\.toml has the unknown key ocpp-port; did you mean ocpp_port\?"),
        ("zzz = 1", r"voltbridge\.toml has the unknown key zzz; `voltbridge up --help` lists every option"),
        ("ocpp_port = true", r"ocpp_port in voltbridge\.toml must be a port .* but is True"),
        ("ocpp_port = [9000]", r"ocpp_port in voltbridge\.toml must be a port .* but is \[9000\]"),
        ("ocpp_port = \n", r"voltbridge\.toml is not valid TOML: .*line 1"),
    ],
)
def test_a_wrong_file_is_refused_with_one_sentence(text: str, sentence: str) -> None:
    _file(text)
    with pytest.raises(ConfigurationError, match=sentence) as caught:
        load({}, environment={})
    assert "\n" not in str(caught.value)


def test_a_named_file_must_exist() -> None:
    with pytest.raises(ConfigurationError, match=r"^the configuration file no\.toml does not exist$"):
        load({}, environment={}, config=Path("no.toml"))


def test_a_database_url_is_shown_nowhere() -> None:
    settings = load({"database_url": "postgresql://user:hunter2@host/name"}, environment={})
    assert "hunter2" not in repr(settings)
    with pytest.raises(ConfigurationError) as caught:
        load({"database_url": "\0hunter2"}, environment={})
    assert "hunter2" not in str(caught.value)


def test_a_misspelled_variable_is_noticed_and_others_are_not() -> None:
    environment = {
        "VOLTBRIDGE_OCCP_PORT": "1",
        "VOLTBRIDGE_TEST_POSTGRES": "1",
        "VOLTBRIDGE_CLOCK": "1",
        "OCPP_PORT": "1",
    }
    assert suspicious_variables(environment) == [
        "the environment variable VOLTBRIDGE_OCCP_PORT is not used; did you mean VOLTBRIDGE_OCPP_PORT?"
    ]


def test_the_table_has_a_row_for_every_field() -> None:
    assert [option.name for option in options()] == [field.name for field in dataclasses.fields(Settings)]
    for option in options():
        assert option.row.help.endswith(".")
