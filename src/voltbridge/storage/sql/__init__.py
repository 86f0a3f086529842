"""Tables, and the stores over them: one file per noun."""

__all__: list[str] = []
