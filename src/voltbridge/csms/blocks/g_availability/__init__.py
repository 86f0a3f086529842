"""Block G, Availability: heartbeats, and the status of stations, EVSEs and connectors."""

__all__: list[str] = []
