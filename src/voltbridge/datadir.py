"""The data directory: made when it is missing, and held by one process at a time."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Self

from voltbridge.settings import ConfigurationError

__all__ = ["DataDirectory"]


class DataDirectory:
    """Holds the directory from ``claim`` to ``release``. The kernel lets go of it when the process ends in any way."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor: int | None = descriptor

    @classmethod
    def claim(cls, path: Path) -> Self:
        """Take the directory, making it when there is none. Raises ConfigurationError."""
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
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        return cls(path, descriptor)

    def release(self) -> None:
        """Let others have it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
