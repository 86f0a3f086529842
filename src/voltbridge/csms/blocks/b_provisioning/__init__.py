"""Block B, Provisioning: stations, what the operator decides about them, their boots and their reports."""

__all__: list[str] = []
