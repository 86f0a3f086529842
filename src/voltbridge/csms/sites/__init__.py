"""Sites: load management over all stations behind one tree of fuses."""

__all__: list[str] = []
