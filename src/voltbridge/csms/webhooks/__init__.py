"""Webhooks: stored events delivered by HTTP, in order, at least once."""

__all__: list[str] = []
