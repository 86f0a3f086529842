"""Whether the CSMS can do its work: each part that must be there says so, or says why not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

__all__ = ["Check", "Readiness"]

Check = Callable[[], Awaitable[str | None]]
"""None when all is well, else a few words on what is wrong."""


class Readiness:
    """Asks every part, all at once."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks

    async def check(self) -> dict[str, str]:
        """``ok`` or what is wrong, by the name of the part."""
        findings = await asyncio.gather(*(check() for check in self._checks.values()))
        return {name: finding or "ok" for name, finding in zip(self._checks, findings, strict=True)}
