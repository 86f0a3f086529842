"""The admin key: who holds it may do everything the API offers.

The first start makes one (256 random bits) and writes it to a file that only its owner can read. It is never logged;
whoever can read the file has the key.
"""

from __future__ import annotations

import hmac
import os
import secrets
import stat
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Final

__all__ = ["AdminKey", "UnusableKeyFile", "read_or_create"]

_SHORTEST: Final = 20


class UnusableKeyFile(Exception):
    """The key file cannot be used; the text is one sentence that says what to change."""


class AdminKey:
    """The key, kept as a digest so that neither a dump nor a comparison's duration gives it away."""

    __slots__ = ("_digest",)

    def __init__(self, key: str) -> None:
        self._digest = sha256(key.encode()).digest()

    def matches(self, offered: str) -> bool:
        """Whether the text offered is the key; takes the same time either way."""
        return hmac.compare_digest(self._digest, sha256(offered.encode("utf-8", "surrogateescape")).digest())


def read_or_create(path: Path) -> tuple[str, bool]:
    """The key in the file and whether it was made just now. Raises UnusableKeyFile."""
    try:
        if not path.exists():
            _create(path, secrets.token_urlsafe(32))
            return path.read_text(encoding="ascii").strip(), True
        key = path.read_text(encoding="ascii").strip()
        mode = stat.S_IMODE(path.stat().st_mode)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not plain text"
        raise UnusableKeyFile(f"the admin key file {path} cannot be used: {reason}") from None
    if len(key) < _SHORTEST or not key.isprintable() or " " in key:
        raise UnusableKeyFile(
            f"the admin key in {path} must be one word of at least {_SHORTEST} characters; "
            "delete the file to have a new one made"
        )
    if mode & 0o077:
        raise UnusableKeyFile(f"the admin key file {path} can be read by others; run: chmod 600 {path}")
    return key, False


def _create(path: Path, key: str) -> None:
    """Make the file appear whole or not at all; a file that another process made meanwhile is left alone."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(key + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary, path)
        except FileExistsError:
            return
    finally:
        Path(temporary).unlink()
