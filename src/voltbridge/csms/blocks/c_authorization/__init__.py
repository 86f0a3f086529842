"""Block C, Authorization: who may charge."""

__all__: list[str] = []
