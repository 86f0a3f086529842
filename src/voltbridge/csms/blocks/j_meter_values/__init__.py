"""Block J, Meter values: readings of every kind, within transactions and outside."""

__all__: list[str] = []
