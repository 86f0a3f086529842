"""Who is authorized at an EVSE."""

from __future__ import annotations

from dataclasses import dataclass

from voltbridge.domain.tokens import IdToken

__all__ = ["Driver"]


@dataclass(slots=True)
class Driver:
    """A driver, by the token that was authorized. The group may become known later."""

    token: IdToken
    group: IdToken | None = None
    remote_start_id: int | None = None
    """The CSMS's number, where it started this."""
    reservation_id: int | None = None
    """The reservation that was used up."""
