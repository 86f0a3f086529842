"""Block O, Display message: what the CSMS has the station show."""

from __future__ import annotations

__all__: list[str] = []
