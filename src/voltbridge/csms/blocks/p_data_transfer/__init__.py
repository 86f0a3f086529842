"""Block P, Data Transfer: messages of a vendor's own, handed to handlers that others write."""

__all__: list[str] = []
