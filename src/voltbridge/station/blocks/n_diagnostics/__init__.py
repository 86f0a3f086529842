"""Block N, Diagnostics: logs and their uploads."""

from __future__ import annotations

__all__: list[str] = []
