"""The versions of OCPP, by the name each has as a WebSocket subprotocol, and what the RPC layer of each can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

__all__ = ["CAPABILITIES", "Capabilities", "Version"]


class Version(StrEnum):
    """A version of OCPP-J. The value is its WebSocket subprotocol (IANA's registry of subprotocol names)."""

    V16 = "ocpp1.6"
    V201 = "ocpp2.0.1"
    V21 = "ocpp2.1"

    @property
    def label(self) -> str:
        """The version as people write it: ``1.6``, ``2.0.1``, ``2.1``."""
        return self.value.removeprefix("ocpp")

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES[self]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the message layer of one version offers."""

    call_result_error: bool
    """CALLRESULTERROR (message type 5) tells the peer that its answer was wrong (2.1 Part 4, 4.2.3)."""
    send: bool
    """SEND (message type 6) is never answered (2.1 Part 4, 4.2.4)."""
    message_id_length: int
    """The longest message id in characters."""
    deflate_required: bool
    """A CSMS has to offer permessage-deflate (RFC 7692)."""
    custom_data: bool
    """Every object may carry ``customData`` with keys of a vendor's own."""


CAPABILITIES: Final[Mapping[Version, Capabilities]] = MappingProxyType(
    {
        Version.V16: Capabilities(
            call_result_error=False,
            send=False,
            message_id_length=36,
            deflate_required=False,
            custom_data=False,
        ),
        Version.V201: Capabilities(
            call_result_error=False,
            send=False,
            message_id_length=36,
            deflate_required=True,
            custom_data=True,
        ),
        Version.V21: Capabilities(
            call_result_error=True,
            send=True,
            message_id_length=36,
            deflate_required=True,
            custom_data=True,
        ),
    }
)
