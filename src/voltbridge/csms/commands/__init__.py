"""Commands to stations: one way to say it, whatever version the station speaks."""

__all__: list[str] = []
