"""Block M, Certificate Management: the root certificates of a station."""

from __future__ import annotations

__all__: list[str] = []
