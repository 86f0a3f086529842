"""Block A, Security: what happened that somebody should know of."""

from __future__ import annotations

__all__: list[str] = []
