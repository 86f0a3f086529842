"""Options that the commands of ``voltbridge station`` have in common, each with what it is checked for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from voltbridge.settings import ConfigurationError

__all__ = [
    "CONTROL",
    "FILES",
    "LOCAL_CSMS",
    "SERVERS",
    "CaFile",
    "ControlKey",
    "ControlPort",
    "Data",
    "KnownHosts",
    "Personality",
    "Url",
]

LOCAL_CSMS: Final = "ws://127.0.0.1:9000/ocpp"

SERVERS: Final = "The CSMS and other servers"
FILES: Final = "What is kept"
CONTROL: Final = "Playing with it"
"""Groups of options in the help."""


def _url(text: str) -> str:
    from voltbridge.station.network_profiles import url_problem

    problem = url_problem(text, 0)
    if problem is not None:
        raise ConfigurationError(f"--url: {problem}; give one such as {LOCAL_CSMS}, without the identity, not {text!r}")
    return text


Url = Annotated[
    str,
    typer.Option(
        "--url",
        metavar="URL",
        rich_help_panel=SERVERS,
        callback=_url,
        help="The CSMS, without the identity: ws://host:9000/ocpp, or wss://.",
    ),
]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        rich_help_panel=FILES,
        help="Keep queue and settings here over a restart; else they are forgotten.",
    ),
]
ControlPort = Annotated[
    int | None,
    typer.Option(
        "--control-port",
        metavar="PORT",
        rich_help_panel=CONTROL,
        min=0,
        max=65_535,
        help="Serve the REST control API on this port of the loopback interface; 0 takes any free one.",
    ),
]
ControlKey = Annotated[
    str | None,
    typer.Option(
        "--control-key",
        metavar="KEY",
        rich_help_panel=CONTROL,
        envvar="VOLTBRIDGE_CONTROL_KEY",
        help="Key that the control API asks for; else one is made and printed at the start.",
    ),
]


def _ca_file(file: Path | None) -> Path | None:
    """That no station is started that could never trust anybody."""
    if file is None:
        return None
    from cryptography import x509

    try:
        x509.load_pem_x509_certificates(file.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"--ca-file {file}: {error.strerror or error}") from None
    except ValueError:
        raise ConfigurationError(f"--ca-file {file}: it has no certificates in PEM") from None
    return file


CaFile = Annotated[
    Path | None,
    typer.Option(
        "--ca-file",
        metavar="FILE",
        rich_help_panel=SERVERS,
        callback=_ca_file,
        help="Root certificates (PEM) to judge a CSMS by that is reached by wss://, and servers of files.",
        show_default="those of the system",
    ),
]
Personality = Annotated[
    str | None,
    typer.Option(
        "--personality",
        metavar="NAME|FILE",
        help="What the station is like, and its quirks: one of the product's, which a wrong name lists, or a file of "
        "yours, as docs/quirks.md has it.",
    ),
]


def _known_hosts(file: Path | None) -> Path | None:
    """That no station starts to trust nobody by mistake."""
    if file is None:
        return None
    try:
        import asyncssh
    except ImportError:
        raise ConfigurationError("--known-hosts is for SFTP, which needs voltbridge[ftp]") from None
    try:
        asyncssh.read_known_hosts(str(file))
    except OSError as error:
        raise ConfigurationError(f"--known-hosts {file}: {error.strerror or error}") from None
    except ValueError as error:
        raise ConfigurationError(f"--known-hosts {file}: not as ssh-keyscan writes it: {error}") from None
    return file


KnownHosts = Annotated[
    Path | None,
    typer.Option(
        "--known-hosts",
        metavar="FILE",
        rich_help_panel=SERVERS,
        callback=_known_hosts,
        help="SSH servers to fetch firmware from and deliver logs to by SFTP, as in ~/.ssh/known_hosts; else any.",
    ),
]
