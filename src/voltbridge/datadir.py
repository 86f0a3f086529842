"""The data directory: made when it is missing, and held by one process at a time."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final, Self

from voltbridge.settings import ConfigurationError

__all__ = ["KEPT", "PASSING", "RESTORING", "SECRETS_KEY", "UNTOUCHED", "DataDirectory"]

SECRETS_KEY: Final = "secrets.key"
"""The key with which secrets in the database are sealed."""

KEPT: Final = ("admin.key", "sftp_host.key", "files", SECRETS_KEY)
"""What belongs to the operator, beside the embedded database: files and directories that a backup takes."""

PASSING: Final = (
    *("lock", "voltbridge.db", "voltbridge.db-shm", "voltbridge.db-wal"),
    *("demo.db", "demo.db-shm", "demo.db-wal"),
)
"""What else is made there: a process's own, virtual stations' own, or the database, whose rows a backup takes."""

RESTORING: Final = "restoring"
"""Holds what a restore has not put in place yet; while it is there, nothing else in the directory can be relied on,
unless ``UNTOUCHED`` is in it."""

UNTOUCHED: Final = "untouched"
"""A file in ``RESTORING`` that says that nothing has been put in place yet."""


class DataDirectory:
    """Holds the directory from ``claim`` to ``release``. The kernel lets go of it when the process ends in any way."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor: int | None = descriptor

    @classmethod
    def claim(cls, path: Path, *, to_restore: bool = False) -> Self:
        """Take the directory, making it when there is none. Raises ConfigurationError.

        A directory in which a restore was cut short is given only ``to_restore`` again.
        """
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ConfigurationError(
                f"the data directory {path} cannot be used ({error.strerror}); choose another with --data"
            ) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 20).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise ConfigurationError(
                f"the data directory {path} is in use by another Voltbridge (process {holder}); "
                "stop that one or choose another directory with --data"
            ) from None
        if not to_restore and (path / RESTORING).exists():
            os.close(descriptor)
            untouched = (path / RESTORING / UNTOUCHED).exists()
            raise ConfigurationError(
                f"a restore into the data directory {path} was cut short; run `voltbridge restore` again"
                + (f", or remove {path / RESTORING} to go on with what was there before" if untouched else "")
            )
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        return cls(path, descriptor)

    def release(self) -> None:
        """Let others have it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
