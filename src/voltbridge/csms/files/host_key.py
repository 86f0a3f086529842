"""The key by which stations know this server's SFTP: made at the first start, kept with the data and in backups."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path
from typing import Final

import asyncssh

__all__ = ["UnusableHostKey", "fingerprint", "read_or_make"]

_BITS: Final = 3072
"""RSA, as the oldest stations know no other; signatures are of SHA-2 where the station can."""


class UnusableHostKey(Exception):
    """The key's file cannot be used; the text is one sentence that says what to change."""


def read_or_make(path: Path) -> asyncssh.SSHKey:
    """The key in the file, made when there is none. Takes a while then. Raises UnusableHostKey."""
    try:
        if not path.exists():
            _make(path)
        mode = stat.S_IMODE(path.stat().st_mode)
        key = asyncssh.read_private_key(path)
    except OSError as error:
        raise UnusableHostKey(f"the SFTP host key {path} cannot be used: {error.strerror}") from None
    except (asyncssh.KeyImportError, ValueError):
        raise UnusableHostKey(
            f"the SFTP host key {path} is no private key; put the old one back, or delete it to have a new one made"
        ) from None
    if mode & 0o077:
        raise UnusableHostKey(f"the SFTP host key {path} can be read by others; run: chmod 600 {path}")
    return key


def fingerprint(key: asyncssh.SSHKey) -> str:
    """What to compare with what a station shows, such as ``SHA256:...``."""
    return key.get_fingerprint()


def _make(path: Path) -> None:
    """Make the file appear whole or not at all."""
    content = asyncssh.generate_private_key("ssh-rsa", comment="voltbridge", key_size=_BITS).export_private_key()
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)
    except FileExistsError:
        return
    finally:
        Path(temporary).unlink()
