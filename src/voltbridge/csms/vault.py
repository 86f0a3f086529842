"""Secrets as they are kept: sealed with a key that lies in the data directory, not in the database.

Whoever reads the database or a dump of it has no secret of a webhook's receiver or of a station. A backup made by
``voltbridge backup`` has the key beside the rows, as it has the admin key: it is to be kept as safe as both.

A sealed text is ``sealed:1:`` and the base64, that of addresses, of a nonce and what AES-256-GCM makes of the text.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import secrets
import tempfile
from pathlib import Path
from typing import Final

from voltbridge.domain.errors import StorageUnavailable

__all__ = ["SEALED", "UnreadableSecret", "Vault"]

SEALED: Final = "sealed:1:"
"""What sealed texts begin with."""

_SEALED_PART: Final = re.compile(re.escape(SEALED) + "[A-Za-z0-9_=-]*")
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12


class UnreadableSecret(Exception):
    """A text was sealed with another key than the one that is there; the text says what to do."""


class Vault:
    """Seals and opens texts. The key's file is made with the first text to be sealed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._key: bytes | None = None

    def seal(self, text: str) -> str:
        """The text as it may be stored. Raises StorageUnavailable without a key."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            key = self._own_key(make=True)
        except UnreadableSecret as error:
            raise StorageUnavailable(str(error)) from None
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = AESGCM(key).encrypt(nonce, text.encode(), None)
        return SEALED + base64.urlsafe_b64encode(nonce + sealed).decode("ascii")

    def open(self, stored: str) -> str:
        """The text that was sealed; one that was stored as it is comes back so. Raises UnreadableSecret."""
        if not stored.startswith(SEALED):
            return stored
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            data = base64.b64decode(stored.removeprefix(SEALED), altchars=b"-_", validate=True)
            opened = AESGCM(self._own_key()).decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], None)
        except (InvalidTag, ValueError, binascii.Error):
            raise UnreadableSecret(f"it was not sealed with the key in {self._path}; put that key back") from None
        return opened.decode()

    def open_all(self, stored: str) -> str:
        """A text with what was sealed in it opened. Raises UnreadableSecret."""
        return _SEALED_PART.sub(lambda part: self.open(part[0]), stored) if SEALED in stored else stored

    def _own_key(self, *, make: bool = False) -> bytes:
        """Raises UnreadableSecret."""
        if self._key is None:
            try:
                if make and not self._path.exists():
                    _create(self._path)
                key = self._path.read_bytes()
            except OSError as error:
                raise UnreadableSecret(f"the key file {self._path} cannot be used: {error.strerror}") from None
            if len(key) != _KEY_BYTES:
                raise UnreadableSecret(f"the key file {self._path} does not hold a key of {_KEY_BYTES} bytes")
            self._key = key
        return self._key


def _create(path: Path) -> None:
    """Make the file appear whole and durable, or not at all."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).rename(path)
        directory = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
