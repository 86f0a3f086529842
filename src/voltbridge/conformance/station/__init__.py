"""The cases that test a charging station, and the CSMS the kit plays for them."""

from __future__ import annotations

__all__: list[str] = []
