"""What ``voltbridge up`` prints once it is ready: the addresses, and the commands that bring the first charger in."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final

from voltbridge.domain.stations import Onboarding

__all__ = ["welcome"]

_EVERYWHERE: Final = ("0.0.0.0", "::", "")


def welcome(
    *,
    ocpp: tuple[str, int],
    http: tuple[str, int],
    key_file: Path,
    onboarding: Onboarding,
    version: str,
    ftp_port: int | None = None,
    sftp: tuple[int | None, str | None] = (None, None),
) -> str:
    """The text, with real values to copy. ``ocpp`` and ``http`` are the host listened on and the port.

    ``sftp`` are the port and the fingerprint of the host key.
    """
    stations = f"ws://{_reachable(*ocpp)}/ocpp"
    api = f"http://{_reachable(*http)}/api/v1"
    key = f'"Authorization: Bearer $(cat {shlex.quote(str(key_file))})"'
    first = {
        Onboarding.ASK: (
            "adopt it from the inbox once it has connected:",
            f"curl -X POST {api}/inbox/CP-1/adopt -H {key}",
        ),
        Onboarding.REJECT: (
            "make it known before it connects:",
            f"curl {api}/stations -H {key} -H 'Content-Type: application/json' -d '{{\"station_id\": \"CP-1\"}}'",
        ),
    }
    token = f"curl {api}/tokens -H {key} -H 'Content-Type: application/json' -d '{{\"id_token\": \"04A1B2C3D4\"}}'"
    lines = [
        f"Voltbridge {version} is ready.",
        "",
        f"OCPP  {stations}/{{identity}}",
        f"API   {api}",
        f"key   {key_file}",
        *([f"FTP   {_reachable(ocpp[0], ftp_port)}, for files"] if ftp_port is not None else []),
        *([f"SFTP  {_reachable(ocpp[0], sftp[0])}, for files; host key {sftp[1]}"] if sftp[0] is not None else []),
        "",
        f"Point a charger at {stations}/CP-1",
    ]
    if ocpp[0] in _EVERYWHERE:
        lines[-1] += " (from another machine: this one's name or address instead of localhost)"
    if onboarding in first:
        text, command = first[onboarding]
        lines += [f"and {text}", "", f"  {command}"]
    lines += ["", "Let a token charge:", "", f"  {token}", ""]
    return "\n".join(lines)


def _reachable(host: str, port: int) -> str:
    if host in _EVERYWHERE:
        host = "localhost"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
