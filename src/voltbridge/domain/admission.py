"""Whether a station may connect: what is known before the WebSocket upgrade, and the two answers to it."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["AdmissionRequest", "Admitted", "Arrival", "Credentials", "Refused", "security_profile"]


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
class Arrival:
    """How a station that was admitted has come in."""

    remote_address: str
    secure: bool
    authenticated: bool

    @property
    def security_profile(self) -> int:
        """See the function of this name."""
        return security_profile(secure=self.secure, authenticated=self.authenticated)


def security_profile(*, secure: bool, authenticated: bool) -> int:
    """OCPP's number for how a connection is protected (2.0.1 A00): 1 by a password, 2 by TLS as well.

    0 is no number of OCPP's: the station did not prove who it is, by TLS or not.
    """
    return 0 if not authenticated else 2 if secure else 1


@dataclass(frozen=True, slots=True)
class Refused:
    """The connection is answered with this HTTP status. The reason is for logs and events, never for the peer."""

    http_status: int
    reason: str
