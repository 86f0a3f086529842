"""Texts that no database can hold, and that therefore no row can have: asking for them must not fail the question."""

from __future__ import annotations

__all__ = ["is_storable", "storable"]


def is_storable(*texts: str | None) -> bool:
    """Whether each text could be in a row: no NUL (PostgreSQL has no place for it) and no lone surrogate."""
    for text in texts:
        if text is None:
            continue
        if "\0" in text:
            return False
        try:
            text.encode()
        except UnicodeEncodeError:
            return False
    return True


def storable(text: str | None) -> str | None:
    """A text of somebody else's that is only told to people, without what cannot be in a row."""
    return None if text is None else text.replace("\0", "").encode(errors="replace").decode()
