"""Block F, Remote control: start, stop, unlock, trigger."""

from __future__ import annotations

__all__: list[str] = []
