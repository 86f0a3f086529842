"""Hands and eyes at virtual stations: a REST API, a view in the terminal, and scenarios."""

from __future__ import annotations

__all__: list[str] = []
