"""Handlers for the messages of vendors, which others write (2.0.1 P02).

A package registers its handlers through the entry point group ``voltbridge.data_transfer``. The entry point names a
function that is given the registry once, at the start::

    # pyproject.toml:  [project.entry-points."voltbridge.data_transfer"]
    #                  example = "example_charging:register"

    def register(vendors: Vendors) -> None:
        vendors.add("com.example", "Greeting", greet)

    async def greet(station: StationReport, data: Any) -> VendorAnswer:
        return VendorAnswer(accepted=True, data={"hello": station.model})
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, Final

from voltbridge.domain.stations import StationReport

__all__ = ["ENTRY_POINTS", "VendorAnswer", "VendorHandler", "Vendors"]

ENTRY_POINTS: Final = "voltbridge.data_transfer"


@dataclass(frozen=True, slots=True)
class VendorAnswer:
    """What a handler answers. ``data`` is any JSON value; a version that allows text only gets other values as JSON."""

    accepted: bool
    data: Any = None


VendorHandler = Callable[[StationReport, Any], Awaitable[VendorAnswer]]
"""Given what the station says of itself and the message's data (None when it has none). What it raises is answered
Rejected and becomes an event; it has as long as ``DataTransferService`` allows."""


class Vendors:
    """Which handler takes which message. Vendor and message ids compare without regard to case, as CiStrings do."""

    def __init__(self) -> None:
        self._handlers: dict[str, dict[str | None, VendorHandler]] = {}

    @classmethod
    def installed(cls) -> Vendors:
        """The handlers of every installed package. What an entry point raises stops the start."""
        vendors = cls()
        for entry_point in entry_points(group=ENTRY_POINTS):
            entry_point.load()(vendors)
        return vendors

    def add(self, vendor_id: str, message_id: str | None, handler: VendorHandler) -> None:
        """Have a handler take the messages of a vendor with this id; None: those without one, and all not added.

        Raises ValueError when somebody takes them already.
        """
        handlers = self._handlers.setdefault(vendor_id.casefold(), {})
        key = None if message_id is None else message_id.casefold()
        if key in handlers:
            raise ValueError(f"messages {message_id!r} of vendor {vendor_id!r} have a handler already")
        handlers[key] = handler

    def knows(self, vendor_id: str) -> bool:
        """Whether any message of this vendor is handled."""
        return vendor_id.casefold() in self._handlers

    def handler(self, vendor_id: str, message_id: str | None) -> VendorHandler | None:
        """Who takes this message."""
        handlers = self._handlers.get(vendor_id.casefold(), {})
        if message_id is not None and message_id.casefold() in handlers:
            return handlers[message_id.casefold()]
        return handlers.get(None)
