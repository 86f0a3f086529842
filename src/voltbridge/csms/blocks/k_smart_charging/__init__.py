"""Block K, Smart Charging: limits and profiles that stations tell of."""

__all__: list[str] = []
