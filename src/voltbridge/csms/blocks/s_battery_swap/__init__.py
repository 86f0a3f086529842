"""Block S, Battery Swapping: batteries that were put in and taken out."""

__all__: list[str] = []
