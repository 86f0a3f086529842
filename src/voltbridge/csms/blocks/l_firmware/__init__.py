"""Block L, Firmware Management: images, what becomes of them on stations, and local controllers that publish them."""

__all__: list[str] = []
