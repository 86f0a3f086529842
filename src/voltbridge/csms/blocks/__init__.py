"""The functional blocks, by the letters of OCPP 2.0.1; each translates its messages and serves its use cases."""

__all__: list[str] = []
