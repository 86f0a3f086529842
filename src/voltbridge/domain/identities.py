"""Which texts may name a charging station.

A station names itself in the URL it connects to; the same text is its user name (2.0.1 A00.FR.204) and its place in
the REST API's paths. 2.x allows 48 characters of a small set (identifierString without the colon); 1.6 sets no limits
and shows a space in its example. What is refused is what at least one of those places cannot carry.
"""

from __future__ import annotations

from typing import Final

__all__ = ["MAX_IDENTITY_LENGTH", "identity_problem"]

MAX_IDENTITY_LENGTH: Final = 48
"""Characters (2.0.1 Part 4, 3.1.1)."""

_REFUSED: Final = {
    ":": "it ends the user name in Basic authentication",
    "/": "it would end the segment of the URL",
    "\\": "some URL parsers take it for a slash",
    "?": "it would end the path of the URL",
    "#": "it would end the path of the URL",
    "%": "it announces an encoded character in the URL",
}


def identity_problem(identity: str) -> str | None:
    """Why a text cannot be a station's identity, in words that follow "the identity"; None when it can.

    Identities compare exactly, case included, as they do in a URL.
    """
    if not identity:
        return "is empty"
    if len(identity) > MAX_IDENTITY_LENGTH:
        return f"is longer than {MAX_IDENTITY_LENGTH} characters"
    if not identity.isprintable():
        return "contains a character that cannot be printed"
    if identity != identity.strip():
        return "begins or ends with a space"
    if identity in {".", ".."}:
        return "means a folder in a URL"
    for character in identity:
        if character in _REFUSED:
            return f"contains {character!r}: {_REFUSED[character]}"
    return None
