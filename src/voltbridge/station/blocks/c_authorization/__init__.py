"""Block C, Authorization: whom a station lets charge, online and offline."""

from __future__ import annotations

__all__: list[str] = []
