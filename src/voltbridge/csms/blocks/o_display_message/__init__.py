"""Block O, Display Message: messages that stations show."""

__all__: list[str] = []
