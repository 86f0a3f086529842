"""Block D, Local Authorization List Management: the tokens that stations judge by themselves."""

__all__: list[str] = []
