"""Backup and restore: all of an operator's data in one file, which either database can be filled from."""

__all__: list[str] = []
