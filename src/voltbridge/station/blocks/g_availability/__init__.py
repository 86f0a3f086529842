"""Block G, Availability: the states of station, EVSEs and connectors."""

from __future__ import annotations

__all__: list[str] = []
