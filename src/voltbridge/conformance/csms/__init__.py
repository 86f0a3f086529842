"""The cases whose system under test is a CSMS, and the charging station they play."""

__all__: list[str] = []
