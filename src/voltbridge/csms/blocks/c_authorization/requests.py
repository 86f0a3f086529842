"""What stations are asked about tokens, whatever the version (2.0.1 C11; 1.6 5.4)."""

from __future__ import annotations

from voltbridge.csms.commands.kinds import Parameters

__all__ = ["ClearCache"]


class ClearCache(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Forget the tokens that were judged earlier."""
