"""Block H, Reservation: reservations that ended at the station."""

__all__: list[str] = []
