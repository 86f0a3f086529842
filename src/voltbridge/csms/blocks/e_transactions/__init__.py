"""Block E, Transactions: what is charged, by whom, and how much."""

__all__: list[str] = []
