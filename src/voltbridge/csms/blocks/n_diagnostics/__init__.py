"""Block N, Diagnostics: logs, monitoring, events and customer information that stations tell of."""

__all__: list[str] = []
