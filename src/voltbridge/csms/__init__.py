"""The central system: the gateway that stations connect to, and the functional blocks behind it."""

__all__: list[str] = []
