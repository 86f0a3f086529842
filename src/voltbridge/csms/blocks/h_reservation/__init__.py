"""Block H, Reservation: reserving for a token, cancelling, and following each reservation to its end."""

__all__: list[str] = []
