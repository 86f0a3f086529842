"""Data of a vendor's own, from the CSMS to whoever takes it at this station (2.0.1 P01; 1.6 5.6)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog

from voltbridge.domain.clock import Clock
from voltbridge.station.answers import Transferred

__all__ = ["DataTransfers", "VendorHandler", "Vendors"]

VendorHandler = Callable[[Any], Awaitable[Transferred]]
"""Given the message's data (None when it has none; a text in 1.6). What it raises is answered Rejected."""

_PATIENCE_S: Final = 10.0


class Vendors:
    """Which handler takes which message. Vendor and message ids compare without regard to case, as CiStrings do."""

    __slots__ = ("_handlers",)

    def __init__(self) -> None:
        self._handlers: dict[str, dict[str | None, VendorHandler]] = {}

    def add(self, vendor_id: str, message_id: str | None, handler: VendorHandler) -> None:
        """Have a handler take the messages of a vendor with this id; None: those without one, and all not added.

        Raises ValueError when somebody takes them already.
        """
        of_vendor = self._handlers.setdefault(vendor_id.casefold(), {})
        key = None if message_id is None else message_id.casefold()
        if key in of_vendor:
            raise ValueError(f"messages {message_id!r} of vendor {vendor_id!r} are taken already")
        of_vendor[key] = handler

    def find(self, vendor_id: str, message_id: str | None) -> VendorHandler | str:
        """The handler, or the status that says why there is none (P01.FR.05, FR.06)."""
        of_vendor = self._handlers.get(vendor_id.casefold())
        if of_vendor is None:
            return "UnknownVendorId"
        key = None if message_id is None else message_id.casefold()
        return of_vendor.get(key) or of_vendor.get(None) or "UnknownMessageId"


class DataTransfers:
    """Hands messages to the vendors' handlers."""

    __slots__ = ("_clock", "_log", "_vendors")

    def __init__(self, vendors: Vendors, clock: Clock, identity: str) -> None:
        self._vendors = vendors
        self._clock = clock
        self._log = structlog.get_logger("voltbridge.station").bind(station=identity)

    async def receive(self, vendor_id: str, message_id: str | None, data: Any) -> Transferred:
        """The answer to a message of the CSMS. A handler that fails or takes too long means Rejected."""
        handler = self._vendors.find(vendor_id, message_id)
        if isinstance(handler, str):
            return Transferred(handler)
        answering = asyncio.ensure_future(handler(data))

        def give_up() -> None:
            answering.cancel()

        cancel = self._clock.call_later(_PATIENCE_S, give_up)
        try:
            return await answering
        except asyncio.CancelledError:
            if not answering.cancelled() or _is_being_cancelled():
                answering.cancel()
                raise
            self._log.error("a vendor's handler took too long", vendor=vendor_id, message=message_id)
        except Exception:
            self._log.exception("a vendor's handler failed", vendor=vendor_id, message=message_id)
        finally:
            cancel()
        return Transferred("Rejected")


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
