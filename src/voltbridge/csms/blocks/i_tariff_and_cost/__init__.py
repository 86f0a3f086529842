"""Block I, Tariff and Cost: what charging costs, and what drivers are shown of it."""

__all__: list[str] = []
