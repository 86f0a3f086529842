"""Block P, Data transfer: what a vendor and its CSMS say to each other."""

from __future__ import annotations

__all__: list[str] = []
