"""How many files this process may have open. Each connection is one, and many systems begin with 1024."""

from __future__ import annotations

import contextlib
import resource

__all__ = ["raise_open_files"]


def raise_open_files(wanted: int) -> int:
    """Raise the limit to this number, or as far as this user may; how much of ``wanted`` is allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted
