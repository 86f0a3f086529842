"""The file the kit and a CSMS are set up from."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from voltbridge.conformance.configuration import (
    PATIENT,
    Configuration,
    InvalidConfiguration,
    Token,
    read_configuration,
)
from voltbridge.conformance.example import example


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
        ("features = ['cabel lock']", "kit.toml:1: features: 'cabel lock' is no feature; did you mean 'cable lock'"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(InvalidConfiguration, match=named):
        read_configuration(written(tmp_path, text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration, match=r"none\.toml: No such file"):
        read_configuration(tmp_path / "none.toml")


def test_all_mistakes_are_told_at_once_with_their_lines(tmp_path: Path) -> None:
    text = """
evses = "two"
statoin_id = "x"
features = [
  "cable lock",
  3,
]
log_location = '''
evses = 3
'''
tokens.vaild.id_token = "1"
[tokens.valid]  # of the driver
type = "eMAID"
[firmware]
delay_s = 0
[network_profil]
"""
    with pytest.raises(InvalidConfiguration) as caught:
        read_configuration(written(tmp_path, text))
    told = [line.removeprefix(f"{tmp_path}/") for line in str(caught.value).splitlines()]
    assert told == [
        "kit.toml:2: evses: Expected `int`, got `str`",
        "kit.toml:3: statoin_id: there is no such key; did you mean station_id?",
        "kit.toml:4: features[1]: Expected `str`, got `int`",
        "kit.toml:11: tokens.vaild: there is no such key; did you mean tokens.valid?",
        "kit.toml:12: tokens.valid.id_token: is missing",
        "kit.toml:15: firmware.delay_s: Expected `float` > 0.0",
        "kit.toml:16: network_profil: there is no such key; did you mean network_profile?",
    ]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"evses = 1\nmodel = \n", "kit.toml:2: is no TOML: "),
        (b"evses = 1\nmodel = [\n", "kit.toml:2: is no TOML: "),
        (b"evses = 1\nevses = 2\n", "kit.toml:2: is no TOML: "),
        (b"evses = 1\nmodel = '\xff'\n", "kit.toml:2: is not UTF-8"),
    ],
)
def test_what_is_no_toml_is_told_with_its_line(tmp_path: Path, content: bytes, told: str) -> None:
    file = tmp_path / "kit.toml"
    file.write_bytes(content)
    with pytest.raises(InvalidConfiguration) as caught:
        read_configuration(file)
    assert told in str(caught.value)


def test_a_file_says_only_what_differs_from_the_defaults_of_the_run(tmp_path: Path) -> None:
    configuration = read_configuration(written(tmp_path, "[firmware]\ndelay_s = 9\n"), PATIENT)
    assert configuration.quiet_s == PATIENT.quiet_s != Configuration().quiet_s
    assert configuration.firmware == msgspec.structs.replace(PATIENT.firmware, delay_s=9.0)


@pytest.mark.parametrize("base", [Configuration(), PATIENT], ids=["csms", "station"])
def test_the_example_has_every_key_with_its_value(tmp_path: Path, base: Configuration) -> None:
    text = example(base)
    assert read_configuration(written(tmp_path, text), base) == base, "as printed it changes nothing"
    lines = text.splitlines()
    used = [line[1:] if line.startswith("#") and not line.startswith("# ") else line for line in lines]
    made = "- made anew -"
    used = [
        line.replace('"..."', f'"{base.password}"' if line.startswith("password") else f'"{made}"') for line in used
    ]
    firmware = dict.fromkeys(("signing_certificate", "signature", "invalid_signature"), made)
    wanted = msgspec.structs.replace(base, firmware=msgspec.structs.replace(base.firmware, **firmware))
    assert read_configuration(written(tmp_path, "\n".join(used)), Configuration()) == wanted
