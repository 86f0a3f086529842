"""Block B, Provisioning: registration, variables, reports, resets, network profiles."""

from __future__ import annotations

__all__: list[str] = []
