"""Block E, Transactions: when they start and stop, and what is told of them."""

from __future__ import annotations

__all__: list[str] = []
