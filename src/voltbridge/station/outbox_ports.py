"""What the outbox needs of others: settings, and a connection."""

from __future__ import annotations

from typing import Protocol

from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version
from voltbridge.station.retries import RetrySettings

__all__ = ["Line", "OutboxSettings"]


class OutboxSettings(RetrySettings, Protocol):
    """The settings this goes by; ``settings.StationSettings`` has them."""

    @property
    def message_timeout_s(self) -> int: ...
    @property
    def retransmit_meter_values(self) -> bool: ...
    @property
    def queue_capacity(self) -> int: ...
    @property
    def disallow_charging_if_queue_full(self) -> bool: ...
    @property
    def queue_all_messages(self) -> bool: ...


class Line(Protocol):
    """A connection; ``link.Link`` is one."""

    @property
    def is_open(self) -> bool: ...

    version: Version

    async def call(self, action: str, request: Payload, timeout_s: float | None = None) -> Payload: ...
