"""Events out, commands to the node that owns a station: the ports, and their in-process implementation."""

__all__: list[str] = []
