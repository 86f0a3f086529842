"""Block I, Tariff and cost: what drivers are shown of prices."""

from __future__ import annotations

__all__: list[str] = []
