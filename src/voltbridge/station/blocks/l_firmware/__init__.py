"""Block L, Firmware: how an update goes on."""

from __future__ import annotations

__all__: list[str] = []
