"""Block F, Remote control: starting, stopping and unlocking from afar, and asking for messages."""

__all__: list[str] = []
