"""Block L, Firmware Management: how updates get on."""

__all__: list[str] = []
