"""Block R, DER Control: what stations tell of distributed energy resources."""

__all__: list[str] = []
