"""The file the kit and a CSMS are set up from."""

from __future__ import annotations

from pathlib import Path

import pytest

from voltbridge.conformance.configuration import Configuration, InvalidConfiguration, Token, read_configuration


def written(directory: Path, text: str) -> Path:
    file = directory / "kit.toml"
    file.write_text(text)
    return file


def test_what_is_left_out_has_a_default(tmp_path: Path) -> None:
    text = (
        'station_id = "CP-7"\nevses = 3\n[tokens.valid]\nid_token = "ABC"\n[network_profile]\nmessage_timeout_s = 60\n'
    )
    configuration = read_configuration(written(tmp_path, text))
    assert configuration.station_id == "CP-7"
    assert configuration.tokens.valid == Token(id_token="ABC", type="ISO14443")
    assert configuration.tokens.blocked == Configuration().tokens.blocked
    assert configuration.network_profile.message_timeout_s == 60
    assert list(configuration.connectors()) == [(1, 1), (2, 1), (3, 1)]


def test_the_password_is_made_anew_each_time() -> None:
    first, second = Configuration(), Configuration()
    assert first.password != second.password
    assert 16 <= len(first.password) <= 40


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("station_id = ", "kit.toml"),
        ("station = 'CP'", "station"),
        ("evses = 0", "evses"),
        ("password = 'short'", "password"),
        ("message_timeout_s = 0", "message_timeout_s"),
        ("[tokens.valid]\ntype = 'Central'", "id_token"),
        ("evse_id = 3", "evse_id"),
        ("connector_id = 2", "connector_id"),
        ("features = ['cabel lock']", "'cabel lock' is none of: .*cable lock"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(InvalidConfiguration, match=named):
        read_configuration(written(tmp_path, text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration, match=r"none\.toml: No such file"):
        read_configuration(tmp_path / "none.toml")
