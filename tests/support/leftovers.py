"""What a test that failed has left open is closed before anything else runs.

The exception it failed with keeps its connections and files, until the collector finds them some time later. The
warning that they were never closed would then fail another test, or the next try of the same one.
"""

from __future__ import annotations

import gc
import sys
import warnings

import pytest

__all__ = ["pytest_runtest_logfinish", "pytest_runtest_logreport"]

_failed: set[str] = set()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Called for each phase of a test, with an outcome of its own for those that will be tried again."""
    if report.outcome not in ("passed", "skipped"):
        _failed.add(report.nodeid)


def pytest_runtest_logfinish(nodeid: str) -> None:
    """Called when nobody needs the exception any more."""
    if nodeid not in _failed:
        return
    _failed.remove(nodeid)
    for name in ("last_exc", "last_type", "last_value", "last_traceback"):
        if hasattr(sys, name):
            delattr(sys, name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()
