"""Block D, Local authorization list: whom the CSMS has told the station about."""

from __future__ import annotations

__all__: list[str] = []
