"""What ``voltbridge up`` prints: commands that can be copied."""

from __future__ import annotations

import shlex
from pathlib import Path

from voltbridge.cli.welcome import welcome
from voltbridge.domain.stations import Onboarding


def _text(
    onboarding: Onboarding,
    *,
    ocpp: str = "0.0.0.0",
    key_file: str = "data/admin.key",
    port: int | None = 9000,
    tls: tuple[str, ...] | None = None,
    demo: int = 0,
) -> str:
    return welcome(
        host=ocpp,
        ocpp_port=port,
        tls_port=None if tls is None else 9443,
        tls_names=tls or (),
        http=("127.0.0.1", 8080),
        key_file=Path(key_file),
        onboarding=onboarding,
        version="1.2.3",
        demo=demo,
    )


def _commands(text: str) -> list[list[str]]:
    return [shlex.split(line) for line in text.splitlines() if line.startswith("  curl")]


def test_endpoints_stand_on_lines_of_their_own() -> None:
    lines = _text(Onboarding.ASK).splitlines()
    assert "OCPP  ws://localhost:9000/ocpp/{identity}" in lines
    assert "API   http://127.0.0.1:8080/api/v1" in lines
    assert "key   data/admin.key" in lines


def test_asking_means_adopting_and_a_token() -> None:
    adopt, token = _commands(_text(Onboarding.ASK))
    assert adopt[:4] == ["curl", "-X", "POST", "http://127.0.0.1:8080/api/v1/inbox/CP-1/adopt"]
    assert "Authorization: Bearer $(cat data/admin.key)" in adopt
    assert token[1] == "http://127.0.0.1:8080/api/v1/tokens"
    assert token[-1] == '{"id_token": "04A1B2C3D4"}'


def test_accepting_needs_only_the_token_and_rejecting_the_station() -> None:
    assert [command[1] for command in _commands(_text(Onboarding.ACCEPT))] == ["http://127.0.0.1:8080/api/v1/tokens"]
    station, _ = _commands(_text(Onboarding.REJECT))
    assert (station[1], station[-1]) == ("http://127.0.0.1:8080/api/v1/stations", '{"station_id": "CP-1"}')


def test_demo_stations_are_told_of_with_a_way_to_watch_them() -> None:
    text = _text(Onboarding.ASK, demo=3)
    assert "Demo stations that begin to live and charge now: 3. What they do:" in text.splitlines()
    *_, watch = _commands(text)
    assert watch[:3] == ["curl", "-N", "http://127.0.0.1:8080/api/v1/events?after=0"]
    assert len(_commands(_text(Onboarding.ASK))) == 2, "nothing of it without them"


def test_odd_paths_are_quoted_and_ipv6_addresses_bracketed() -> None:
    text = _text(Onboarding.ACCEPT, ocpp="::1", key_file="my data/admin.key")
    assert "$(cat 'my data/admin.key')" in text
    assert "ws://[::1]:9000/ocpp/CP-1" in text
    assert "instead of localhost" not in text


def test_tls_comes_first_by_a_name_that_the_certificate_has() -> None:
    lines = _text(Onboarding.ASK, tls=("*.example.com", "csms.example.com")).splitlines()
    secure, plain = [line for line in lines if line.startswith("OCPP")]
    assert secure == "OCPP  wss://csms.example.com:9443/ocpp/{identity}"
    assert plain == "OCPP  ws://localhost:9000/ocpp/{identity}"
    assert "Point a charger at wss://csms.example.com:9443/ocpp/CP-1" in lines
    assert "ws://localhost" not in _text(Onboarding.ASK, tls=(), port=None)
