"""What the gateway has done so far, as plain numbers that cost next to nothing to keep."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from voltbridge.protocol.versions import Version

__all__ = ["Counters"]


def _by_version() -> dict[Version, Counter[str]]:
    return {version: Counter() for version in Version}


@dataclass(slots=True)
class Counters:
    """Totals since the start; ``connected`` is the present state."""

    connected: dict[Version, int] = field(default_factory=lambda: dict.fromkeys(Version, 0))
    connections: dict[Version, int] = field(default_factory=lambda: dict.fromkeys(Version, 0))
    refused_connections: Counter[int] = field(default_factory=Counter)
    """By HTTP status."""
    tls_handshakes: Counter[str] = field(default_factory=Counter)
    """Those that succeeded, by the version of TLS."""
    tls_failures: Counter[str] = field(default_factory=Counter)
    """By what was wrong."""
    replaced_connections: int = 0
    throttled: int = 0
    """How often a connection was held back because it brought too much at once."""
    received: dict[Version, Counter[str]] = field(default_factory=_by_version)
    """Requests of stations handed to their handlers, by action."""
    refused: dict[Version, Counter[str]] = field(default_factory=_by_version)
    """Requests of stations answered with a CALLERROR, by its code, or ``invalid`` when they reached no handler."""
    ignored: dict[Version, Counter[str]] = field(default_factory=_by_version)
    """Frames of stations that were dropped, by reason."""
    called: dict[Version, Counter[str]] = field(default_factory=_by_version)
    """Requests sent to stations, by action."""
    call_failures: dict[Version, Counter[str]] = field(default_factory=_by_version)
    """Requests to stations that brought no response, by reason."""
