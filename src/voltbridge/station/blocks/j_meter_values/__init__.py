"""Block J, Meter values: what is sampled when, and what of it is told."""

from __future__ import annotations

__all__: list[str] = []
