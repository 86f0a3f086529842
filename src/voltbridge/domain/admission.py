"""Whether a station may connect: what is known before the WebSocket upgrade, and the two answers to it."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["AdmissionRequest", "Admitted", "Credentials", "Refused"]


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the Authorization header carries (Basic scheme). The password stays bytes: 1.6 allows binary ones."""

    username: str
    password: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class AdmissionRequest:
    """A station that asks for a connection. ``identity`` is the URL's last segment, percent-decoding done."""

    identity: str
    credentials: Credentials | None
    remote_address: str
    secure: bool
    """Whether the connection is encrypted."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """The connection may be upgraded."""

    authenticated: bool
    """Whether the station proved who it is; false where no password is set for it."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The connection is answered with this HTTP status. The reason is for logs and events, never for the peer."""

    http_status: int
    reason: str
