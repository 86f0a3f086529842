"""The WebSocket endpoint that charging stations connect to."""

__all__: list[str] = []
