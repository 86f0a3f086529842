"""What ``voltbridge up`` prints once it is ready: the addresses, and the commands that bring the first charger in."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from voltbridge.domain.stations import Onboarding

__all__ = ["welcome"]

_EVERYWHERE: Final = ("0.0.0.0", "::", "")


def welcome(
    *,
    host: str,
    ocpp_port: int | None,
    http: tuple[str, int],
    key_file: Path,
    onboarding: Onboarding,
    version: str,
    tls_port: int | None = None,
    tls_names: Sequence[str] = (),
    ftp_port: int | None = None,
    sftp: tuple[int | None, str | None] = (None, None),
    demo: int = 0,
) -> str:
    """The text, with real values to copy. ``http`` is the host listened on and the port, ``host`` that for stations.

    ``tls_names`` are what the certificate calls this server, ``sftp`` the port and the fingerprint of the host key,
    ``demo`` how many virtual stations live here.
    """
    addresses = []
    if tls_port is not None:
        addresses.append(f"wss://{_reachable(_named(host, tls_names), tls_port)}/ocpp")
    if ocpp_port is not None:
        addresses.append(f"ws://{_reachable(host, ocpp_port)}/ocpp")
    stations = addresses[0]
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
        *(f"OCPP  {address}/{{identity}}" for address in addresses),
        f"API   {api}",
        f"key   {key_file}",
        *([f"FTP   {_reachable(host, ftp_port)}, for files"] if ftp_port is not None else []),
        *([f"SFTP  {_reachable(host, sftp[0])}, for files; host key {sftp[1]}"] if sftp[0] is not None else []),
        "",
        f"Point a charger at {stations}/CP-1",
    ]
    if "//localhost:" in stations:
        lines[-1] += " (from another machine: this one's name or address instead of localhost)"
    if onboarding in first:
        text, command = first[onboarding]
        lines += [f"and {text}", "", f"  {command}"]
    lines += ["", "Let a token charge:", "", f"  {token}", ""]
    if demo:
        begun = "Demo stations that begin" if demo > 1 else "Demo station that begins"
        lines += [
            f"{begun} to live and charge now: {demo}. What they do:",
            "",
            f"  curl -N '{api}/events?after=0' -H {key}",
            "",
        ]
    return "\n".join(lines)


def _named(host: str, names: Sequence[str]) -> str:
    """By what stations know this server when they look at its certificate."""
    plain = [name for name in names if not name.startswith("*")]
    return plain[0] if plain and host not in names else host


def _reachable(host: str, port: int) -> str:
    if host in _EVERYWHERE:
        host = "localhost"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
